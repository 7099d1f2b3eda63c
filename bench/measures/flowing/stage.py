"""What is asked for here, and of whom."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from ...flowing_client import FlowingCall, ask
from ...lab import SIGNAL, Lab
from ...order import Order
from ...processes import STARTED_WITHIN, Server

RATE = 24_000
"""Hz; the upstream's own."""
PCM: Mapping[str, Any] = {"voice": SIGNAL, "format": "PCM", "sample_rate": RATE}
MP3: Mapping[str, Any] = {**PCM, "format": "MP3"}
PCM_16: Mapping[str, Any] = {**PCM, "sample_rate": 16_000}
"""Resampled."""


async def begin(server: Server, order: Order, payload: Mapping[str, Any]) -> FlowingCall:
    return await ask(server.http, order.number, order.text(), **payload)


async def speak(server: Server, order: Order, payload: Mapping[str, Any]) -> FlowingCall:
    """A whole reply. Raises CallFailed."""
    call = await begin(server, order, payload)
    try:
        await call.finished()
    finally:
        call.leave()
    return call


async def warm(lab: Lab) -> None:
    """The HTTP port opens a moment after the Wyoming port; what is imported late is imported then."""
    server = await lab.herald()
    async with asyncio.timeout(STARTED_WITHIN):
        while not await _answers(server):  # noqa: ASYNC110  # another process: nothing here could be waited for
            await asyncio.sleep(0.002)
    for payload in (PCM, MP3, PCM_16):
        await speak(server, Order(number=-1, seconds=0.2, pace=0), payload)


async def _answers(server: Server) -> bool:
    try:
        call = await FlowingCall.connect(server.http)
        await call.opened()
    except OSError:
        return False
    call.leave()
    return True
