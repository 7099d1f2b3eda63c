"""The listening socket: HTTP requests, handshakes, and the handle that a test holds."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import Any, ClassVar, Generic, Literal, TypeVar

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from ..openspeech.journal import Counters, Entry, What
from ..openspeech.server import CLOSE_TIMEOUT
from .codes import Told
from .faults import BEHAVIOURS, GARBAGE, Faults, Over, Stage
from .line import Line
from .talk import Talk
from .world import O, World


class Simulator(Generic[O]):
    """A running service, and what a test may see and do."""

    PATH: ClassVar[str]
    """Of the websocket."""

    def __init__(self, options: O) -> None:
        self.port = 0
        self._world = World(options=options)
        self._handshakes = 0
        self._talks: dict[Line, Talk[O]] = {}

    @property
    def url(self) -> str:
        """Of the websocket."""
        return f"ws://127.0.0.1:{self.port}{self.PATH}"

    @property
    def http_url(self) -> str:
        """Without a path."""
        return f"http://127.0.0.1:{self.port}"

    # what was seen

    @property
    def journal(self) -> list[Entry]:
        return self._world.journal.entries

    @property
    def counters(self) -> Counters:
        return self._world.journal.counters

    @property
    def pings(self) -> int:
        """Of websockets, from all clients."""
        return self._world.pings

    def all(self, what: What) -> list[Entry]:
        return self._world.journal.all(what)

    async def saw(self, what: What, count: int = 1, *, within: float = 10) -> Entry:
        """The `count`th entry of that kind, now or when it comes; TimeoutError after `within` seconds."""
        return await self._world.journal.saw(what, count, within=within)

    def on_entry(self, told: Callable[[Entry], None]) -> None:
        """Every entry from now on, as it is made."""
        self._world.journal.on_entry = told

    # what may be done

    @property
    def options(self) -> O:
        return self._world.options

    def change(self, **options: Any) -> None:
        """Names and values of the options: for handshakes and sessions from now on."""
        self._world.options = replace(self._world.options, **options)

    @property
    def faults(self) -> Faults:
        return self._world.faults

    def drop_idle(self, how: Literal["close", "drop", "reset"] = "drop") -> int:
        """Ends every connection on which nothing runs; how many that were."""
        idle = [line for line, talk in self._talks.items() if talk.speaking is None and not line.has_left]
        for line in idle:
            {"close": lambda line: line.hang_up_now(1000), "drop": Line.drop, "reset": Line.reset}[how](line)
        return len(idle)

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

    async def open(self, line: ServerConnection, request: Request) -> Response | None:
        """The answer to a request; None accepts a handshake."""
        assert isinstance(line, Line)
        self._handshakes += 1
        line.number = self._handshakes
        is_handshake = "Upgrade" in request.headers
        what: Literal["handshake", "request"] = "handshake" if is_handshake else "request"
        self._world.journal.add(what, line.number, path=request.path, headers=dict(request.headers.raw_items()))
        fault = await self._strike(line, what)
        if fault is not None:
            return fault
        answer = self._answer(line, request, is_handshake=is_handshake)
        if isinstance(answer, Response):
            if answer.status_code >= HTTPStatus.BAD_REQUEST:
                self.refused(line, answer.status_code, answer.body.decode())
            return answer
        self._admit(line, answer)
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

    def _admit(self, line: Line, talk: Talk[O]) -> None:
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


def response(status: int, body: str, kind: str = "text/plain; charset=utf-8") -> Response:
    data = body.encode()
    headers = Headers({"Content-Type": kind, "Content-Length": str(len(data)), "Connection": "close"})
    return Response(int(status), HTTPStatus(status).phrase, headers, data)


def json_response(status: int, body: dict[str, Any]) -> Response:
    return response(status, json.dumps(body, ensure_ascii=False), "application/json; charset=utf-8")


S = TypeVar("S", bound=Simulator[Any])


@asynccontextmanager
async def running(simulator: S, port: int = 0) -> AsyncIterator[S]:
    """On 127.0.0.1 until the block ends."""
    async with serve(
        simulator.serve,
        "127.0.0.1",
        port,
        process_request=simulator.open,
        create_connection=Line,
        compression=None,
        ping_interval=None,
        close_timeout=CLOSE_TIMEOUT,
        open_timeout=None,
        server_header="simulator",
    ) as server:
        simulator.port = server.sockets[0].getsockname()[1]
        try:
            yield simulator
        finally:
            simulator.faults.go_on()
