"""The engine `openspeech` against a simulator of the vendor's service: what it adds, what it holds, how soon it is silent."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ...lab import Lab
from ...rows import Row
from . import interrupt, latency, sessions
from .stage import set_up


async def measure(lab: Lab) -> AsyncIterator[Row]:
    async with set_up() as stage:
        for part in (latency.measure, sessions.measure, interrupt.measure):
            async for row in part(lab, stage):
                yield row
