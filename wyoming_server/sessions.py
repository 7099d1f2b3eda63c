"""Who is speaking: every reply runs inside a session, and whoever knows its id can end it.

A session is an interrupt scope around the task that speaks: an interrupt cancels that task, wherever it waits (for text, an
engine or a slow listener), the stages unwind, and the scope turns the cancellation into Interrupted. It counts from the moment
it is opened, so a reply that still waits in line can be ended too. Opening an id again interrupts the older session at once; the
older one's clean-up never touches the newer.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Iterator
from time import monotonic
from types import TracebackType
from typing import Protocol, Self

from .errors import HeraldError, Interrupted, ShuttingDown


class Sessions(Protocol):
    """What a front end needs of the sessions of its namespace. Several servers may share one later."""

    def open(self, session_id: str | None = None, *, voice: str = "", client: str = "") -> Session: ...

    def interrupt(self, session_id: str, error: HeraldError | None = None) -> bool: ...

    def interrupt_all(self, error: HeraldError | None = None) -> int: ...

    def close(self) -> None: ...

    async def until_idle(self) -> None: ...

    def __iter__(self) -> Iterator[Session]: ...


class LocalSessions:
    """The sessions of one process."""

    def __init__(self) -> None:
        self._running: dict[str, Session] = {}
        self._closed = False
        self._idle = asyncio.Event()
        self._idle.set()

    def open(self, session_id: str | None = None, *, voice: str = "", client: str = "") -> Session:
        """A new session, with an id of its own if none is given. Raises ShuttingDown after `close`.

        The task that speaks enters it with `async with`; one that is never entered must be left with `leave`.
        """
        if self._closed:
            raise ShuttingDown
        session = Session(self, session_id or uuid.uuid4().hex, voice=voice, client=client)
        older = self._running.get(session.id)
        self._running[session.id] = session
        self._idle.clear()
        if older is not None:
            older.interrupt(Interrupted("Another text was started in this session."))
        return session

    def interrupt(self, session_id: str, error: HeraldError | None = None) -> bool:
        """End a session; `error` is what its listener is told. False: nothing of that id speaks."""
        session = self._running.get(session_id)
        return session is not None and session.interrupt(error)

    def interrupt_all(self, error: HeraldError | None = None) -> int:
        """How many were ended."""
        return sum(session.interrupt(error) for session in self)

    def close(self) -> None:
        """No new ones from now on."""
        self._closed = True

    async def until_idle(self) -> None:
        """Wait until nobody speaks."""
        await self._idle.wait()

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._running.values()))

    def left(self, session: Session) -> None:
        """A session is over."""
        if self._running.get(session.id) is session:
            del self._running[session.id]
        if not self._running:
            self._idle.set()


class Session:
    """One reply, in line or being spoken. See LocalSessions.open."""

    def __init__(self, sessions: LocalSessions, session_id: str, *, voice: str, client: str) -> None:
        self.id = session_id
        self.voice = voice
        self.client = client
        self.since = monotonic()
        self.on_interrupt: Callable[[HeraldError], None] | None = None
        """Called at the very moment of an interrupt, while the engine has yet to be told."""
        self._sessions = sessions
        self._task: asyncio.Task[object] | None = None
        self._cancelling = 0
        self._error: HeraldError | None = None
        self._over = False

    def interrupt(self, error: HeraldError | None = None) -> bool:
        """End it with `error`. False: it has ended, or is ending, already."""
        if self._over or self._error is not None:
            return False
        self._error = error or Interrupted()
        if self._task is not None:
            if self.on_interrupt is not None:
                self.on_interrupt(self._error)
            self._task.cancel()
        return True

    def leave(self) -> None:
        """It is over, or will never be entered."""
        self._over = True
        self._sessions.left(self)

    async def __aenter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            msg = "A session belongs to the task that speaks."
            raise RuntimeError(msg)
        if self._error is not None:
            self.leave()
            raise self._error
        self._task = task
        self._cancelling = task.cancelling()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.leave()
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
