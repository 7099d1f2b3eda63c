"""Whether all of a text is there already: read as far as nobody has to be waited for, but for a moment that nobody notices.

Asks the text itself, whatever it is and whoever wraps it, since a front end's channel is seldom what arrives here. The moment is
for clients such as Home Assistant, which send a text that they have whole as a stream: its beginning, it, and its end, one after
the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ...ahead import ended
from ..making import known_text

MOMENT = 0.01
"""Seconds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """A text that was looked at."""

    whole: str | None
    """All of it; `None`: it may still be growing, or is longer than was allowed."""
    text: AsyncIterable[str]
    """What was looked at, and whatever comes behind it."""


@asynccontextmanager
async def looked_at(text: AsyncIterable[str], limit: int, *, moment: float | None = None) -> AsyncIterator[Look]:
    """`text`, at most `limit` characters of it in hand; `moment`: see MOMENT.

    Nobody but `Look.text` may read it while the block runs.
    """
    if (known := known_text(text)) is not None:
        yield Look(whole=known if len(known) <= limit else None, text=text)
        return
    reading = _Reading(text)
    rest = reading.rest()
    try:
        await reading.as_far_as_it_is_there(limit, MOMENT if moment is None else moment)
        yield Look(whole="".join(reading.seen) if reading.is_whole else None, text=rest)
    finally:
        await reading.stop()
        await rest.aclose()


class _Reading:
    """Of a text fragment by fragment, each in a task: only so can one look whether it comes, and yet wait for it later."""

    def __init__(self, text: AsyncIterable[str]) -> None:
        self.seen: list[str] = []
        self.is_whole = False
        self._fragments = aiter(text)
        self._coming = self._next()

    async def as_far_as_it_is_there(self, limit: int, moment: float) -> None:
        size, end = 0, asyncio.get_running_loop().time() + moment
        while size <= limit:
            await asyncio.sleep(0)  # it begins, and has ended if it need not wait
            if not self._coming.done():
                await asyncio.wait([self._coming], timeout=max(0, end - asyncio.get_running_loop().time()))
            if not self._coming.done() or self._coming.cancelled() or self._coming.exception() is not None:
                return
            if (fragment := self._coming.result()) is None:
                self.is_whole = True
                return
            self.seen.append(fragment)
            size += len(fragment)
            self._coming = self._next()

    async def rest(self) -> AsyncGenerator[str, None]:
        """What was seen, and what comes behind it."""
        for fragment in self.seen:
            yield fragment
        if (more := await self._coming) is not None:
            yield more
            async for fragment in self._fragments:
                yield fragment

    async def stop(self) -> None:
        await ended(self._coming)
        if not self._coming.cancelled():
            self._coming.exception()  # nobody may have looked at it

    def _next(self) -> asyncio.Task[str | None]:
        """`None`: there are no more."""
        return asyncio.create_task(_next(self._fragments))


async def _next(fragments: AsyncIterator[str]) -> str | None:
    """`None`: there are no more."""
    return await anext(fragments, None)
