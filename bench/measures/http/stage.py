"""What is asked for here, and of whom."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from ...http_client import HttpCall, connected
from ...lab import SIGNAL, Lab
from ...order import Order
from ...processes import STARTED_WITHIN, Server

PCM: Mapping[str, Any] = {"voice": SIGNAL, "format": "pcm"}
MP3: Mapping[str, Any] = {"voice": SIGNAL, "format": "mp3"}


async def begin(server: Server, order: Order, fields: Mapping[str, Any]) -> HttpCall:
    return await HttpCall.stream(server.http, order.text(), **fields)


async def speak(server: Server, order: Order, fields: Mapping[str, Any]) -> HttpCall:
    """A whole reply. Raises CallFailed."""
    call = await begin(server, order, fields)
    try:
        await call.finished()
    finally:
        call.leave()
    return call


async def warm(lab: Lab) -> None:
    """The HTTP port opens a moment after the Wyoming port; what is imported late is imported then."""
    server = await lab.herald()
    async with asyncio.timeout(STARTED_WITHIN):
        while not await connected(server.http):  # noqa: ASYNC110  # another process: nothing here could be waited for
            await asyncio.sleep(0.002)
    for fields in (PCM, MP3):
        await speak(server, Order(number=-1, seconds=0.2, pace=0), fields)
