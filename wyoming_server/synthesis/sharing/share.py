"""What is made once, and its listeners: each hears all of it from its start, at its own pace.

It is made in a task that ends before the last listener has left: it belongs to all of them. Nothing here knows what an event is,
nor what the listeners make of it, but that some are bytes, and that a place in line is soon out of date.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Mapping
from contextlib import aclosing
from copy import copy
from typing import Any, Generic, TypeAlias, TypeVar

from ...errors import EngineUnavailable
from ...models import Waiting
from ...progress import Progress
from .text import SharedText

T = TypeVar("T")

TookBy: TypeAlias = Callable[[str, int], None]
"""Told which engine has taken how many more characters."""
Make: TypeAlias = Callable[[AsyncIterable[str], TookBy], AsyncGenerator[T, None]]
"""A text made events."""

OTHER_EVENT = 500
"""Bytes that an event without audio counts for."""


class Share(Generic[T]):
    """`wanted`: what must be the same for all who listen, by its names for people.

    At most `ahead` events are made before the fastest listener takes them. `may_grow` raises where it may not by so many bytes.
    """

    def __init__(
        self, wanted: Mapping[str, Any], make: Make[T], *, ahead: int, may_grow: Callable[[Share[T], int], None]
    ) -> None:
        self.wanted = wanted
        self.listeners: list[Listener[T]] = []
        self.events: list[T] = []
        self.size = 0
        """Bytes of them."""
        self.kept: asyncio.TimerHandle | None = None
        """Until when, while nobody listens any more."""
        self.place = -1
        """Where among them the last place in line stands; -1: it waits no longer."""
        self._text = SharedText()
        self._ahead = ahead
        self._may_grow = may_grow
        self._taken = asyncio.Event()
        self.making = asyncio.create_task(self._run(make))
        self.making.add_done_callback(self._ended)

    @property
    def error(self) -> BaseException | None:
        """Why there is no more of it."""
        if not self.making.done():
            return None
        if self.making.cancelled():
            return EngineUnavailable("The shared reply was ended.")
        return self.making.exception()

    @property
    def is_whole(self) -> bool:
        return self.making.done() and self.error is None

    def join(self, text: AsyncIterable[str], progress: Progress) -> Listener[T]:
        """One more, who is to leave in the end."""
        listener = Listener(self, self._text, text, progress)
        self.listeners.append(listener)
        return listener

    def leave(self, listener: Listener[T]) -> None:
        self.listeners.remove(listener)
        self._text.leave(listener.writer)
        self.wake()

    def wake(self) -> None:
        """There may be news for the listeners."""
        for listener in self.listeners:
            listener.news.set()

    def taken(self) -> None:
        """By a listener."""
        self._taken.set()

    async def _run(self, make: Make[T]) -> None:
        async with aclosing(make(self._text.fragments, self._took)) as events:
            async for event in events:
                self._add(event)
                self.wake()
                while self._is_far_ahead():
                    self._taken.clear()
                    await self._taken.wait()

    def _add(self, event: T) -> None:
        size = len(event) if isinstance(event, bytes) else OTHER_EVENT
        self._may_grow(self, size)
        if isinstance(event, Waiting):
            self.place = len(self.events)
        elif isinstance(event, bytes):
            self.place = -1
        self.events.append(event)
        self.size += size

    def _is_far_ahead(self) -> bool:
        return len(self.events) - max((listener.position for listener in self.listeners), default=0) >= self._ahead

    def _took(self, engine: str, characters: int) -> None:
        """Counted once, for the first of them who is still there."""
        for listener in self.listeners[:1]:
            listener.progress.took(engine, characters)

    def _ended(self, making: asyncio.Task[None]) -> None:
        _look_at(making)
        self.wake()


class Listener(Generic[T]):
    """One of them. See Share.join."""

    def __init__(self, share: Share[T], shared: SharedText, text: AsyncIterable[str], progress: Progress) -> None:
        self.progress = progress
        self.position = 0
        """How many events it has taken."""
        self.news = asyncio.Event()
        self.writer = shared.join()
        self.reading = asyncio.create_task(self._read(text))
        """Its own text, which should be what is spoken."""
        self.reading.add_done_callback(self._has_read)
        self._share = share

    async def events(self) -> AsyncGenerator[T, None]:
        """Raises what the making raises, ShareConflict where its text is another, and what reading its text raises."""
        share = self._share
        while True:
            self._check_text()
            if self.position < len(share.events):
                event, is_past = share.events[self.position], self.position != share.place
                self.position += 1
                share.taken()
                if not (is_past and isinstance(event, Waiting)):
                    yield event
            elif share.making.done():
                break
            else:
                self.news.clear()
                await self.news.wait()
        if (error := share.error) is not None:
            raise copy(error) from error  # each its own: it gathers where it was raised
        await asyncio.wait([self.reading])
        self._check_text()

    def _check_text(self) -> None:
        if self.writer.conflict is not None:
            raise self.writer.conflict
        if self.reading.done() and not self.reading.cancelled() and (error := self.reading.exception()) is not None:
            raise error

    async def _read(self, text: AsyncIterable[str]) -> None:
        async for fragment in text:
            self.writer.write(fragment)
            self._share.wake()
        self.writer.end()

    def _has_read(self, reading: asyncio.Task[None]) -> None:
        _look_at(reading)
        self._share.wake()


def _look_at(task: asyncio.Task[None]) -> None:
    """Nobody may be left to look at how it failed, and asyncio would complain."""
    if not task.cancelled():
        task.exception()
