"""A text that is kept as it comes, so that whoever goes on with it can read it from any place.

It is read by a task of its own, and no further than somebody wants: a reader that is cancelled harms no other's text.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from ...ahead import ended
from ...errors import HeraldError
from ..making import whole
from ..spoken import SLICE, spoken_at_once, spoken_text


class Tape:
    """What has been read of the text. Places count its code points."""

    def __init__(self) -> None:
        self._fragments: list[str] = []
        self._length = 0
        self._has_ended = False
        self._error: BaseException | None = None
        self._wanted = asyncio.Event()
        self._news = asyncio.Event()

    @property
    def text(self) -> str:
        """As far as it is known."""
        return "".join(self._fragments)

    @property
    def length(self) -> int:
        return self._length

    @property
    def is_whole(self) -> bool:
        return self._has_ended and self._error is None

    def reading(self, start: int = 0) -> Reading:
        """All of it from a place on, for one reader."""
        return Reading(self, start)

    def keep(self, fragment: str) -> None:
        self._fragments.append(fragment)
        self._length += len(fragment)
        self._tell()

    def end(self, error: BaseException | None = None) -> None:
        self._has_ended, self._error = True, error
        self._tell()

    async def fill(self, text: AsyncIterable[str]) -> None:
        """With all of it, each fragment once it is wanted."""
        await self._wanted.wait()
        async for fragment in text:
            self._wanted.clear()
            self.keep(fragment)
            await self._wanted.wait()

    def from_place(self, start: int) -> list[str]:
        """What is known of it behind that place, pauses too."""
        rest: list[str] = []
        begin = 0
        for fragment in self._fragments:
            if begin >= start:
                rest.append(fragment)
            elif begin + len(fragment) > start:
                rest.append(fragment[start - begin :])
            begin += len(fragment)
        return rest

    async def more(self, known: int) -> list[str]:
        """The fragments behind the first `known`, once there are some; none: it has ended. Raises its writer's error."""
        while len(self._fragments) == known:
            if self._has_ended:
                if self._error is not None:
                    raise self._error
                return []
            self._wanted.set()
            await self._news.wait()
        return self._fragments[known:]

    @property
    def count(self) -> int:
        """Of fragments."""
        return len(self._fragments)

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


class Reading:
    """No generator: whoever leaves it owes nothing."""

    def __init__(self, tape: Tape, start: int) -> None:
        self._tape = tape
        self._start = start
        self._count = 0
        self._ready: list[str] | None = None
        """Fragments that come next, the last first; `None`: nothing was read yet."""

    @property
    def whole(self) -> tuple[str, ...] | None:
        """See `making.whole`."""
        if self._ready is not None or not self._tape.is_whole:
            return None
        return tuple(self._tape.from_place(self._start))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        if self._ready is None:
            self._count = self._tape.count
            self._ready = self._tape.from_place(self._start)[::-1]
        while not self._ready:
            more = await self._tape.more(self._count)
            if not more:
                raise StopAsyncIteration
            self._count += len(more)
            self._ready = more[::-1]
        return self._ready.pop()


@asynccontextmanager
async def taped(text: AsyncIterable[str], *, speakable: bool) -> AsyncIterator[Tape]:
    """`text`, without what only an eye can use if it is to be `speakable`; read while the block runs."""
    tape = Tape()
    fragments = whole(text)
    if fragments is not None and sum(map(len, fragments)) <= SLICE:
        for fragment in spoken_at_once(fragments, speakable=speakable):
            tape.keep(fragment)
        tape.end()
        yield tape
        return
    cleaned = spoken_text(text, speakable=speakable)
    async with _filled(tape, cleaned):
        yield tape


@asynccontextmanager
async def _filled(tape: Tape, text: AsyncGenerator[str, None]) -> AsyncIterator[None]:
    filling = asyncio.create_task(tape.fill(text))
    filling.add_done_callback(lambda done: tape.end(HeraldError() if done.cancelled() else done.exception()))
    try:
        yield
    finally:
        await ended(filling)
        await text.aclose()
