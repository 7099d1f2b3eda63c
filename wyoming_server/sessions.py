"""Who is speaking: every reply runs inside a session, and whoever knows its id can end it.

A session is an interrupt scope around the task that speaks: an interrupt cancels that task, wherever it waits (for text, an
engine or a slow listener), the stages unwind, and the scope turns the cancellation into Interrupted. It counts from the moment
it is opened, so a reply that still waits in line can be ended too. Opening an id again interrupts the older session at once; the
older one's clean-up never touches the newer. Whoever watches is told when one begins, is heard, and ends, and how.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from time import monotonic
from types import TracebackType
from typing import Protocol, Self

from .errors import HeraldError, Interrupted, ShuttingDown
from .progress import Progress
from .rates import Gate, Rates, address_of


class ListenerGone(Exception):  # never told to anybody: there is nobody left
    """The listener takes nothing more."""


class Outcome(StrEnum):
    COMPLETED = "completed"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    LEFT = "left"
    """Its listener went away."""


@dataclass(frozen=True, kw_only=True, slots=True)
class End:
    """How a session ended."""

    outcome: Outcome
    error: HeraldError | None = None
    """What an interrupt, or a failure, was told as."""
    interrupt_seconds: float | None = None
    """From the interrupt until everything had stopped, the engine too."""


class Watcher(Protocol):
    """Is told of every session. It must not wait, nor fail."""

    def session_started(self, session: Session) -> None: ...

    def session_speaking(self, session: Session) -> None:
        """There is something to hear of its speech."""

    def session_ended(self, session: Session, end: End) -> None: ...


class Nobody:
    """Watches nothing."""

    def session_started(self, session: Session) -> None:
        pass

    def session_speaking(self, session: Session) -> None:
        pass

    def session_ended(self, session: Session, end: End) -> None:
        pass


class Sessions(Protocol):
    """What a front end needs of the sessions of its namespace. Several servers may share one later."""

    def open(
        self, session_id: str | None = None, *, voice: str = "", engine: str = "", client: str = "", front_end: str = ""
    ) -> Session: ...

    def find(self, session_id: str) -> Session | None: ...

    def interrupt(self, session_id: str, error: HeraldError | None = None) -> bool: ...

    def interrupt_all(self, error: HeraldError | None = None) -> int: ...

    def close(self) -> None: ...

    async def until_idle(self) -> None: ...

    def __iter__(self) -> Iterator[Session]: ...


class LocalSessions:
    """The sessions of one process."""

    def __init__(self, watcher: Watcher | None = None, gate: Gate | None = None) -> None:
        self.watcher: Watcher = watcher or Nobody()
        self._gate: Gate = gate or Rates()
        self._running: dict[str, Session] = {}
        self._closed = False
        self._idle = asyncio.Event()
        self._idle.set()

    def open(
        self, session_id: str | None = None, *, voice: str = "", engine: str = "", client: str = "", front_end: str = ""
    ) -> Session:
        """A new session, with an id of its own if none is given. Raises ShuttingDown after `close`, and Busy.

        The task that speaks enters it with `async with`; one that is never entered must be left with `leave`.
        """
        if self._closed:
            raise ShuttingDown
        self._gate.admit(client)
        progress = Progress(voice=voice, engine=engine, client=address_of(client))
        session = Session(self, session_id or uuid.uuid4().hex, progress=progress, client=client, front_end=front_end)
        older = self._running.get(session.id)
        self._running[session.id] = session
        self._idle.clear()
        if older is not None:
            older.interrupt(Interrupted("Another text was started in this session."))
        self.watcher.session_started(session)
        return session

    def find(self, session_id: str) -> Session | None:
        """The running one of this id."""
        return self._running.get(session_id)

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

    def left(self, session: Session, end: End) -> None:
        """A session is over."""
        if self._running.get(session.id) is session:
            del self._running[session.id]
        if not self._running:
            self._idle.set()
        self.watcher.session_ended(session, end)


class Session:
    """One reply, in line or being spoken. See LocalSessions.open."""

    def __init__(self, sessions: LocalSessions, session_id: str, *, progress: Progress, client: str, front_end: str) -> None:
        self.id = session_id
        self.voice = progress.voice
        self.client = client
        self.front_end = front_end
        """Where it came in."""
        self.since = monotonic()
        self.started = datetime.now(UTC)
        self.progress = progress
        progress.on_first_audio = lambda: sessions.watcher.session_speaking(self)
        self.on_interrupt: Callable[[HeraldError], None] | None = None
        """Called at the very moment of an interrupt, while the engine has yet to be told."""
        self._sessions = sessions
        self._task: asyncio.Task[object] | None = None
        self._cancelling = 0
        self._error: HeraldError | None = None
        self._interrupted = 0.0
        """When (monotonic)."""
        self._failure: HeraldError | None = None
        self._over = False

    @property
    def ending(self) -> bool:
        """It was interrupted, or is over."""
        return self._over or self._error is not None

    def interrupt(self, error: HeraldError | None = None) -> bool:
        """End it with `error`. False: it has ended, or is ending, already."""
        if self.ending:
            return False
        self._error = error or Interrupted()
        self._interrupted = monotonic()
        if self._task is not None:
            if self.on_interrupt is not None:
                self.on_interrupt(self._error)
            self._task.cancel()
        return True

    def fail(self, error: HeraldError) -> None:
        """Whoever ends it now, by a cancellation or `leave`, does so because of `error`, and not because its listener left."""
        self._failure = self._failure or error

    def leave(self, cause: BaseException | None = None) -> None:
        """It is over, because of `cause`, or will never be entered. Twice is fine."""
        if not self._over:
            self._over = True
            self._sessions.left(self, self._end(cause or asyncio.CancelledError()))

    def _end(self, cause: BaseException | None) -> End:
        """How it ends with `cause`; `None`: its work was done."""
        match self._error or cause:
            case None:
                return End(outcome=Outcome.COMPLETED)
            case HeraldError() as error if self._error is not None:
                return End(outcome=Outcome.INTERRUPTED, error=error, interrupt_seconds=monotonic() - self._interrupted)
            case HeraldError() as error:
                return End(outcome=Outcome.FAILED, error=error)
            case asyncio.CancelledError() if self._failure is not None:
                return End(outcome=Outcome.FAILED, error=self._failure)
            case ListenerGone() | asyncio.CancelledError():
                return End(outcome=Outcome.LEFT)
        return End(outcome=Outcome.FAILED, error=HeraldError())  # a defect, which is logged where it is caught

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
        self._over = True
        self._sessions.left(self, self._end(exc))
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
