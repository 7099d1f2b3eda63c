"""The listening socket: paths, handshakes, and the handle that a test holds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from ..common.codes import Told
from ..common.faults import Over
from ..common.line import Line
from ..common.serving import USUAL, json_response
from ..speech.server import Service
from .accounts import refuse_v3
from .faults import BEHAVIOURS, Faults
from .talk import Talk
from .v1 import V1
from .v3 import V3
from .world import Options, World

V1_PATH = "/api/v1/tts/ws_binary"
V3_PATH = "/api/v3/tts/bidirection"
PATHS: Mapping[str, Callable[[World, Line], Talk]] = {V1_PATH: V1, V3_PATH: V3}


class OpenSpeechSimulator(Service[Options, Faults, Talk]):
    """A running service, and what a test may see and do."""

    _world: World

    def __init__(self, options: Options) -> None:
        super().__init__(World(options=options))

    @property
    def url(self) -> str:
        """Without a path."""
        return f"ws://127.0.0.1:{self.port}"

    # for the server

    async def open(self, connection: ServerConnection, request: Request) -> Response | None:
        """The answer to a handshake; None accepts it."""
        line = self.arrived(connection, request)
        path = request.path.partition("?")[0]
        if path not in PATHS:
            return self._refuse(line, HTTPStatus.NOT_FOUND, Told(code=0, message="no such path"))
        talk = PATHS[path](self._world, line)
        fault = self.faults.take("handshake")
        if fault is not None:
            self._world.journal.add("fault", line.number, kind=fault.kind, on="handshake", code=fault.code)
            if fault.kind == "refuse":
                return _response(fault.status, fault.told)
            try:
                await BEHAVIOURS[fault.kind](talk, fault)
            except Over:
                return _response(HTTPStatus.SERVICE_UNAVAILABLE, fault.told)
        refusal = refuse_v3(self.options.account, request.headers) if path == V3_PATH else None
        if refusal is not None:
            return self._refuse(line, *refusal)
        self.admit(talk)
        return None

    def _refuse(self, line: Line, status: int, told: Told) -> Response:
        self._world.journal.add("refused", line.number, code=told.code, message=told.message, status=status)
        return _response(status, told)

    def sign(self, line: ServerConnection, request: Request, response: Response) -> None:
        """The id that the vendor's support asks for."""
        assert isinstance(line, Line)
        response.headers["X-Tt-Logid"] = log_id(line.number)


def log_id(connection: int) -> str:
    """What a connection's handshake is told as X-Tt-Logid."""
    return f"02{connection:014d}simulator"


def _response(status: int, told: Told) -> Response:
    return json_response(status, {"reqid": "", "code": told.code, "message": told.message})


@asynccontextmanager
async def simulator(*, port: int = 0, **options: Any) -> AsyncIterator[OpenSpeechSimulator]:
    """A service on 127.0.0.1 until the block ends; `options` are those of `Options`."""
    simulator = OpenSpeechSimulator(Options(**options))
    async with serve(
        simulator.serve,
        "127.0.0.1",
        port,
        process_request=simulator.open,
        process_response=simulator.sign,
        create_connection=Line,
        **USUAL,
    ) as server:
        simulator.port = server.sockets[0].getsockname()[1]
        yield simulator
        simulator.faults.go_on()
