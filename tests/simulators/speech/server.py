"""A service that speaks in sessions, as a test holds it: its connections, and how much is spoken on them."""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeVar

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request

from ..common.handle import Handle
from ..common.line import How, Line
from ..common.world import Q
from .journal import Counters, Entry, What
from .talk import Talk
from .world import O, World

T = TypeVar("T", bound=Talk[Any])


class Service(Handle[What, Entry, O, Q], Generic[O, Q, T]):
    """A running service, and what a test may see and do."""

    _world: World[O, Q]

    def __init__(self, world: World[O, Q]) -> None:
        super().__init__(world)
        self._handshakes = 0
        self._talks: dict[Line, T] = {}

    @property
    def counters(self) -> Counters:
        return self._world.journal.counters

    @property
    def pings(self) -> int:
        """Of websockets, from all clients."""
        return self._world.pings

    def drop_idle(self, how: How = "drop") -> int:
        """Ends every connection on which nothing runs; how many that were."""
        idle = [line for line, talk in self._talks.items() if talk.speaking is None and not line.has_left]
        for line in idle:
            line.end(how)
        return len(idle)

    # for the server

    def arrived(self, line: ServerConnection, request: Request, what: Literal["handshake", "request"] = "handshake") -> Line:
        """A connection, with its number."""
        assert isinstance(line, Line)
        self._handshakes += 1
        line.number = self._handshakes
        self._world.journal.add(what, line.number, path=request.path, headers=dict(request.headers.raw_items()))
        return line

    def admit(self, talk: T) -> None:
        """Its handshake is accepted."""
        line = talk.line
        if line.has_left:
            return
        self._talks[line] = talk
        line.on_left = talk.left
        line.on_ping = talk.ping
        self.counters.connections += 1
        self.counters.connections_ever += 1

    async def serve(self, line: ServerConnection) -> None:
        assert isinstance(line, Line)
        try:
            await self._talks[line].run()
        finally:
            del self._talks[line]
