"""From a client's leaving without a word, the running one or one in line too, until the next client's `start`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple

from ...figures import median, milliseconds, percentile, spread
from ...lab import Lab, Size
from ...rows import Row, Target
from ..interrupt import at_some_moment
from .stage import Place, Stage

TARGET = Target("<", 10)
TIMES = {Size.FULL: 100, Size.QUICK: 20, Size.TINY: 1}


class Case(NamedTuple):
    place: Place
    floor: Place
    in_line: int
    """Clients between the running one and the next that leave right before it."""


async def measure(lab: Lab, stage: Stage) -> AsyncIterator[Row]:
    cases = {
        "running": Case(stage.held, stage.floor_held, 0),
        "running and 5 in line": Case(stage.held, stage.floor_held, 5),
        "running on a deaf IndexTTS service": Case(stage.service, stage.floor_held, 0),
    }
    for name, case in cases.items():
        bare, samples = [], []
        for _ in range(TIMES[lab.size]):
            bare.append(await left(case.floor, case.in_line))
            samples.append(await left(case.place, case.in_line))
        yield row(name, samples, bare)


async def left(place: Place, in_line: int) -> float:
    """ms to the next one's start."""
    running = await place.say()
    await running.told("start")
    others = [await place.say() for _ in range(in_line)]
    waiting = await place.say()
    await at_some_moment()
    for other in others:
        other.leave()
    since = running.leave()
    started = await waiting.told("start")
    waiting.leave()
    return milliseconds(since, started)


def row(name: str, samples: list[float], bare: list[float]) -> Row:
    return Row(
        bench="indextts",
        what=f"client gone, {name}: p95 to the next one's start",
        value=percentile(samples, 95),
        unit="ms",
        target=TARGET,
        detail=f"{spread(samples)}; the floor {spread(bare)}; median {median(samples) - median(bare):.2f} ms above it",
    )
