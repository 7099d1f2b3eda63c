"""What Herald adds to the first audio of OpenSpeech, above what it adds to the tone engine's; and how a warm session starts.

Both are the time from an engine's first audio to the client's first whole chunk. OpenSpeech's begins as the simulator is about to
write its first message with audio, so it includes loopback, websocket and codec; the tone's begins where the engine, within
Herald, has made its first piece. The tone is passed on as it is, OpenSpeech's voices are trimmed, evened and limited: that counts
against them. So does the line that the simulator writes into its journal at that moment. They take turns within the run.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import NamedTuple

from ...client import Call
from ...figures import median, milliseconds, percentile, spread
from ...journal import Request
from ...lab import Lab, Size, ask
from ...rows import Row, Target
from .stage import BURST_MP3, LATENCY, QUICK_V1, QUICK_V3, TONE, V3_PATH, Stage, Way

SHORT = "Here it is."
SENTENCE = "This is a sentence of some length, as a voice assistant speaks it, with a second half behind its comma."


class Case(NamedTuple):
    way: Way
    text: str
    target: Target


CASES = {
    "v3, PCM": Case(QUICK_V3, SHORT, Target("≤", 2)),
    "v1, PCM": Case(QUICK_V1, SHORT, Target("≤", 2)),
    "v3, a sentence of MP3 at once": Case(BURST_MP3, SENTENCE, Target("≤", 15)),
}
WARM = "v3, PCM"
ROUNDS = {Size.FULL: 50, Size.QUICK: 20, Size.TINY: 1}


class Heard(NamedTuple):
    """One reply, as the client and as the simulator tell of it."""

    call: Call
    request: Request

    @property
    def added(self) -> float:
        """ms from first audio to first chunk."""
        assert self.request.first is not None
        return milliseconds(self.request.first, self.call.chunks[0][0])


async def measure(lab: Lab, stage: Stage) -> AsyncIterator[Row]:
    replies: dict[str, list[Heard]] = {name: [] for name in CASES}
    tones: list[Call] = []
    before = stage.handshakes(QUICK_V3, V3_PATH)
    for _ in range(ROUNDS[lab.size]):
        tones.append(await hear_tone(stage))
        for name, case in CASES.items():
            replies[name].append(await hear(lab, stage, case))
    stamps = [int(line) for line in stage.stamps.read_text().split()]
    tone = [milliseconds(first, call.chunks[0][0]) for first, call in zip(stamps, tones, strict=True)]
    for name, case in CASES.items():
        yield added(name, case.target, [reply.added for reply in replies[name]], tone)
    yield warm(replies[WARM], [milliseconds(call.sent, first) for first, call in zip(stamps, tones, strict=True)])
    yield handshakes(stage.handshakes(QUICK_V3, V3_PATH) - before, len(replies[WARM]))


async def hear_tone(stage: Stage) -> Call:
    await at_some_moment()
    return await whole(await ask(stage.server, SHORT, TONE))


async def hear(lab: Lab, stage: Stage, case: Case) -> Heard:
    await at_some_moment()
    number = lab.number()
    call = await whole(await stage.ask(case.way, number, case.text))
    return Heard(call, (await stage.journal(case.way).seen(number, "first"))[0])


async def at_some_moment() -> None:
    """So that nothing of the reply before is still being ended."""
    await asyncio.sleep(random.uniform(0.01, 0.02))


async def whole(call: Call) -> Call:
    try:
        await call.finished()
    finally:
        call.leave()
    return call


def added(name: str, target: Target, samples: list[float], tone: list[float]) -> Row:
    p95 = percentile(samples, 95) - percentile(tone, 95)
    return Row(
        bench="openspeech",
        what=f"first audio to first chunk, {name}",
        value=median(samples) - median(tone),
        unit="ms above the tone's median",
        target=target,
        detail=f"{spread(samples)}; the tone engine {spread(tone)}; p95 {p95:.2f} ms above the tone's",
    )


def warm(replies: list[Heard], tone: list[float]) -> Row:
    """From the request until the simulator has the first text: one round trip lies between, which the simulator makes long."""
    begun = [milliseconds(call.sent, request.begun) for call, request in replies]
    text = [milliseconds(call.sent, request.text) for call, request in replies if request.text is not None]
    return Row(
        bench="openspeech",
        what="warm v3 session, request to text",
        value=median(text) - LATENCY * 1000,
        unit=f"ms above one round trip of {LATENCY * 1000:g} ms",
        target=Target("≤", 5),
        detail=f"{spread(text)}; request to StartSession {spread(begun)}; request to the tone engine's audio {spread(tone)}",
    )


def handshakes(count: int, sessions: int) -> Row:
    return Row(
        bench="openspeech",
        what="new handshakes for warm v3 sessions",
        value=count,
        unit=f"in {sessions} sessions",
        target=Target("≤", 0),
    )
