"""Who is speaking: every reply runs inside a session, and whoever knows its id can end it.

A session is an interrupt scope around the task that speaks: an interrupt cancels that task, wherever it waits (for text, an
engine or a slow listener), the stages unwind, and the scope turns the cancellation into Interrupted. Opening an id that still
speaks interrupts the older session at once; its clean-up never touches the newer one.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Iterator
from time import monotonic
from types import TracebackType
from typing import Protocol, Self

from .errors import HeraldError, Interrupted

REPLACED = "Another text was started in this session."


class Sessions(Protocol):
    """What a front end needs of the sessions of its namespace. Several servers may share one later."""

    def open(self, session_id: str | None = None, *, voice: str = "", client: str = "") -> Session: ...

    def interrupt(self, session_id: str, error: HeraldError | None = None) -> bool: ...

    def interrupt_all(self, error: HeraldError | None = None) -> int: ...

    def __iter__(self) -> Iterator[Session]: ...

    async def until_idle(self) -> None: ...


class LocalSessions:
    """The sessions of one process."""

    def __init__(self) -> None:
        self._running: dict[str, Session] = {}
        self._idle = asyncio.Event()
        self._idle.set()

    async def until_idle(self) -> None:
        """Wait until nobody speaks."""
        await self._idle.wait()

    def open(self, session_id: str | None = None, *, voice: str = "", client: str = "") -> Session:
        """A session to enter with `async with`, in the task that speaks. Without an id it gets a new one."""
        return Session(session_id or uuid.uuid4().hex, voice=voice, client=client, enter=self._enter, leave=self._leave)

    def interrupt(self, session_id: str, error: HeraldError | None = None) -> bool:
        """End a session; `error` is what its listener is told. False: nothing of that id speaks."""
        session = self._running.get(session_id)
        return session is not None and session.interrupt(error)

    def interrupt_all(self, error: HeraldError | None = None) -> int:
        """How many were ended."""
        return sum(session.interrupt(error) for session in list(self._running.values()))

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._running.values()))

    def _enter(self, session: Session) -> None:
        older = self._running.get(session.id)
        self._running[session.id] = session
        self._idle.clear()
        if older is not None:
            older.interrupt(Interrupted(REPLACED))

    def _leave(self, session: Session) -> None:
        if self._running.get(session.id) is session:
            del self._running[session.id]
        if not self._running:
            self._idle.set()


class Session:
    """One reply being spoken. See LocalSessions.open."""

    def __init__(
        self, session_id: str, *, voice: str, client: str, enter: Callable[[Session], None], leave: Callable[[Session], None]
    ) -> None:
        self.id = session_id
        self.voice = voice
        self.client = client
        self.since = monotonic()
        self._enter = enter
        self._leave = leave
        self._task: asyncio.Task[object] | None = None
        self._cancelling = 0
        self._error: HeraldError | None = None

    def interrupt(self, error: HeraldError | None = None) -> bool:
        """End it with `error`. False: it has ended, or is ending, already."""
        if self._task is None or self._error is not None:
            return False
        self._error = error or Interrupted()
        self._task.cancel()
        return True

    async def __aenter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            msg = "A session belongs to the task that speaks."
            raise RuntimeError(msg)
        self._task = task
        self._cancelling = task.cancelling()
        self._enter(self)
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._leave(self)
        task, self._task = self._task, None
        if self._error is None or task is None:
            return
        if exc_type is not asyncio.CancelledError:
            # The body ended by itself, the cancellation is still on its way: it must not hit what follows.
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0)
        if task.uncancel() > self._cancelling:
            raise asyncio.CancelledError  # somebody cancelled the task itself too: that wins
        raise self._error from exc
