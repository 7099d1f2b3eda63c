"""The websocket front end /ws/v1/tts, before the relay engine: what it adds, what it holds, how soon an engine is told to stop.

Its floor is a bare aiohttp websocket that relays the same bytes in the same run: what is above it is Herald's own, and no
websocket's. Also where MP3 is asked for: the floor's bytes stay PCM then, so that encoding counts against Herald.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from ...lab import Lab
from ...rows import Row
from . import interrupt, latency, sessions
from .stage import warm


async def measure(lab: Lab) -> AsyncIterator[Row]:
    await warm(lab)
    for part in (latency.measure, sessions.measure, interrupt.measure):
        async for row in part(lab):
            yield row
