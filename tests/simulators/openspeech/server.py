"""The listening socket: paths, handshakes, and the handle that a test holds."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Literal

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from .accounts import refuse_v3
from .codes import Told
from .faults import BEHAVIOURS, Faults, Over
from .journal import Counters, Entry, What
from .line import Line
from .talk import Talk
from .v1 import V1
from .v3 import V3
from .world import Options, World

V1_PATH = "/api/v1/tts/ws_binary"
V3_PATH = "/api/v3/tts/bidirection"
PATHS: Mapping[str, Callable[[World, Line], Talk]] = {V1_PATH: V1, V3_PATH: V3}
CLOSE_TIMEOUT = 2.0
"""Seconds for a client to answer a close frame."""


class OpenSpeechSimulator:
    """A running service, and what a test may see and do."""

    def __init__(self, options: Options) -> None:
        self.url = ""
        self._world = World(options=options)
        self._handshakes = 0
        self._talks: dict[Line, Talk] = {}

    # what was seen

    @property
    def journal(self) -> list[Entry]:
        return self._world.journal.entries

    @property
    def counters(self) -> Counters:
        return self._world.journal.counters

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
    def options(self) -> Options:
        return self._world.options

    def change(self, **options: Any) -> None:
        """Names and values of `Options`: for handshakes, requests and sessions from now on."""
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

    # for the server

    async def open(self, line: ServerConnection, request: Request) -> Response | None:
        """The answer to a handshake; None accepts it."""
        assert isinstance(line, Line)
        self._handshakes += 1
        line.number = self._handshakes
        self._world.journal.add("handshake", line.number, path=request.path, headers=dict(request.headers.raw_items()))
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
        self._admit(line, talk)
        return None

    def _refuse(self, line: Line, status: int, told: Told) -> Response:
        self._world.journal.add("refused", line.number, code=told.code, message=told.message, status=status)
        return _response(status, told)

    def _admit(self, line: Line, talk: Talk) -> None:
        if line.has_left:
            return
        self._talks[line] = talk
        line.on_left = talk.left
        self.counters.connections += 1
        self.counters.connections_ever += 1

    def sign(self, line: ServerConnection, request: Request, response: Response) -> None:
        """The id that the vendor's support asks for."""
        assert isinstance(line, Line)
        response.headers["X-Tt-Logid"] = log_id(line.number)

    async def serve(self, line: ServerConnection) -> None:
        assert isinstance(line, Line)
        try:
            await self._talks[line].run()
        finally:
            del self._talks[line]


def log_id(connection: int) -> str:
    """What a connection's handshake is told as X-Tt-Logid."""
    return f"02{connection:014d}simulator"


def _response(status: int, told: Told) -> Response:
    body = json.dumps({"reqid": "", "code": told.code, "message": told.message}).encode()
    headers = Headers({"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close"})
    return Response(int(status), HTTPStatus(status).phrase, headers, body)


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
        compression=None,
        ping_interval=None,
        close_timeout=CLOSE_TIMEOUT,
        open_timeout=None,
        server_header="simulator",
    ) as server:
        simulator.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield simulator
        simulator.faults.go_on()
