"""Herald and PyPI's `wyoming_openai` in front of one OpenAI-compatible endpoint, taking turns: who is ahead, and by how much.

A row's value is Herald's figure as a part of the peer's; the detail has both. Herald evens out the loudness, the peer does not.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from ...lab import Lab
from ...rows import Row
from . import cpu, describe, interrupt, latency
from .stage import set_up


async def measure(lab: Lab) -> AsyncIterator[Row]:
    async with set_up(lab) as stage:
        for part in (latency.measure, cpu.measure, interrupt.measure, describe.measure):
            async for row in part(stage):
                yield row
