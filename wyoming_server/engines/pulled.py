"""A generator that its reader reads himself, without a task or a queue in between; and yet another task can end his wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, Generic, Self, TypeVar, cast

T = TypeVar("T")


class Pulled(Generic[T]):
    """One task iterates, anyone closes. Whoever reads, or still comes to read, then gets `closed`."""

    def __init__(self, items: AsyncGenerator[T, None], *, closed: Exception) -> None:
        self._items = items
        self._closed = closed
        self._is_closed = False
        self._reader: asyncio.Task[Any] | None = None
        """While it waits."""
        self._left = asyncio.Event()
        self._closing = asyncio.Lock()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        if self._is_closed:
            raise self._closed
        self._reader = reader = cast("asyncio.Task[Any]", asyncio.current_task())
        cancelled_before = reader.cancelling()
        try:
            return await anext(self._items)
        except asyncio.CancelledError as error:
            # as in asyncio.timeout, which would cost more than all the rest here
            if self._is_closed and reader.uncancel() <= cancelled_before:
                raise self._closed from error
            raise
        finally:
            self._reader = None
            if self._is_closed:
                self._left.set()

    async def aclose(self) -> None:
        """Returns once the generator has ended. Twice is fine."""
        if not self._is_closed:
            self._is_closed = True
            if self._reader is None:
                self._left.set()
            else:
                self._reader.cancel()
        await self._left.wait()
        async with self._closing:
            await self._items.aclose()
