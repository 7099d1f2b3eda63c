"""How long an engine may be waited for in one reply, all in all: the last of its time limits, the same for every engine.

What is waited for is counted, less what is heard meanwhile: an engine that makes its audio as fast as it is played keeps nobody
waiting, however long the text. Not counted are a listener who takes his time, a writer whose text has yet to come, and the
line before the engine. The other limits, to connect, to first audio and between audio, are the engines' own: they know what they
asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextlib import aclosing
from time import monotonic

from ..errors import EngineTimeout
from ..models import AudioFormat, SynthesisRequest, Waiting
from .limits import Limits
from .making import Begun, Making, SourceEvent, Took

DEFAULT = 600.0
"""Seconds, of an engine that is not configured."""


class Patience:
    """A Making."""

    def __init__(self, inner: Making, limits: Limits, clock: Callable[[], float] = monotonic) -> None:
        self._inner = inner
        self._limits = limits
        self._clock = clock

    async def events(self, request: SynthesisRequest, text: AsyncIterable[str], took: Took) -> AsyncGenerator[SourceEvent, None]:
        """Raises EngineTimeout, beside what the inner one raises."""
        limits = self._limits.get(request.voice.engine)
        limit = limits.total_timeout if limits is not None else DEFAULT
        wait = _Wait(limit, self._clock)
        async with aclosing(wait.read(text)) as watched, aclosing(self._inner.events(request, watched, took)) as events:
            while True:
                try:
                    event = await wait.next(events)
                except StopAsyncIteration:
                    return
                except _Late:
                    msg = (
                        f"The engine {request.voice.engine} was waited for {limit:g} s longer than what it made can be heard for "
                        "(total_timeout)."
                    )
                    raise EngineTimeout(msg) from None
                yield event


class _Late(Exception):
    """Its time is over."""


class _Wait:
    """For one reply."""

    def __init__(self, limit: float, clock: Callable[[], float]) -> None:
        self._left = limit
        """Seconds that remain, while it is not running."""
        self._clock = clock
        self._since: float | None = None
        """While it is running: when that began."""
        self._reasons_not_to = 1
        """Nobody asks for an event, the text is waited for, or the reply stands in line: it runs while there is none."""
        self._in_line = False
        self._format = AudioFormat(rate=1)
        self._timeout: asyncio.Timeout | None = None

    async def next(self, events: AsyncGenerator[SourceEvent, None]) -> SourceEvent:
        """Raises _Late, StopAsyncIteration, and whatever was raised there."""
        timeout = asyncio.timeout(None)
        try:
            async with timeout as self._timeout:
                self._resume()
                event = await anext(events)
        except TimeoutError:
            if timeout.expired():
                raise _Late from None
            raise  # a defect of somebody else's
        finally:
            self._timeout = None
            self._pause()
        self._look_at(event)
        return event

    async def read(self, text: AsyncIterable[str]) -> AsyncGenerator[str, None]:
        fragments = aiter(text)
        while True:
            self._pause()
            try:
                fragment = await anext(fragments)
            except StopAsyncIteration:
                return
            finally:
                self._resume()
            yield fragment

    def _look_at(self, event: SourceEvent) -> None:
        if isinstance(event, Begun):
            self._format = event.source.format
        elif isinstance(event, bytes):
            self._left += self._format.seconds(len(event))
        if isinstance(event, Waiting) != self._in_line:
            self._in_line = not self._in_line
            (self._pause if self._in_line else self._resume)()

    def _pause(self) -> None:
        self._reasons_not_to += 1
        if self._since is not None:
            self._left -= self._clock() - self._since
            self._since = None
            if self._timeout is not None and not self._timeout.expired():
                self._timeout.reschedule(None)

    def _resume(self) -> None:
        self._reasons_not_to -= 1
        if not self._reasons_not_to and self._timeout is not None and not self._timeout.expired():
            self._since = self._clock()
            self._timeout.reschedule(asyncio.get_running_loop().time() + self._left)
