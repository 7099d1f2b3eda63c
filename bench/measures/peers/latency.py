"""What each adds to the first audio: from the endpoint's first byte of PCM to the client's first whole chunk.

Replies come `spread` over time, or the first bytes of all come `together`, at one moment: then whoever relays works off a queue,
and the floor itself is only about twice as fast as the peer.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from time import monotonic
from typing import Any

from ...lab import Size
from ...rows import Row
from ..latency import ARRIVALS, ORDER, PERIOD, Plan
from .stage import AHEAD, EVENED, TWICE, Stage, Subject, compared

MANY = 50
"""Clients, from which on Herald is to be twice as fast."""
SET_UP = 0.015
"""Seconds that each request has to be set up before the first bytes of all come at one moment."""
ALONE = 3
"""Times as long for a single client, of whom there are few samples."""
PLANS = {
    Size.FULL: Plan(rounds=6, seconds=1.2),
    Size.QUICK: Plan(rounds=3, seconds=0.8),
    Size.TINY: Plan(rounds=1, seconds=0.01),
}


async def measure(stage: Stage) -> AsyncIterator[Row]:
    plan = PLANS[stage.lab.size]
    for clients in stage.lab.clients:
        for arrival in ARRIVALS if clients > 1 else ("spread",):
            subjects = (*stage.rivals, stage.evened, stage.floor)
            samples: dict[str, list[float]] = {subject.name: [] for subject in subjects}
            seconds = plan.seconds * (ALONE if clients == 1 else 1)
            for _ in range(plan.rounds):
                for subject in subjects:
                    samples[subject.name] += await turn(stage, subject, clients, arrival, seconds)
            what = f"added latency, {clients} clients {arrival}"
            yield compared(what, samples, 50, TWICE if clients >= MANY else AHEAD)
            yield compared(what, samples, 95, AHEAD)
            yield compared(f"{what}, evened", samples, 50, AHEAD, ours=EVENED)


async def turn(stage: Stage, subject: Subject, clients: int, arrival: str, seconds: float) -> list[float]:
    """ms added, of every reply that was begun within `seconds`."""
    end = monotonic() + seconds
    if arrival == "together":
        added: list[float] = []
        while not added or monotonic() < end:
            at = monotonic() + ORDER["delay"] + SET_UP * clients
            added += await asyncio.gather(*(one(stage, subject, at=at) for _ in range(clients)))
        return added
    loops = await asyncio.gather(*(closed_loop(stage, subject, end) for _ in range(clients)))
    return [sample for samples in loops for sample in samples]


async def closed_loop(stage: Stage, subject: Subject, end: float) -> list[float]:
    """One client that asks again and again, at moments that have nothing to do with the others'."""
    added: list[float] = []
    while not added or monotonic() < end:
        await asyncio.sleep(random.uniform(0, PERIOD))
        added.append(await one(stage, subject))
    return added


async def one(stage: Stage, subject: Subject, **values: Any) -> float:
    return (await stage.speak(subject, **{**ORDER, **values})).added
