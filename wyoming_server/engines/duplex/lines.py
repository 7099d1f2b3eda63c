"""The lines to one service: opened ahead of need, used again where it allows that, left without making anybody wait."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from time import monotonic
from typing import Any, TypeVar

from ...errors import EngineUnavailable, HeraldError
from ...upstream.attempts import Failed, FirstAudioClock
from ...upstream.failures import Asked, Late, late
from .line import Line

_LOGGER = logging.getLogger(__name__)

CLOSED = "The engine was closed."

T = TypeVar("T")


class Lines:
    """`keep`: seconds that an unused line is kept; 0 keeps none, and opens none ahead. `open_within`: that opening may take."""

    def __init__(self, connect: Callable[[Asked], Awaitable[Line]], *, keep: float, open_within: float) -> None:
        self._connect = connect
        self._keep = keep
        self._open_within = open_within
        self._open: set[Line] = set()
        self._idle: list[tuple[float, Line]] = []
        """With the time when it will be too old."""
        self._opening: asyncio.Task[Line] | None = None
        """Ahead of need: nobody waits for it."""
        self._openings: set[asyncio.Task[Line]] = set()
        """That, and those that somebody waits for."""
        self._tasks: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def warm(self, asked: Asked) -> None:
        """See to it, without waiting, that a line is or soon will be ready."""
        if self._closed or not self._keep or self._idle or self._opening is not None:
            return
        self._opening = self._start(asked)
        self._opening.add_done_callback(self._found_ready)

    async def take(self, asked: Asked, clock: FirstAudioClock, *, fresh: bool = False) -> Line:
        """A line that is ready, the one that is just being opened, or a new one; only the last if it must be `fresh`.

        In the time that the clock leaves. Raises Failed.
        """
        if self._closed:
            raise Failed(EngineUnavailable(CLOSED))
        if self._idle and not fresh:
            _, line = self._idle.pop()
            return line
        opening, self._opening = (None, self._opening) if fresh else (self._opening, None)
        return await self._awaited(opening or self._start(asked), asked, clock)

    async def _awaited(self, opening: asyncio.Task[Line], asked: Asked, clock: FirstAudioClock) -> Line:
        """What is opened, for somebody who waits for it; if he leaves, so does it."""
        try:
            await asyncio.wait([opening], timeout=max(0, clock.left))
        except asyncio.CancelledError:
            self._give_up_on(opening)
            raise
        if not opening.done():
            self._give_up_on(opening)
            raise late(Late.CONNECT, clock.limit, asked)
        if opening.cancelled():
            raise Failed(EngineUnavailable(CLOSED))
        return opening.result()

    def give_back(self, line: Line) -> None:
        """Its session was completed."""
        if self._closed or not self._keep or not line.service.reusable:
            self.leave(line)
        else:
            self._put(line)

    def leave(self, line: Line) -> asyncio.Task[None]:
        """Close it; the task, which nobody need wait for, ends when it is closed. The service is told in its first step."""
        self._open.discard(line)
        return self._spawn(line.leave())

    async def close(self) -> None:
        """Leave every line, whoever uses it, and open no other."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for opening in self._openings:
            opening.cancel()
        for line in [*self._open]:
            self.leave(line)
        self._idle.clear()
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _start(self, asked: Asked) -> asyncio.Task[Line]:
        opening = self._spawn(self._opened(asked))
        self._openings.add(opening)
        opening.add_done_callback(self._openings.discard)
        return opening

    async def _opened(self, asked: Asked) -> Line:
        try:
            async with asyncio.timeout(self._open_within):
                line = await self._connect(asked)
        except TimeoutError:
            raise late(Late.CONNECT, self._open_within, asked) from None
        self._open.add(line)
        return line

    def _found_ready(self, opening: asyncio.Task[Line]) -> None:
        """What was opened ahead is for later, if nobody has come for it."""
        if opening is not self._opening:
            return
        self._opening = None
        if opening.cancelled():
            return
        if error := opening.exception():
            _LOGGER.info("No connection could be opened ahead of need: %s", error)
        elif not self._closed:
            self._put(opening.result())

    def _put(self, line: Line) -> None:
        line.idled = True
        self._idle.append((monotonic() + self._keep, line))
        self._set_timer()

    def _give_up_on(self, opening: asyncio.Task[Line]) -> None:
        """Nobody wants it any more, not even if it was ready just now."""
        if opening.done() and not opening.cancelled() and opening.exception() is None:
            self.leave(opening.result())
        opening.cancel()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._idle:
            self._timer = asyncio.get_running_loop().call_later(max(0, self._idle[0][0] - monotonic()), self._give_up)

    def _give_up(self) -> None:
        """Leave what has been idle for too long."""
        while self._idle and self._idle[0][0] <= monotonic():
            self.leave(self._idle.pop(0)[1])
        self._set_timer()

    def _spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """A task that lives no longer than these lines."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, Failed | HeraldError):
            _LOGGER.error("A connection failed in an unforeseen way", exc_info=error)
