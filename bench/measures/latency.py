"""What a server adds to the first audio: from the upstream's first byte to the client's first whole chunk.

Floor and Herald take turns. First bytes come `spread` over time, or all `together`, at one moment: then each chunk also waits for
those before it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from time import monotonic
from typing import Any

from ..figures import median, percentile
from ..lab import CpuMeter, Lab, Size
from ..processes import Server
from ..rows import Row, Target

TARGET = Target("≤", 1.3)
ARRIVALS = ("spread", "together")
ORDER: dict[str, Any] = {"seconds": 0.4, "pace": 4, "piece": 0.1, "delay": 0.05}
SET_UP = 0.2
"""Seconds that all requests have to be set up before their first bytes come at one moment."""
PERIOD = 0.15
"""Seconds that a reply takes."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    rounds: int
    seconds: float
    """Of one server's turn."""


PLANS = {
    Size.FULL: Plan(rounds=16, seconds=0.7),
    Size.QUICK: Plan(rounds=4, seconds=0.5),
    Size.TINY: Plan(rounds=1, seconds=0.01),
}


async def measure(lab: Lab) -> AsyncIterator[Row]:
    plan = PLANS[lab.size]
    servers = [await lab.floor(), await lab.herald()]
    for clients in lab.clients:
        for arrival in ARRIVALS if clients > 1 else ("spread",):
            turns: dict[str, list[list[float]]] = {server.name: [] for server in servers}
            meter = CpuMeter(servers[1], await lab.upstream())
            for _ in range(plan.rounds):
                for server in servers:
                    turns[server.name].append(await turn(lab, server, clients, arrival, plan.seconds))
            yield row(f"added latency, {clients} clients {arrival}", turns, meter.shares())


def row(what: str, turns: dict[str, list[list[float]]], shares: str) -> Row:
    samples = {name: [sample for turn in some for sample in turn] for name, some in turns.items()}
    quiet = {name: percentile([median(turn) for turn in some], 25) for name, some in turns.items()}
    told = [f"{name} {median(s):.2f} / {percentile(s, 95):.2f} ms (median / p95 of {len(s)})" for name, s in samples.items()]
    return Row(
        bench="latency",
        what=what,
        value=median(samples["herald"]) / median(samples["floor"]),
        unit="x the floor's median",
        target=TARGET,
        detail=f"{', '.join(told)}; {quiet['herald'] / quiet['floor']:.2f} x in the quietest quarter of turns; CPU: {shares}",
    )


async def turn(lab: Lab, server: Server, clients: int, arrival: str, seconds: float) -> list[float]:
    """ms added, of every reply that was begun within `seconds`."""
    end = monotonic() + seconds
    if arrival == "together":
        added: list[float] = []
        while not added or monotonic() < end:
            at = monotonic() + SET_UP
            added += await asyncio.gather(*(one(lab, server, at=at) for _ in range(clients)))
        return added
    loops = await asyncio.gather(*(closed_loop(lab, server, end) for _ in range(clients)))
    return [sample for samples in loops for sample in samples]


async def closed_loop(lab: Lab, server: Server, end: float) -> list[float]:
    """One client that asks again and again, at moments that have nothing to do with the others'."""
    added: list[float] = []
    while not added or monotonic() < end:
        await asyncio.sleep(random.uniform(0, PERIOD))
        added.append(await one(lab, server))
    return added


async def one(lab: Lab, server: Server, **values: float) -> float:
    return (await lab.speak(server, lab.order(**{**ORDER, **values}))).added
