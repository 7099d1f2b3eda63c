"""Tasks that end with the block that started them, and a generator that such a task reads ahead of its reader."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar

from .channel import Channel
from .errors import HeraldError

T = TypeVar("T")

QUEUED = 8
"""Items that wait for the reader."""


@asynccontextmanager
async def read_ahead(items: AsyncGenerator[T, None]) -> AsyncIterator[Channel[T]]:
    """The items, asked for from now on, whatever the reader does meanwhile. Closed when the block ends."""
    channel: Channel[T] = Channel(QUEUED)

    async def read() -> None:
        async with aclosing(items):
            async for item in items:
                await channel.put(item)

    task = asyncio.create_task(read())
    channel.end_with(task, cancelled=HeraldError())  # nobody but this block ends it
    try:
        yield channel
    finally:
        await ended(task)
        await items.aclose()  # where the task was cancelled before it began


async def ended(*tasks: asyncio.Task[Any]) -> None:
    """Cancel them, and return once they have ended. Cancelled itself, it hurries them, and yet waits."""
    for task in tasks:
        task.cancel()
    try:
        await asyncio.wait(tasks)
    except asyncio.CancelledError:
        await ended(*tasks)
        raise
