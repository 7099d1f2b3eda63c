"""What each works for 10 s of audio: CPU time of the server's process, with the endpoint delivering at once and paced."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

from ...lab import CpuMeter, Size
from ...peer import NAME
from ...rows import Row, Target
from ..cpu import CLIENTS, UNIT_SECONDS, Plan
from .stage import AHEAD, EVENED, TWICE, Stage, Subject

PLANS = {
    Size.FULL: Plan(rounds=3, seconds=10, at_once=100),
    Size.QUICK: Plan(rounds=2, seconds=5, at_once=50),
    Size.TINY: Plan(rounds=1, seconds=0.2, at_once=10),
}
PACES = {0: "at once", 2: "at 2x"}
"""Factors of real time."""


class Turn(NamedTuple):
    cpu: float
    """ms for 10 s of audio."""
    shares: str


async def measure(stage: Stage) -> AsyncIterator[Row]:
    plan = PLANS[stage.lab.size]
    for pace, name in PACES.items():
        subjects = (*stage.rivals, stage.evened)
        turns: dict[str, list[Turn]] = {subject.name: [] for subject in subjects}
        for _ in range(plan.rounds):
            for subject in subjects:
                turns[subject.name].append(await turn(stage, subject, plan, pace))
        best = {name: min(some) for name, some in turns.items()}
        yield row(f"CPU per 10 s of audio {name}", best, plan.rounds, stage.herald.name, TWICE)
        yield row(f"CPU per 10 s of audio {name}, evened", best, plan.rounds, EVENED, AHEAD)


def row(what: str, best: dict[str, Turn], rounds: int, subject: str, target: Target) -> Row:
    """Of the cheapest turns: what others take from the machine only ever adds."""
    ours, theirs = best[subject].cpu, best[NAME].cpu
    both = f"{NAME} {theirs:.2f} ms, {subject} {ours:.2f} ms; {theirs / ours:.1f} x ahead (best of {rounds} each)"
    shares = f"{NAME}: {best[NAME].shares}; {subject}: {best[subject].shares}"
    return Row(bench="peers", what=what, value=ours / theirs, unit="x the peer's", target=target, detail=f"{both}; {shares}")


async def turn(stage: Stage, subject: Subject, plan: Plan, pace: float) -> Turn:
    """Where the endpoint is paced every client speaks once; otherwise they share `at_once` replies."""
    each = plan.at_once // CLIENTS if not pace else 1
    clients = CLIENTS if not pace else 2 * CLIENTS
    meter = CpuMeter(subject.server, stage.upstream)
    await asyncio.gather(*(client(stage, subject, plan.seconds, pace, each) for _ in range(clients)))
    return Turn(meter.seconds() * 1000 * UNIT_SECONDS / (clients * each * plan.seconds), meter.shares())


async def client(stage: Stage, subject: Subject, seconds: float, pace: float, replies: int) -> None:
    for _ in range(replies):
        await stage.speak(subject, seconds=seconds, pace=pace)
