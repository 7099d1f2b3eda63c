"""API v3: the connections of one account. Opened ahead of need, used again and again, replaced when they die.

A handshake, with TLS and StartConnection, takes several round trips: none of them is left for the first word to wait for. A
connection serves one session at a time, and one resource id: the handshake names it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from time import monotonic
from typing import Any, TypeVar

from ...errors import EngineUnavailable, HeraldError
from ...upstream.attempts import Failed
from ...upstream.failures import Late
from .account import Account
from .connection import Connection
from .failures import Asked, late

_LOGGER = logging.getLogger(__name__)

LIVED = 5.0
"""Seconds that a connection must have lived to be replaced unasked: one that dies at once would be opened for ever."""

IDLE_MAX = 8
"""Connections of one pool that nobody uses, of all resource ids together: clients may name any number of those."""

CLOSED = "The engine was closed."

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ahead:
    """A connection that is opened ahead of need."""

    resource_id: str
    until: float
    """When it is given up, if nobody has used it."""


class Pool:
    """`keep`: seconds that a connection is kept ready after its last use; 0 keeps none. `open_within`: that opening may take."""

    def __init__(self, account: Account, *, keep: float, open_within: float) -> None:
        self._account = account
        self._keep = keep
        self._open_within = open_within
        self._idle: dict[Connection, float] = {}
        """With the time when each is given up; the one that was used last is the last."""
        self._opening: dict[asyncio.Task[Connection], _Ahead] = {}
        """Those that nobody waits for."""
        self._tasks: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def warm(self, asked: Asked) -> None:
        """See to it, without waiting, that a connection is or soon will be ready."""
        if (ready := self._last_idle(asked.route.resource_id)) is not None:
            self._put(ready, self._end_of_keep)
        else:
            self._open_ahead(asked, self._end_of_keep)

    async def take(self, asked: Asked, *, within: float, fresh: bool = False) -> Connection:
        """A connection that is ready, one that is just being opened, or a new one; only the last if it must be `fresh`.

        Raises Failed, and TimeoutError after `within` seconds.
        """
        if self._closed:
            raise Failed(EngineUnavailable(CLOSED))
        resource_id = asked.route.resource_id
        while not fresh and (ready := self._last_idle(resource_id)) is not None:
            del self._idle[ready]
            if ready.alive:
                return ready
        opening = None if fresh else self._opening_for(resource_id)
        if opening is not None:
            del self._opening[opening]
        return await self._opened(opening or self._open(asked), asked, within)

    def give_back(self, connection: Connection) -> None:
        """Its session is over: it is ready for the next."""
        connection.end()
        self._put(connection, self._end_of_keep)

    def cancel(self, connection: Connection) -> asyncio.Task[None]:
        """End its session; the task, which nobody need wait for, ends when the service has, or the connection is gone.

        The service is told in the task's first step.
        """
        return self._spawn(self._cancelled(connection))

    async def close(self) -> None:
        """Leave every connection."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        idle = [*self._idle]
        self._idle.clear()
        try:
            await asyncio.gather(*(connection.leave() for connection in idle))
        finally:
            while self._tasks:
                for task in self._tasks:
                    task.cancel()
                await asyncio.wait(self._tasks)

    def _open(self, asked: Asked) -> asyncio.Task[Connection]:
        opening = self._spawn(self._connected(asked))
        opening.add_done_callback(self._found_ready)
        return opening

    async def _connected(self, asked: Asked) -> Connection:
        try:
            async with asyncio.timeout(self._open_within):
                connection = await Connection.open(self._account, asked)
        except TimeoutError:
            raise late(Late.CONNECT, self._open_within, asked) from None
        self._spawn(self._live(connection, asked))
        return connection

    async def _opened(self, opening: asyncio.Task[Connection], asked: Asked, within: float) -> Connection:
        """What is opened, for somebody who waits for it; if he leaves, it is for whoever comes next."""
        try:
            await asyncio.wait([opening], timeout=max(0, within))
        except asyncio.CancelledError:
            self._leave_to_others(opening, asked)
            raise
        if not opening.done():
            opening.cancel()
            raise TimeoutError
        if opening.cancelled():
            raise Failed(EngineUnavailable(CLOSED))
        connection = opening.result()
        if self._closed:  # between its opening and now: nobody reads it
            connection.cut()
            raise Failed(EngineUnavailable(CLOSED))
        return connection

    def _leave_to_others(self, opening: asyncio.Task[Connection], asked: Asked) -> None:
        if not self._keep:
            opening.cancel()
        self._opening[opening] = _Ahead(resource_id=asked.route.resource_id, until=self._end_of_keep)
        if opening.done():
            self._found_ready(opening)

    def _found_ready(self, opening: asyncio.Task[Connection]) -> None:
        """An opening has ended. If nobody waits for it, its connection is ready for later."""
        ahead = self._opening.pop(opening, None)
        if ahead is None or opening.cancelled():
            return
        if error := opening.exception():
            _LOGGER.info("No connection could be opened ahead of need: %s", error)
        else:
            self._put(opening.result(), ahead.until)

    async def _live(self, connection: Connection, asked: Asked) -> None:
        """A connection's whole life."""
        begun = monotonic()
        try:
            await connection.read()
        finally:
            connection.cut()
        until = self._idle.pop(connection, None)
        if until is not None and monotonic() - begun > LIVED:
            self._replace(asked, until)

    def _replace(self, asked: Asked, until: float) -> None:
        """Have one ready all the same, for no longer than the lost one would have been."""
        if self._last_idle(asked.route.resource_id) is None:
            self._open_ahead(asked, until)

    def _open_ahead(self, asked: Asked, until: float) -> None:
        """Open one that nobody waits for, unless there is one, or there are too many, already."""
        resource_id = asked.route.resource_id
        if self._closed or monotonic() >= until or len(self._opening) >= IDLE_MAX or self._opening_for(resource_id) is not None:
            return
        self._opening[self._open(asked)] = _Ahead(resource_id=resource_id, until=until)

    async def _cancelled(self, connection: Connection) -> None:
        was_alive, confirmed = connection.alive, False
        try:
            confirmed = was_alive and await connection.cancel()
        finally:
            if confirmed:
                self.give_back(connection)
            else:
                connection.cut()
        if was_alive and not confirmed:
            self._replace(connection.asked, self._end_of_keep)

    def _put(self, connection: Connection, until: float) -> None:
        """It is ready, for whoever comes until then."""
        self._idle.pop(connection, None)
        if self._closed or not connection.alive:
            connection.cut()
        elif not self._keep:
            self._spawn(connection.leave())
        else:
            connection.waited = True
            self._idle[connection] = until
            self._leave_those(list(self._idle)[:-IDLE_MAX])
            self._set_timer()

    def _set_timer(self) -> None:
        """For the connection that is to be given up next."""
        if self._timer is not None:
            self._timer.cancel()
        if self._idle:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0, min(self._idle.values()) - monotonic()), self._give_up)

    def _give_up(self) -> None:
        """Leave what has been idle for too long."""
        now = monotonic()
        self._leave_those([connection for connection, until in self._idle.items() if until <= now])
        self._set_timer()

    def _leave_those(self, connections: list[Connection]) -> None:
        for connection in connections:
            del self._idle[connection]
            self._spawn(connection.leave())

    @property
    def _end_of_keep(self) -> float:
        """For a connection that is used now."""
        return monotonic() + self._keep

    def _last_idle(self, resource_id: str) -> Connection | None:
        """The one that was used last."""
        return next((ready for ready in reversed(self._idle) if ready.resource_id == resource_id), None)

    def _opening_for(self, resource_id: str) -> asyncio.Task[Connection] | None:
        return next((opening for opening, ahead in self._opening.items() if ahead.resource_id == resource_id), None)

    def _spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """A task that lives no longer than this pool."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, Failed | HeraldError):
            _LOGGER.error("A connection to OpenSpeech failed in an unforeseen way", exc_info=error)
