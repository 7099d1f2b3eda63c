"""How an announcement runs on any player: it is told to play, comes for the audio, and is waited for until that was heard.

What is told, and what silences it, each kind knows (below: the hooks). Home Assistant's call is a task here, which is given up
when it is of no more use: most of them return only when everything was heard, and some take no notice of being cancelled once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, ClassVar

from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceNotFound, ServiceNotSupported

from ...api import Order, Outcome
from ...const import LOGGER
from ...failures import in_words
from ..model import Announcement
from ..stream import FETCH, Stream
from ..targets import Target
from .base import NotFetched, NotSupported, PlayerError, Rejected

AGAIN = 0.02
"""Seconds until a call that does not end is cancelled again."""
COMES = 2.0
"""Seconds that a player may still take to come whose call is over: that may have been told of the one before it."""
CANCEL_TIMEOUT = 5.0
"""Seconds of that, after which it is let be."""


class Playing:
    """A `Player`."""

    FORMAT: ClassVar[str] = "MP3"
    RATE: ClassVar[int | None] = 44_100
    """Hz. Every player has this one; some skip the beginning of others."""
    LATE: ClassVar[float] = 10.0
    """Seconds that the call may go on after all was heard, by the length of the audio."""
    HOLDS: ClassVar[bool] = False
    """The call goes on until all was heard."""
    FETCH: ClassVar[float] = FETCH

    def __init__(self, hass: HomeAssistant, target: Target) -> None:
        self.hass = hass
        self.target = target
        self.follows: Callable[[], bool] = lambda: False
        self.notice: str | None = None
        self._holds = self.HOLDS
        self._silenced = asyncio.Event()
        self._stream: Stream | None = None
        self._let_go = asyncio.Event()

    def order(self, announcement: Announcement) -> Order:
        return replace(announcement.order, format=self.FORMAT, rate=self.RATE)

    async def play(self, stream: Stream, announcement: Announcement, context: Context | None) -> None:
        self._stream = stream
        try:
            if self._silenced.is_set():
                await stream.interrupt()
                return
            async with self._prepared(announcement, context):
                if not self._silenced.is_set():
                    await self._play(stream, announcement, context)
        finally:
            self._let_go.set()

    async def interrupt(self) -> None:
        self._silenced.set()
        if self._stream is not None:
            await self._stream.interrupt()
            await self._let_go.wait()

    async def hush(self, context: Context | None) -> None:
        """Nobody announces anything there."""

    async def _play(self, stream: Stream, announcement: Announcement, context: Context | None) -> None:
        """Raises PlayerError."""
        call = asyncio.create_task(self._call(stream, announcement, context), name=f"announcement on {self.target.entity_id}")
        heard = asyncio.create_task(self._heard(stream, call))
        silenced = asyncio.create_task(self._silenced.wait())
        try:
            await asyncio.wait({heard, silenced}, return_when=asyncio.FIRST_COMPLETED)
            if heard.done():
                heard.result()
        finally:
            was_silenced = not heard.done()
            is_ours = self._is_ours(stream)
            try:
                for task in (heard, silenced):
                    await given_up(task)
                if not stream.ended.done():
                    await stream.interrupt()
                if was_silenced:
                    await self._silence(stream, context, is_ours=is_ours)
            finally:
                await given_up(call)  # whoever is in a hurry: nobody else knows of it

    async def _heard(self, stream: Stream, call: asyncio.Task[None]) -> None:
        """Raises PlayerError."""
        fetched = asyncio.create_task(stream.fetched(self.FETCH))
        try:
            await asyncio.wait({fetched, call}, return_when=asyncio.FIRST_COMPLETED)
            self._raise(call, stream)
            if not (stream.was_fetched or await stream.fetched(COMES if self.HOLDS and call.done() else self.FETCH)):
                raise NotFetched
            self._holds = self.HOLDS and not call.done()
        finally:
            await given_up(fetched)
        await self._to_its_end(stream, call)

    async def _to_its_end(self, stream: Stream, call: asyncio.Task[None]) -> None:
        """Raises PlayerError."""
        either: set[asyncio.Future[Any]] = {stream.ended, call}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        self._raise(call, stream)
        if self._holds and call.done() and not stream.ended.done():
            stream.leave()  # whatever still fetches it, nobody hears it
        await asyncio.wait({stream.ended})
        if stream.ended.result().outcome is Outcome.COMPLETED:
            await asyncio.sleep(max(0.0, self._heard_at(stream) - self.hass.loop.time()))
        await asyncio.wait({call}, timeout=self.LATE)
        self._raise(call, stream)

    def _raise(self, call: asyncio.Task[None], stream: Stream) -> None:
        """What the call failed in. One that had nothing to play, since the server failed, is told so by the stream."""
        if not call.done() or call.cancelled() or (error := call.exception()) is None:
            return
        if stream.ended.done() and stream.ended.result().outcome is not Outcome.COMPLETED:
            return
        if isinstance(error, PlayerError):
            raise error
        if isinstance(error, (ServiceNotSupported, ServiceNotFound)):
            raise NotSupported from error
        if not isinstance(error, HomeAssistantError):
            LOGGER.error("%s failed to announce", self.target.entity_id, exc_info=error)
        raise Rejected(in_words(self.hass, error)) from error

    # What a kind of player does otherwise

    @asynccontextmanager
    async def _prepared(self, announcement: Announcement, context: Context | None) -> AsyncGenerator[None]:
        """What is as it should be while it is announced, and as it was after it."""
        yield

    async def _call(self, stream: Stream, announcement: Announcement, context: Context | None) -> None:
        """Tell it to play."""
        raise NotImplementedError

    def _heard_at(self, stream: Stream) -> float:
        """The loop's time when all that has come of it will have been heard."""
        return stream.heard_at

    def _is_ours(self, stream: Stream) -> bool:
        """Whether it plays the stream now."""
        return stream.is_heard

    async def _silence(self, stream: Stream, context: Context | None, *, is_ours: bool) -> None:
        """Have it forget what it got before the stream ended, if it can."""


async def given_up(task: asyncio.Task[object]) -> None:
    """Returns when it is done, which it is soon, and does not raise what it raised."""
    loop = asyncio.get_running_loop()
    until = loop.time() + CANCEL_TIMEOUT
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=AGAIN)
        if loop.time() > until:
            LOGGER.warning("%s does not end, though it was cancelled", task.get_name())
            return
    if not task.cancelled():
        task.exception()  # looked at: nobody else will
