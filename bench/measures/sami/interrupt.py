"""From the client's leaving until both simulators know: the engine's by CancelSession, the converter's by its lost connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

from ...figures import milliseconds, percentile, spread
from ...journal import Moment
from ...lab import Lab, Size
from ...rows import Row, Target
from ..interrupt import CLIENTS, at_some_moment
from ..openspeech.interrupt import silent_at
from ..openspeech.sessions import SENTENCE
from .stage import SPEAKERS, Stage

TARGET = Target("<", 10)
TEXT = SENTENCE * 4
ENGINE = "live"
TIMES = {Size.FULL: 25, Size.QUICK: 10, Size.TINY: 1}
"""That each client leaves."""


class Case(NamedTuple):
    converter: str
    moment: Moment
    """Of the engine's simulator, somewhat after which the client leaves."""


CASES = {
    "before first audio": Case("prompt", "text"),
    "mid-audio": Case("prompt", "first"),
    "while the converter holds all back": Case("late", "first"),
}


class Gone(NamedTuple):
    """ms from the client's leaving."""

    engine: float
    converter: float


async def measure(lab: Lab, stage: Stage) -> AsyncIterator[Row]:
    for name, case in CASES.items():
        clients = await asyncio.gather(*(leaving(lab, stage, case, speaker) for speaker in SPEAKERS[:CLIENTS]))
        yield row(name, [one for some in clients for one in some])


async def leaving(lab: Lab, stage: Stage, case: Case, speaker: str) -> list[Gone]:
    """A client with a speaker of its own, by which its tasks are known."""
    samples = []
    engines, converters = stage.engines[ENGINE].journal, stage.converters[case.converter].journal
    for _ in range(TIMES[lab.size]):
        number, task = lab.number(), converters.count(speaker)
        call = await stage.ask(ENGINE, number, TEXT, f"{case.converter}/{speaker}")
        await engines.seen(number, case.moment)
        await at_some_moment()
        left = call.leave()
        requests = await engines.seen(number, "ended")
        conversion = await converters.ended(speaker, task)
        assert conversion.ended is not None
        assert not conversion.finished, "the conversion came to its end before its client had left"
        samples.append(Gone(milliseconds(left, silent_at(requests)), milliseconds(left, conversion.ended)))
    return samples


def row(name: str, samples: list[Gone]) -> Row:
    """The later of the two counts."""
    engine, converter = zip(*samples, strict=True)
    return Row(
        bench="sami",
        what=f"client gone, {name}: p95 to both simulators",
        value=percentile([max(one) for one in samples], 95),
        unit="ms",
        target=TARGET,
        detail=f"the engine's {spread(engine)}; the converter's {spread(converter)}",
    )
