"""API v3: the connections of one account. Opened ahead of need, used again and again, replaced when they die.

A handshake, with TLS and StartConnection, takes several round trips: none of them is left for the first word to wait for. A
connection serves one session at a time, and one resource id: the handshake names it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from time import monotonic
from typing import Any, TypeVar

from ...errors import EngineUnavailable, HeraldError
from ..attempts import Failed
from .account import Account
from .connection import Connection
from .failures import Asked, Late, late

_LOGGER = logging.getLogger(__name__)

LIVED = 5.0
"""Seconds that a connection must have lived to be replaced unasked: one that dies at once would be opened for ever."""

OPEN_WITHIN = 5.0
"""Seconds that opening one ahead of need may take."""
CLOSED = "The engine was closed."

T = TypeVar("T")


class Pool:
    """`keep`: seconds that a connection is kept ready after its last use; 0 keeps none."""

    def __init__(self, account: Account, *, keep: float) -> None:
        self._account = account
        self._keep = keep
        self._idle: dict[str, list[Connection]] = {}
        """By resource id, as all that follows."""
        self._opening: dict[str, list[asyncio.Task[Connection]]] = {}
        """Those that nobody waits for."""
        self._until: dict[str, float] = {}
        """When connections are given up."""
        self._tasks: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def warm(self, asked: Asked) -> None:
        """See to it, without waiting, that a connection is or soon will be ready."""
        resource_id = asked.route.resource_id
        if self._closed or not self._keep:
            return
        self._until[resource_id] = monotonic() + self._keep
        self._set_timer()
        if not self._idle.get(resource_id) and not self._opening.get(resource_id):
            self._opening[resource_id] = [self._open(asked)]

    async def take(self, asked: Asked, *, within: float, fresh: bool = False) -> Connection:
        """A connection that is ready, one that is just being opened, or a new one; only the last if it must be `fresh`.

        Raises Failed, and TimeoutError after `within` seconds.
        """
        if self._closed:
            raise Failed(EngineUnavailable(CLOSED))
        resource_id = asked.route.resource_id
        while not fresh and (idle := self._idle.get(resource_id)):
            connection = idle.pop()
            if connection.alive:
                return connection
        waiting = [] if fresh else self._opening.get(resource_id)
        return await self._opened(waiting.pop() if waiting else self._open(asked), resource_id, within)

    def give_back(self, connection: Connection) -> None:
        """Its session is over: it is ready for the next."""
        connection.end()
        self._until[connection.resource_id] = monotonic() + self._keep
        self._put(connection)

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
        idle = [connection for some in self._idle.values() for connection in some]
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
        opening.add_done_callback(lambda done: self._found_ready(done, asked.route.resource_id))
        return opening

    async def _connected(self, asked: Asked) -> Connection:
        try:
            async with asyncio.timeout(OPEN_WITHIN):
                connection = await Connection.open(self._account, asked)
        except TimeoutError:
            raise late(Late.CONNECT, OPEN_WITHIN, asked) from None
        self._spawn(self._live(connection, asked))
        return connection

    async def _opened(self, opening: asyncio.Task[Connection], resource_id: str, within: float) -> Connection:
        """What is opened, for somebody who waits for it; if he leaves, it is for whoever comes next."""
        try:
            await asyncio.wait([opening], timeout=max(0, within))
        except asyncio.CancelledError:
            self._leave_to_others(opening, resource_id)
            raise
        if not opening.done():
            opening.cancel()
            raise TimeoutError
        if opening.cancelled():
            raise Failed(EngineUnavailable(CLOSED))
        return opening.result()

    def _leave_to_others(self, opening: asyncio.Task[Connection], resource_id: str) -> None:
        if not self._keep:
            opening.cancel()
        self._until[resource_id] = monotonic() + self._keep
        self._opening.setdefault(resource_id, []).append(opening)
        if opening.done():
            self._found_ready(opening, resource_id)

    def _found_ready(self, opening: asyncio.Task[Connection], resource_id: str) -> None:
        """An opening has ended. If nobody waits for it, its connection is ready for later."""
        if opening not in self._opening.get(resource_id, []):
            return
        self._opening[resource_id].remove(opening)
        if opening.cancelled():
            return
        if error := opening.exception():
            _LOGGER.info("No connection could be opened ahead of need: %s", error)
        else:
            self._put(opening.result())

    async def _live(self, connection: Connection, asked: Asked) -> None:
        """A connection's whole life."""
        begun = monotonic()
        try:
            await connection.read()
        finally:
            connection.cut()
        idle = self._idle.get(asked.route.resource_id, [])
        if connection in idle:
            idle.remove(connection)
            if monotonic() - begun > LIVED:
                self._replace(asked)

    def _replace(self, asked: Asked) -> None:
        """Have one ready all the same, for no longer than the lost one would have been."""
        resource_id = asked.route.resource_id
        others = self._idle.get(resource_id) or self._opening.get(resource_id)
        if not self._closed and not others and monotonic() < self._until[resource_id]:
            self._opening[resource_id] = [self._open(asked)]

    async def _cancelled(self, connection: Connection) -> None:
        confirmed = False
        try:
            confirmed = connection.alive and await connection.cancel()
        finally:
            if confirmed:
                self.give_back(connection)
            else:
                connection.cut()

    def _put(self, connection: Connection) -> None:
        if self._closed or not connection.alive:
            connection.cut()
        elif not self._keep:
            self._spawn(connection.leave())
        else:
            self._idle.setdefault(connection.resource_id, []).append(connection)
            self._set_timer()

    def _set_timer(self) -> None:
        """For the resource whose connections are to be given up next."""
        if self._timer is not None:
            self._timer.cancel()
        waiting = [self._until[resource_id] for resource_id, idle in self._idle.items() if idle]
        if waiting:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0, min(waiting) - monotonic()), self._give_up)

    def _give_up(self) -> None:
        """Leave what has been idle for too long."""
        now = monotonic()
        for resource_id in [name for name in self._idle if self._until[name] <= now]:
            for connection in self._idle.pop(resource_id):
                self._spawn(connection.leave())
        self._set_timer()

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
