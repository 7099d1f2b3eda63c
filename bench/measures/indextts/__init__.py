"""The front end /ws/v1/indextts: a dead client delays nobody, many queue fairly, and `task_status` answers while the model works.

Its floor is a bare aiohttp websocket in the same run, with a lock as its queue and a model that only waits.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from ...lab import Lab
from ...rows import Row
from . import leaving, queueing, status
from .stage import set_up


async def measure(lab: Lab) -> AsyncIterator[Row]:
    async with set_up() as stage:
        for part in (leaving.measure, queueing.measure, status.measure):
            async for row in part(lab, stage):
                yield row
