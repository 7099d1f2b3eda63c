"""The listening sockets, one of websockets and one of GetToken, and the handle that a test holds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from aiohttp import web
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from ..common.codes import Refused, Told
from ..common.faults import GARBAGE, Over
from ..common.handle import Handle
from ..common.line import How, Line, to_be_reset
from ..common.serving import USUAL, json_response
from .codes import SAMI
from .faults import BEHAVIOURS, Fault, Faults
from .journal import Entry, What
from .talk import Talk, Task
from .tokens import Call, Denied, TokenDesk, gateway
from .world import Options, World

PATH = "/api/v1/ws"
SHUTDOWN = 0.05
"""Seconds that answers of GetToken which are under way at the end may take."""


class SamiSimulator(Handle[What, Entry, Options, Faults]):
    """A running service, and what a test may see and do."""

    _world: World

    def __init__(self, options: Options) -> None:
        super().__init__(World(options=options))
        self.token_port = 0
        self.desk = TokenDesk()
        """Its tokens; `desk.expire()` makes them all bad."""
        self._talks: dict[Line, Talk] = {}
        self._handshakes = 0

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}{PATH}"

    @property
    def token_url(self) -> str:
        """Of GetToken, without the query."""
        return f"http://127.0.0.1:{self.token_port}/"

    @property
    def tasks(self) -> list[Task]:
        """All that were started, in the order of their connections."""
        return [talk.task for talk in self._talks.values() if talk.task is not None]

    @property
    def connections(self) -> int:
        """Open now."""
        return len(self.all("opened")) - len(self.all("closed"))

    @property
    def token_calls(self) -> int:
        """GetToken, whatever it was answered."""
        return len(self.all("token"))

    @property
    def habits(self) -> list[str]:
        return [entry.detail["name"] for entry in self.all("habit")]

    def hang_up(self, how: How = "drop") -> int:
        """Ends every connection; how many those were."""
        lines = [line for line in self._talks if not (line.has_left or line.hung_up)]
        for line in lines:
            line.end(how)
        return len(lines)

    # for the servers

    async def open(self, line: ServerConnection, request: Request) -> Response | None:
        """The answer to a handshake; None accepts it."""
        assert isinstance(line, Line)
        self._handshakes += 1
        line.number = self._handshakes
        talk = Talk(self._world, self.desk, line)
        talk.note("handshake", path=request.path, headers=dict(request.headers.raw_items()))
        fault = self.faults.take("handshake")
        if fault is not None:
            talk.note("fault", kind=fault.kind, on="handshake")
            if fault.kind == "refuse":
                return json_response(fault.status, body_of(fault.told))
            try:
                await BEHAVIOURS[fault.kind](talk, fault)
            except Over:
                return json_response(HTTPStatus.SERVICE_UNAVAILABLE, {})
        return self._answer(talk, request)

    def _answer(self, talk: Talk, request: Request) -> Response | None:
        status, told = HTTPStatus.UNAUTHORIZED, SAMI["token"]
        token = request.headers.get("SAMI-Token", "")
        if request.path.partition("?")[0] != PATH:
            status, told = HTTPStatus.NOT_FOUND, Told(code=0, message="no such path")
        elif self.options.bad_token == "task" or self.desk.is_good(self.options.account, token):
            self._admit(talk)
            return None
        talk.note("refused", code=told.code, message=told.message)
        return json_response(status, body_of(told))

    def _admit(self, talk: Talk) -> None:
        if not talk.line.has_left:
            self._talks[talk.line] = talk
            talk.line.on_left = talk.left

    async def serve(self, line: ServerConnection) -> None:
        assert isinstance(line, Line)
        if line in self._talks:
            await self._talks[line].run()

    async def get_token(self, request: web.Request) -> web.Response:
        """GetToken, struck or answered."""
        fault = self.faults.take("token")
        if fault is not None and (struck := await self._struck(request, fault)) is not None:
            return struck
        headers = {name.lower(): value for name, value in request.headers.items()}
        call = Call(query=request.rel_url.raw_query_string, headers=headers, body=await request.read())
        try:
            answer, lifetime = self.desk.get(self.options.account, call)
        except Denied as denied:
            return self._token_answer(denied.status, denied.code, denied.body)
        except Refused as refused:
            return self._token_answer(HTTPStatus.BAD_REQUEST, refused.told.code, body_of(refused.told))
        return self._token_answer(HTTPStatus.OK, answer["status_code"], answer, lifetime)

    async def _struck(self, request: web.Request, fault: Fault) -> web.Response | None:
        self._world.journal.add("fault", kind=fault.kind, on="token")
        if fault.kind == "refuse":
            return self._token_answer(fault.status, fault.told.code, body_of(fault.told))
        if fault.kind == "stall":
            await self.faults.stalled(fault.seconds)
            return None
        if request.transport is not None and fault.kind != "garbage text":
            if fault.kind == "reset":
                to_be_reset(request.transport)
            request.transport.abort()
        return web.Response(text=GARBAGE)

    def _token_answer(self, status: int, code: int | str, body: dict[str, Any], lifetime: int = 0) -> web.Response:
        self._world.journal.add("token", status=int(status), code=code, lifetime=lifetime)
        return web.json_response(body, status=status)


def body_of(told: Told) -> dict[str, Any]:
    """As the service answers in HTTP; a code that is a name is the gateway's."""
    if isinstance(told.code, str):
        return gateway(0, told.code, told.message)
    return {"status_code": told.code, "status_text": told.message}


@asynccontextmanager
async def simulator(*, port: int = 0, token_port: int = 0, **options: Any) -> AsyncIterator[SamiSimulator]:
    """A service on 127.0.0.1 until the block ends; `options` are those of `Options`."""
    running = SamiSimulator(Options(**options))
    app = web.Application()
    app.router.add_post("/", running.get_token)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=SHUTDOWN, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", token_port).start()
        running.token_port = runner.addresses[0][1]
        async with serve(
            running.serve, "127.0.0.1", port, process_request=running.open, create_connection=Line, **USUAL
        ) as server:
            running.port = server.sockets[0].getsockname()[1]
            running._world.journal.add("listening", url=running.url, token_url=running.token_url)  # noqa: SLF001  # its own
            try:
                yield running
            finally:
                running.faults.go_on()
    finally:
        await runner.cleanup()
