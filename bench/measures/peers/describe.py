"""How long another client's `describe` waits at worst, while a text without an end of a sentence comes in by words."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ...client import Call
from ...lab import Size
from ...rows import Row
from ..describe import describe
from .stage import AHEAD, Stage, Subject, compared

FRAGMENTS = {Size.FULL: 2000, Size.QUICK: 2000, Size.TINY: 20}
ROUNDS = {Size.FULL: 3, Size.QUICK: 1, Size.TINY: 1}


async def measure(stage: Stage) -> AsyncIterator[Row]:
    worst: dict[str, list[float]] = {subject.name: [] for subject in stage.rivals}
    for _ in range(ROUNDS[stage.lab.size]):
        for subject in stage.rivals:
            worst[subject.name].append(await turn(subject, FRAGMENTS[stage.lab.size]))
    yield compared(f"describe during {FRAGMENTS[stage.lab.size]} unpunctuated fragments, at worst", worst, 50, AHEAD)


async def turn(subject: Subject, fragments: int) -> float:
    """ms, the worst until the first audio."""
    call = await Call.connect(subject.server.address)
    call.send("synthesize-start", voice={"name": subject.voice})
    for _ in range(fragments):
        call.send("synthesize-chunk", text="word ")
    call.send("synthesize-stop")
    worst = 0.0
    while not call.chunks:
        worst = max(worst, await describe(subject.server))
    await call.finished()
    call.leave()
    return worst
