"""The voice-conversion stage with the converter `sami`: what it adds to a reply, how soon it is silent, and what it costs.

From a simulator of the engine's vendor, through one of the converter's, to a Wyoming client.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from ...lab import Lab
from ...rows import Row
from . import cpu, interrupt, latency
from .stage import set_up


async def measure(lab: Lab) -> AsyncIterator[Row]:
    async with set_up() as stage:
        for part in (latency.measure, interrupt.measure, cpu.measure):
            async for row in part(lab, stage):
                yield row
