"""The listening socket, and the handle that a test holds."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from ..common.handle import Handle
from ..common.line import How
from ..common.serving import USUAL, response
from .faults import BEHAVIOURS, Blow, Faults
from .journal import Entry, What
from .line import Gate, Line
from .talk import DocumentTalk, Talk
from .world import Job, Manner, Options, World

MANNERS: Mapping[Manner, type[Talk]] = {"real": Talk, "document": DocumentTalk}


class IndexttsSimulator(Handle[What, Entry, Options, Faults]):
    """A running service, and what a test may see and do."""

    _world: World

    def __init__(self, options: Options, port: int = 0) -> None:
        super().__init__(World(options=options))
        self._talks: dict[Line, Talk] = {}
        self._numbers = 0
        self._server: Server | None = None
        self._socket = _bound(port)
        self.port = self._socket.getsockname()[1]

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The JSON of all that were accepted."""
        return [entry.body for entry in self.all("request")]

    @property
    def connections(self) -> int:
        """Open now."""
        return len(self.all("connected")) - len(self.all("closed"))

    @property
    def jobs(self) -> Mapping[str, Job]:
        """By task id."""
        return self._world.jobs

    @property
    def pings(self) -> int:
        """Of websockets, from all clients."""
        return self._world.pings

    def hang_up(self, how: How = "drop") -> int:
        """Ends every connection; how many those were."""
        lines = [line for line in self._talks if not line.is_gone]
        for line in lines:
            line.end(how)
        return len(lines)

    async def start(self) -> None:
        """Opens the port."""
        if self._server is not None:
            return
        self._world.revive()
        hosted = type("HostedLine", (Line,), {"host": self})
        self._server = await serve(self._serve, sock=self._socket, process_request=self._open, create_connection=hosted, **USUAL)

    async def stop(self) -> None:
        """As a crash does: connections are reset, nothing goes on, and the port refuses."""
        if self._server is None:
            return
        server, self._server = self._server, None
        self.hang_up("reset")
        self._world.crash()
        server.close()
        await server.wait_closed()
        self._socket = _bound(self.port)

    async def aclose(self) -> None:
        await self.stop()
        self._socket.close()

    # for the connections

    @property
    def gate(self) -> Gate:
        return self._world.gate

    def connected(self, line: Line) -> None:
        self._numbers += 1
        line.number = self._numbers
        self._talks[line] = talk = MANNERS[self.options.manner](self._world, line)
        talk.note("connected")
        line.on_left = talk.left
        line.on_ping = self._pinged

    def _pinged(self) -> None:
        self._world.pings += 1

    async def _open(self, line: ServerConnection, request: Request) -> Response | None:
        """The answer to a handshake on any path; None accepts it."""
        assert isinstance(line, Line)
        talk, unavailable = self._talks[line], response(HTTPStatus.SERVICE_UNAVAILABLE, "gone")
        talk.note("handshake", path=request.path, headers=dict(request.headers.raw_items()))
        fault = self.faults.take("handshake")
        if fault is None:
            return unavailable if line.is_gone else None
        talk.note("fault", kind=fault.kind, on=fault.on)
        await BEHAVIOURS[fault.kind](Blow(fault=fault, struck=talk))
        return response(fault.status, fault.message) if fault.kind == "refuse" else unavailable if line.is_gone else None

    async def _serve(self, line: ServerConnection) -> None:
        assert isinstance(line, Line)
        await self._talks[line].run()


def _bound(port: int) -> socket.socket:
    """A socket that has the port and refuses, as it does not listen yet."""
    bound = socket.socket(proto=socket.IPPROTO_TCP)  # named, so that asyncio sets TCP_NODELAY
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    return bound


@asynccontextmanager
async def simulator(*, port: int = 0, is_open: bool = True, **options: Any) -> AsyncIterator[IndexttsSimulator]:
    """A service on 127.0.0.1 until the block ends; `options` are those of `Options`."""
    running = IndexttsSimulator(Options(**options), port)
    try:
        if is_open:
            await running.start()
        yield running
    finally:
        await running.aclose()
