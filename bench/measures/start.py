"""From starting `herald serve` until it has answered a `describe`, and how long its very first reply takes.

The first start, which writes byte code, does not count.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from time import monotonic

from ..figures import median
from ..lab import Lab, Size
from ..processes import herald
from ..rows import Row, Target
from .espeak import first_chunk

TIMES = {Size.FULL: 8, Size.QUICK: 3, Size.TINY: 0}


async def measure(lab: Lab) -> AsyncIterator[Row]:
    samples = [await one() for _ in range(1 + TIMES[lab.size])]
    counted = samples[1:] or samples
    ready = [begun for begun, _ in counted]
    yield Row(
        bench="start",
        what="start to ready",
        value=median(ready),
        unit="s",
        target=Target("<", 1.5),
        detail=f"{min(ready):.2f} to {max(ready):.2f} s, {len(ready)} starts; the very first: {samples[0][0]:.2f} s",
    )
    yield Row(
        bench="start",
        what="first chunk of the first reply after a start, eSpeak NG resampled",
        value=median([first for _, first in counted]),
        unit="ms",
    )


async def one() -> tuple[float, float]:
    """Seconds until it is ready, and ms until its first reply is heard."""
    begin = monotonic()
    async with herald() as server:
        begun = monotonic() - begin
        return begun, await first_chunk(server, "Dinner is ready.", rate=16_000)
