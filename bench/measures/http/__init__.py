"""The HTTP service before the relay engine: what `POST /api/tts/stream` adds, how soon `POST /api/tts/interrupt` is silence."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ...lab import Lab
from ...rows import Row
from . import interrupt, latency
from .stage import warm


async def measure(lab: Lab) -> AsyncIterator[Row]:
    await warm(lab)
    for part in (latency.measure, interrupt.measure):
        async for row in part(lab):
            yield row
