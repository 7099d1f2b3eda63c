"""50 real-time streams, resampled, reply after reply for minutes: memory must stay flat."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from time import monotonic

from ..figures import median, slope
from ..lab import SPEECH, Lab, Size
from ..processes import Server
from ..rows import Row, Target

STREAMS = 50
MINUTES = {Size.FULL: 1.0, Size.QUICK: 0.2, Size.TINY: 0.004}
GROWTH = 1.0
"""MB from the first third of the run to the last that still count as flat."""
SAMPLES = 100


async def measure(lab: Lab) -> AsyncIterator[Row]:
    server = await lab.herald()
    seconds = 60 * (MINUTES[lab.size] if lab.minutes is None else lab.minutes)
    end = monotonic() + seconds
    async with asyncio.TaskGroup() as tasks:
        clients = [tasks.create_task(client(lab, server, end, seconds)) for _ in range(STREAMS)]
        samples = await weigh(server, seconds)
    replies = sum(task.result() for task in clients)
    third = len(samples) // 3
    first, last = (median([megabytes for _, megabytes in part]) for part in (samples[:third], samples[-third:]))
    yield Row(
        bench="endurance",
        what=f"memory growth, {STREAMS} streams for {seconds / 60:g} min",
        value=last - first,
        unit="MB",
        target=Target("≤", GROWTH),
        detail=f"{first:.1f} to {last:.1f} MB (median of the first and the last third), "
        f"{slope(samples) * 600:+.2f} MB in 10 min by slope; {replies} replies",
    )


async def client(lab: Lab, server: Server, end: float, seconds: float) -> int:
    """Speaks until `end`; how many replies."""
    replies = 0
    await asyncio.sleep(random.uniform(0, min(1, seconds / 10)))
    while monotonic() < end:
        await lab.speak(server, lab.order(seconds=min(random.uniform(2, 10), seconds)), voice=SPEECH, rate=16_000)
        replies += 1
    return replies


async def weigh(server: Server, seconds: float) -> list[tuple[float, float]]:
    """Seconds and MB, once a tenth of the run is over."""
    samples = []
    await asyncio.sleep(seconds / 10)
    for number in range(SAMPLES):
        samples.append((number * 0.9 * seconds / SAMPLES, server.memory()))
        await asyncio.sleep(0.9 * seconds / SAMPLES)
    return samples
