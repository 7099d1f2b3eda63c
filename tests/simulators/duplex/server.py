"""The listening socket: HTTP requests, handshakes, and the handle that a test holds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, ClassVar, Literal, TypeVar

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from ..common.codes import Told
from ..common.faults import GARBAGE, Over
from ..common.line import Line
from ..common.serving import USUAL, json_response, response
from ..speech.server import Service
from ..speech.world import O
from .faults import BEHAVIOURS, Faults, Stage
from .talk import Talk
from .world import World


class Simulator(Service[O, Faults, Talk[O]]):
    """A running service, and what a test may see and do."""

    PATH: ClassVar[str]
    """Of the websocket."""

    _world: World[O]

    def __init__(self, options: O) -> None:
        super().__init__(World(options=options))

    @property
    def url(self) -> str:
        """Of the websocket."""
        return f"ws://127.0.0.1:{self.port}{self.PATH}"

    @property
    def http_url(self) -> str:
        """Without a path."""
        return f"http://127.0.0.1:{self.port}"

    # what a service adds

    def talk(self, line: Line, request: Request) -> Talk[O] | Response:
        """A handshake on the path; an answer refuses it."""
        raise NotImplementedError

    def get(self, line: Line, request: Request) -> Response | None:
        """The answer to a request that is no handshake; None: there is no such path."""
        return None

    def refusal(self, status: int, told: Told) -> Response:
        """What a fault says before there is a connection."""
        return json_response(status, {"code": told.code, "message": told.message})

    # for the server

    async def open(self, connection: ServerConnection, request: Request) -> Response | None:
        """The answer to a request; None accepts a handshake."""
        is_handshake = "Upgrade" in request.headers
        what: Literal["handshake", "request"] = "handshake" if is_handshake else "request"
        line = self.arrived(connection, request, what)
        fault = await self._strike(line, what)
        if fault is not None:
            return fault
        answer = self._answer(line, request, is_handshake=is_handshake)
        if isinstance(answer, Response):
            if answer.status_code >= HTTPStatus.BAD_REQUEST:
                self.refused(line, answer.status_code, answer.body.decode())
            return answer
        self.admit(answer)
        return None

    def _answer(self, line: Line, request: Request, *, is_handshake: bool) -> Talk[O] | Response:
        missing = json_response(HTTPStatus.NOT_FOUND, {"code": 0, "message": "no such path"})
        if not is_handshake:
            return self.get(line, request) or missing
        return self.talk(line, request) if request.path.partition("?")[0] == self.PATH else missing

    async def _strike(self, line: Line, on: Stage) -> Response | None:
        fault = self.faults.take(on)
        if fault is None:
            return None
        self._world.journal.add("fault", line.number, kind=fault.kind, on=on, code=fault.told.code)
        if fault.kind == "refuse":
            return self.refusal(fault.status, fault.told)
        if fault.kind == "garbage text":
            return response(HTTPStatus.OK, GARBAGE)
        try:
            await BEHAVIOURS[fault.kind](Talk(self._world, line), fault)
        except Over:
            return self.refusal(fault.status, fault.told)
        return None

    def refused(self, line: Line, status: int, message: str) -> None:
        self._world.journal.add("refused", line.number, code=status, message=message)


S = TypeVar("S", bound=Simulator[Any])


@asynccontextmanager
async def running(simulator: S, port: int = 0) -> AsyncIterator[S]:
    """On 127.0.0.1 until the block ends."""
    async with serve(
        simulator.serve, "127.0.0.1", port, process_request=simulator.open, create_connection=Line, **USUAL
    ) as server:
        simulator.port = server.sockets[0].getsockname()[1]
        try:
            yield simulator
        finally:
            simulator.faults.go_on()
