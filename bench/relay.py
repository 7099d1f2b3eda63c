"""The upstream's client, the same for the floor and for Herald: what differs between them is what they do with the bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

READ_SIZE = 64 * 1024
"""Bytes."""


@asynccontextmanager
async def delivery(port: int, order: str) -> AsyncIterator[asyncio.StreamReader]:
    """The audio of an order; leaving the block ends it upstream."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(order.encode() + b"\n")
        yield reader
    finally:
        writer.close()
