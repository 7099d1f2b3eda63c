"""One session on a line: begun, written to and heard at the same time, pinged, bounded in time. Its writer knows the text."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import Any

from ...errors import EngineUnavailable, ProtocolError, TooLarge, Unspeakable
from ...protocols.flowing_events import Audio, ServerEvent, Started
from ...protocols.flowing_events import Failed as Told
from ...upstream.attempts import Dead, Failed, FirstAudioClock
from ...upstream.failures import Late, broken, late, lost
from ...upstream.websocket import Lost
from .job import Job
from .line import Line

ANSWER_WITHIN = 1.0
"""Seconds for the start's answer on a line that was idle: one that has died silently is found out, and replaced, in time."""
SENT_KEPT = 2_000
"""Characters of what was sent last, by which a quotation of it is found."""


class Session:
    """Use `events`; `over` tells afterwards whether the service has completed it. Whoever leaves it before leaves the line."""

    def __init__(self, line: Line, job: Job, clock: FirstAudioClock, gap: float) -> None:
        self.heard = False
        """Audio has come."""
        self.finished = False
        """All text has been sent."""
        self.asked = job.asked
        self._line = line
        self._job = job
        self._clock = clock
        self._gap = gap
        """Seconds that audio may be late, once it has begun."""
        self._sent = ""
        self._owed = False
        """It is the service's turn: only then does its time run."""
        self._moved_at = 0.0
        """When the service last sent something, or its turn last changed."""
        self._waiting: asyncio.Timeout | None = None
        self._error: Exception | None = None
        """What the writer ran into."""

    @property
    def over(self) -> bool:
        return self._line.done

    async def start(self) -> None:
        """One round trip. Raises Failed."""
        self._clock.start()
        try:
            async with asyncio.timeout(min(ANSWER_WITHIN, self._clock.left) if self._line.idled else max(0, self._clock.left)):
                with suppress(Lost):  # what it said before it left is read below, as is its leaving
                    await self._line.begin(self._job.payload)
                self.asked = dataclasses.replace(self._job.asked, task_id=self._line.task_id)
                while not isinstance(await self._received(), Started):
                    pass
        except TimeoutError:
            raise self._maybe_dead(late(Late.START, self._clock.limit, self.asked)) from None
        except Lost as error:
            raise self._maybe_dead(lost(error, self.asked)) from error

    async def events(self, write: Callable[[Session], Coroutine[Any, Any, None]]) -> AsyncGenerator[ServerEvent, None]:
        """What the service tells, to the end. Raises Failed, or the error of whoever writes the text."""
        await self.start()
        async with self._beside(write(self)):
            while not self.over:
                yield await self._next()

    def silent(self) -> Failed:
        """It was completed, and nothing was heard."""
        if not self.finished:
            msg = f"{self.asked.peer} ended the session before it was sent all of its text ({self.asked})."
            return Failed(EngineUnavailable(msg), retries=2)
        return Failed(Unspeakable(f"{self.asked.peer} made no audio of this text ({self.asked})."))

    # For the writer

    def owe(self, owed: bool) -> None:
        """Whether it is the service's turn, and not the writer's."""
        self._owed = owed
        self._moved_at = monotonic()
        if not self.heard:
            (self._clock.start if owed else self._clock.stop)()
        if self._waiting is not None and not self._waiting.expired():
            self._waiting.reschedule(self._deadline())

    async def say(self, text: str) -> None:
        self._sent = (self._sent + text)[-SENT_KEPT:]
        with suppress(Lost):  # the listener will see it, and what was said before
            await self._line.say(text)

    async def finish(self) -> None:
        """The text is complete: what is not spoken yet is due."""
        self.finished = True
        self.owe(True)
        with suppress(Lost):
            await self._line.finish()

    @asynccontextmanager
    async def _beside(self, writing: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
        """Write, and keep the line alive, while the block runs."""
        tasks = [asyncio.create_task(writing), asyncio.create_task(self._keep_alive())]
        tasks[0].add_done_callback(self._written)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    def _written(self, writing: asyncio.Task[None]) -> None:
        """Its error, maybe the one of whoever writes the text, is the listener's."""
        error = None if writing.cancelled() else writing.exception()
        if isinstance(error, Exception):
            self._error = error
            if self._waiting is not None and not self._waiting.expired():
                self._waiting.reschedule(asyncio.get_running_loop().time())

    async def _keep_alive(self) -> None:
        every = self._line.service.ping_every
        with suppress(Lost):
            while every is not None:
                await asyncio.sleep(every)
                await self._line.ping()

    # What comes down

    async def _next(self) -> ServerEvent:
        """The next event, in time."""
        try:
            async with asyncio.timeout_at(self._deadline()) as self._waiting:
                self._check_writer()
                event = await self._received()
        except TimeoutError:
            self._check_writer()
            what, limit = (Late.MORE_AUDIO, self._gap) if self.heard else (Late.FIRST_AUDIO, self._clock.limit)
            raise late(what, limit, self.asked) from None
        except Lost as error:
            raise self._maybe_dead(lost(error, self.asked)) from error
        finally:
            self._waiting = None
        self._moved_at = monotonic()
        self.heard = self.heard or (isinstance(event, Audio) and bool(event.data))
        return event

    async def _received(self) -> ServerEvent:
        """Raises Failed for what the service tells of, and for what cannot be read; Lost where the line ended."""
        try:
            event = await self._line.receive()
        except (ProtocolError, TooLarge) as error:
            raise broken(error, self.asked) from error
        if isinstance(event, Told):
            raise self._line.service.explain(event, self.asked, self._sent)
        return event

    def _check_writer(self) -> None:
        if self._error is not None:
            raise self._error

    def _maybe_dead(self, failed: Failed) -> Failed:
        """A line that had been idle may have died long ago."""
        return Dead(failed.error, failed.retries) if self._line.idled and not self.heard else failed

    def _deadline(self) -> float | None:
        """Loop time of the next event. None is due while it is the writer's turn, or the look-ahead's."""
        if not self._owed or (self.heard and not self.finished):
            return None
        left = self._moved_at + self._gap - monotonic() if self.heard else self._clock.left
        return asyncio.get_running_loop().time() + left
