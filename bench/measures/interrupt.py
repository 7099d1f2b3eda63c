"""How soon silence reaches the engine: from the client's leaving, or another text in its session, until the upstream sees it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

from ..figures import milliseconds, percentile, spread
from ..lab import Lab, Size
from ..processes import Server
from ..rows import Row, Target

TARGET = Target("<", 5)
CLIENTS = 4
"""Clients that leave at moments of their own."""


class Case(NamedTuple):
    order: Mapping[str, Any]
    audible: bool
    """Leave once audio has been heard."""
    clients: int = CLIENTS


CASES = {
    "before first audio": Case({"seconds": 10, "delay": 10}, audible=False),
    "mid-audio": Case({"seconds": 10, "pace": 1, "piece": 0.1}, audible=True),
    "mid-audio at full speed": Case({"seconds": 3600, "pace": 0}, audible=True, clients=1),
    "engine stalled": Case({"seconds": 10, "stall": 0.3, "pace": 5, "piece": 0.05}, audible=True),
}
TIMES = {Size.FULL: 25, Size.QUICK: 12, Size.TINY: 1}
"""That each client leaves."""


async def measure(lab: Lab) -> AsyncIterator[Row]:
    server = await lab.herald()
    for name, case in CASES.items():
        clients = await asyncio.gather(*(leaving(lab, server, case, TIMES[lab.size]) for _ in range(case.clients)))
        yield row(f"client gone, {name}", [sample for samples in clients for sample in samples])
    clients = await asyncio.gather(*(replacing(lab, server, f"s{n}", TIMES[lab.size]) for n in range(CLIENTS)))
    yield row("session replaced, mid-audio", [sample for samples in clients for sample in samples])


def row(what: str, samples: list[float]) -> Row:
    return Row(
        bench="interrupt",
        what=f"{what}: p95 to the engine",
        value=percentile(samples, 95),
        unit="ms",
        target=TARGET,
        detail=spread(samples),
    )


async def leaving(lab: Lab, server: Server, case: Case, times: int) -> list[float]:
    samples = []
    for _ in range(times):
        order = lab.order(**case.order)
        call = await lab.begin(server, order)
        if case.audible:
            await call.heard()
        await at_some_moment()
        left = call.leave()
        samples.append(await until_gone(lab, order.number, left))
    return samples


async def replacing(lab: Lab, server: Server, session: str, times: int) -> list[float]:
    samples = []
    for _ in range(times):
        orders = [lab.order(seconds=10), lab.order(seconds=10)]
        older = await lab.begin(server, orders[0], session_id=session)
        await older.heard()
        await at_some_moment()
        newer = await lab.begin(server, orders[1], session_id=session)
        samples.append(await until_gone(lab, orders[0].number, newer.sent))
        await newer.heard()
        for call in (older, newer):
            call.leave()
        await (await lab.upstream()).report(orders[1].number)
    return samples


async def at_some_moment() -> None:
    """Clients must not march in step: each would wait for the others."""
    await asyncio.sleep(random.uniform(0.05, 0.15))


async def until_gone(lab: Lab, number: int, since: int) -> float:
    report = await (await lab.upstream()).report(number)
    assert report.gone is not None
    return milliseconds(since, report.gone)
