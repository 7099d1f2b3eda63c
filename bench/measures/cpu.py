"""What a server works for 10 s of audio without resampling, and how much it can do at most.

The floor of this row cuts chunks of 2 KiB, as the ecosystem does. Herald passes a signal on as it is, or makes speech even.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from time import monotonic
from typing import NamedTuple

from ..lab import SIGNAL, SPEECH, CpuMeter, Lab, Size
from ..processes import Server
from ..rows import Row, Target

UNIT_SECONDS = 10.0
"""Of audio: costs are told for this much."""
FLOOR_CHUNK = 2048
"""Bytes."""
CLIENTS = 10


@dataclass(frozen=True, kw_only=True)
class Plan:
    rounds: int
    seconds: float
    """Of audio in one reply."""
    at_once: int
    """Replies of one turn, where the upstream delivers at once."""


PLANS = {
    Size.FULL: Plan(rounds=3, seconds=10, at_once=100),
    Size.QUICK: Plan(rounds=2, seconds=2.5, at_once=50),
    Size.TINY: Plan(rounds=1, seconds=0.2, at_once=10),
}
PACES = {0: "at once", 5: "at 5x", 2: "at 2x"}
"""Factors of real time."""


class Subject(NamedTuple):
    what: str
    server: Server
    voice: str


class Turn(NamedTuple):
    cpu: float
    """ms for 10 s of audio."""
    rate: float
    """Seconds of audio in one second."""
    shares: str


async def measure(lab: Lab) -> AsyncIterator[Row]:
    plan, herald = PLANS[lab.size], await lab.herald()
    floor = Subject("floor, 2 KiB", await lab.floor(FLOOR_CHUNK), SIGNAL)
    subjects = [
        floor,
        Subject("floor, as it comes", await lab.floor(), SIGNAL),
        Subject("herald", herald, SIGNAL),
        Subject("herald, evened speech", herald, SPEECH),
    ]
    for pace, name in PACES.items():
        turns: dict[str, list[Turn]] = {subject.what: [] for subject in subjects}
        for _ in range(plan.rounds):
            for subject in subjects:
                turns[subject.what].append(await turn(lab, subject, plan, pace))
        limit = best(turns[floor.what]).cpu
        for what, some in turns.items():
            yield cost(what, name, some, None if what.startswith("floor") else Target("≤", limit))
        if not pace:
            for what, some in turns.items():
                yield throughput(what, some)


def best(turns: list[Turn]) -> Turn:
    """The cheapest: what others take from the machine only ever adds."""
    return min(turns, key=lambda turn: turn.cpu)


def cost(what: str, name: str, turns: list[Turn], target: Target | None) -> Row:
    return Row(
        bench="cpu",
        what=f"CPU per 10 s of audio {name}: {what}",
        value=best(turns).cpu,
        unit="ms",
        target=target,
        detail=f"best of {len(turns)}, worst {max(turn.cpu for turn in turns):.2f} ms; CPU: {best(turns).shares}",
    )


def throughput(what: str, turns: list[Turn]) -> Row:
    fastest = max(turns, key=lambda turn: turn.rate)
    return Row(
        bench="cpu",
        what=f"throughput: {what}",
        value=fastest.rate / UNIT_SECONDS,
        unit="requests/s of 10 s",
        detail=f"{CLIENTS} clients, best of {len(turns)}; CPU: {fastest.shares}",
    )


async def turn(lab: Lab, subject: Subject, plan: Plan, pace: float) -> Turn:
    """Where the upstream is paced every client speaks once; otherwise they share `at_once` replies."""
    each = plan.at_once // CLIENTS if not pace else 1
    clients = CLIENTS if not pace else 2 * CLIENTS
    meter, begin = CpuMeter(subject.server, await lab.upstream()), monotonic()
    await asyncio.gather(*(client(lab, subject, plan.seconds, pace, each) for _ in range(clients)))
    audio = clients * each * plan.seconds
    return Turn(meter.seconds() * 1000 * UNIT_SECONDS / audio, audio / (monotonic() - begin), meter.shares())


async def client(lab: Lab, subject: Subject, seconds: float, pace: float, replies: int) -> None:
    for _ in range(replies):
        await lab.speak(subject.server, lab.order(seconds=seconds, pace=pace), voice=subject.voice)
