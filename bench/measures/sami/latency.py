"""What the stage adds to the first audio of a reply: the same voice converted and as it is, by turns in one run.

From the moment at which the engine's simulator is about to write its first audio until the client's first whole chunk. The
converter's service tells at once what it makes of each message, and its handshake falls into the time for which the engine
thinks: so nothing is taken off the numbers, for the service's own delay or for what three resamplers (24 to 16, 16 to 24 and
24 to 22.05 kHz) hold back.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple

from ...figures import median, milliseconds, percentile, spread
from ...lab import Lab, Size
from ...rows import Row, Target
from ..openspeech.latency import at_some_moment, whole
from .stage import RATE, SPEAKERS, Stage

TARGET = Target("<", 10)
NATIVE = 24_000
"""Hz: the engine's own, at which no resampler holds anything back."""
TEXT = "Here it is, a sentence."
SPEAKER = f"prompt/{SPEAKERS[0]}"
CASES = {"100 ms in a message": "large", "20 ms in a message, in real time": "small"}
"""What → the engine that speaks so."""
ROUNDS = {Size.FULL: 50, Size.QUICK: 20, Size.TINY: 1}


class Heard(NamedTuple):
    first: float
    """ms from the engine's first audio to the client's first chunk."""
    last: float
    """ms from the engine's end to the client's."""


async def measure(lab: Lab, stage: Stage) -> AsyncIterator[Row]:
    journal = stage.converters["prompt"].journal
    before = journal.count(SPEAKERS[0])
    for what, engine in CASES.items():
        converted, plain = [], []
        for _ in range(ROUNDS[lab.size]):
            converted.append(await hear(lab, stage, engine, SPEAKER, RATE))
            plain.append(await hear(lab, stage, engine, None, NATIVE))
        yield added(what, [one.first for one in converted], [one.first for one in plain])
        yield the_end(what, [one.last for one in converted], [one.last for one in plain])
    assert journal.count(SPEAKERS[0]) - before == len(CASES) * ROUNDS[lab.size], "a reply was not converted"


async def hear(lab: Lab, stage: Stage, engine: str, converter: str | None, rate: int) -> Heard:
    await at_some_moment()
    number, journal = lab.number(), stage.engines[engine].journal
    call = await whole(await stage.ask(engine, number, TEXT, converter, rate=rate))
    (request,) = await journal.seen(number, "ended")
    assert request.first is not None
    assert request.ended is not None
    return Heard(milliseconds(request.first, call.chunks[0][0]), milliseconds(request.ended, call.ended))


def added(what: str, converted: list[float], plain: list[float]) -> Row:
    return Row(
        bench="sami",
        what=f"added to first audio, {what}",
        value=median(converted) - median(plain),
        unit="ms",
        target=TARGET,
        detail=f"{spread(converted)}; not converted {spread(plain)}; "
        f"p95 {percentile(converted, 95) - percentile(plain, 95):.2f} ms above that",
    )


def the_end(what: str, converted: list[float], plain: list[float]) -> Row:
    return Row(
        bench="sami",
        what=f"added to the reply's end, {what}",
        value=median(converted) - median(plain),
        unit="ms",
        detail=f"{spread(converted)}; not converted {spread(plain)}",
    )
