"""20 clients that ask one after the other, all in line at once: in which order they start, and how soon after each other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from ...figures import milliseconds, percentile, spread
from ...lab import Lab, Size
from ...rows import Row, Target
from .stage import Place, Stage

GAP = Target("<", 5)
CLIENTS = {Size.FULL: 20, Size.QUICK: 20, Size.TINY: 3}
ROUNDS = {Size.FULL: 10, Size.QUICK: 2, Size.TINY: 1}


class Queued(NamedTuple):
    """In the order of asking, in ns."""

    starts: Sequence[int]
    ends: Sequence[int]

    @property
    def out_of_order(self) -> int:
        return sum(later < sooner for sooner, later in pairwise(self.starts))

    @property
    def gaps(self) -> list[float]:
        """ms from one's end to the next one's start, as they see it."""
        return [milliseconds(end, start) for end, start in zip(self.ends, self.starts[1:], strict=False)]


async def measure(lab: Lab, stage: Stage) -> AsyncIterator[Row]:
    clients, bare, rounds = CLIENTS[lab.size], [], []
    for _ in range(ROUNDS[lab.size]):
        bare.append(await queue(stage.floor_short, clients))
        rounds.append(await queue(stage.short, clients))
    yield Row(
        bench="indextts",
        what=f"started before one that had asked earlier, {clients} clients in line",
        value=sum(one.out_of_order for one in rounds),
        unit=f"of {clients * len(rounds)}",
        target=Target("≤", 0),
        detail=f"the floor: {sum(one.out_of_order for one in bare)}",
    )
    gaps, least = [[gap for one in some for gap in one.gaps] for some in (rounds, bare)]
    yield Row(
        bench="indextts",
        what=f"p95 one's end to the next one's start, {clients} clients in line",
        value=percentile(gaps, 95),
        unit="ms",
        target=GAP,
        detail=f"{spread(gaps)}; the floor {spread(least)}",
    )


async def queue(place: Place, clients: int) -> Queued:
    calls = [await place.say() for _ in range(clients)]
    starts = [await call.told("start") for call in calls]
    ends = [await call.told("end") for call in calls]
    for call in calls:
        call.leave()
    return Queued(starts, ends)
