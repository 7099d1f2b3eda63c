"""A hand-over from one task to another: ordered, bounded if wanted, ended once, with or without an error."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class Channel(Generic[T]):
    """One task puts, one task iterates. `size` items may wait; 0 is no limit (the caller then limits what it pushes)."""

    def __init__(self, size: int = 0) -> None:
        self._size = size
        self._items: deque[T] = deque()
        self._getter: asyncio.Future[None] | None = None
        self._putter: asyncio.Future[None] | None = None
        self._ended = False
        self._error: BaseException | None = None

    @property
    def awaited(self) -> bool:
        """Whether the reader waits: the next item is for nobody to look after in the meantime."""
        return self._getter is not None and not self._getter.done()

    @property
    def whole(self) -> tuple[T, ...] | None:
        """All that there is still to read; `None`: more may come, or an error."""
        return tuple(self._items) if self._ended and self._error is None else None

    def push(self, item: T) -> None:
        """Add without waiting, whatever the size. After the end it is dropped: nobody listens any more."""
        if not self._ended:
            self._items.append(item)
            _wake(self._getter)

    async def put(self, item: T) -> None:
        """Add, once there is room."""
        while self._size and len(self._items) >= self._size and not self._ended:
            self._putter = asyncio.get_running_loop().create_future()
            await self._putter
        self.push(item)

    def end(self, error: BaseException | None = None) -> None:
        """No more items. Those that wait are still read; then the reader gets `error`, or the end. Only the first call counts."""
        if not self._ended:
            self._ended, self._error = True, error
            _wake(self._getter)
            _wake(self._putter)

    def end_with(self, task: asyncio.Task[None], *, cancelled: BaseException) -> None:
        """End when `task` does, with the error that it raised, or with `cancelled`."""
        task.add_done_callback(lambda done: self.end(cancelled if done.cancelled() else done.exception()))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        while not self._items:
            if self._ended:
                if self._error is not None:
                    raise self._error
                raise StopAsyncIteration
            self._getter = asyncio.get_running_loop().create_future()
            await self._getter
        item = self._items.popleft()
        _wake(self._putter)
        return item


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)
