"""How soon the endpoint is spared: from the client's leaving until it sees the request's connection end.

The endpoint waits for WAIT seconds before its first byte, or stalls for as long between two pieces: who looks at the client only
when there is something to write needs that long.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

from ...figures import milliseconds, percentile, spread
from ...lab import Size
from ...rows import Row, Target
from ..interrupt import CLIENTS, at_some_moment
from .stage import AHEAD, Stage, Subject, compared

TARGET = Target("<", 5)
WAIT = 3.0


class Case(NamedTuple):
    order: Mapping[str, Any]
    audible: bool
    """Leave once audio has been heard."""


CASES = {
    "before the first byte": Case({"seconds": 30, "delay": WAIT}, audible=False),
    "mid-audio": Case({"seconds": 30, "pace": 1, "piece": 0.1}, audible=True),
    "upstream stalled": Case({"seconds": 30, "pace": 1 / WAIT, "piece": 1}, audible=True),
}
TIMES = {Size.FULL: 6, Size.QUICK: 3, Size.TINY: 1}
"""That each client leaves."""


async def measure(stage: Stage) -> AsyncIterator[Row]:
    for name, case in CASES.items():
        samples: dict[str, list[float]] = {}
        for subject in stage.rivals:
            loops = (leaving(stage, subject, case) for _ in range(CLIENTS))
            samples[subject.name] = [sample for some in await asyncio.gather(*loops) for sample in some]
        ours = samples["herald"]
        yield Row(
            bench="peers",
            what=f"client gone to upstream cancelled, {name}: herald's p95",
            value=percentile(ours, 95),
            unit="ms",
            target=TARGET,
            detail=spread(ours),
        )
        for percent in (50, 95):
            yield compared(f"client gone to upstream cancelled, {name}", samples, percent, AHEAD)


async def leaving(stage: Stage, subject: Subject, case: Case) -> list[float]:
    samples = []
    for _ in range(TIMES[stage.lab.size]):
        order = stage.lab.order(**case.order)
        call = await stage.begin(subject, order)
        if case.audible:
            await call.heard()
        await at_some_moment()
        left = call.leave()
        report = await stage.upstream.report(order.number)
        assert report.gone is not None
        samples.append(milliseconds(left, report.gone))
    return samples
