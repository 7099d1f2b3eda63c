"""An HTTP server with routes to try its guards on, and a client that sends exactly the bytes it is told to."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self
from urllib.parse import urlsplit

from aiohttp import web

from wyoming_server.config import HttpConfig
from wyoming_server.errors import EngineTimeout
from wyoming_server.frontends.http.certificates import Tls
from wyoming_server.frontends.http.routes import Route
from wyoming_server.frontends.http.server import HttpServer
from wyoming_server.state.tokens import PairingToken

TOKEN = "a-token-for-tests"
CONFIG = HttpConfig(host="127.0.0.1", port=0)
ERRORS = {"bug": ZeroDivisionError, "engine": EngineTimeout, "http": web.HTTPBadRequest, "timeout": TimeoutError}
GET = "GET {} HTTP/1.1\r\nHost: localhost\r\n{}\r\n"
POST = "POST {} HTTP/1.1\r\nHost: localhost\r\n{}\r\n"


@dataclasses.dataclass(kw_only=True)
class Stage:
    """Handlers that wait for a test, and tell it what happened to them."""

    gate: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    cancelled: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    began: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)

    def routes(self) -> tuple[Route, ...]:
        return (
            Route(method="POST", path="/size", handler=self.size),
            Route(method="POST", path="/hold", handler=self.hold),
            Route(method="POST", path="/large", handler=self.size, body_max=2_000_000),
            Route(method="POST", path="/open", handler=self.ignore, is_open=True),
            Route(method="GET", path="/wait", handler=self.wait),
            Route(method="GET", path="/stream", handler=self.stream),
            Route(method="GET", path="/socket", handler=self.socket),
            Route(method="GET", path="/flood", handler=self.flood),
            Route(method="GET", path="/fail/{how}", handler=self.fail),
        )

    async def size(self, request: web.Request) -> web.Response:
        self.began.set()
        return web.json_response({"size": len(await request.read())})

    async def hold(self, request: web.Request) -> web.Response:
        await request.read()
        return await self.wait(request)

    async def ignore(self, request: web.Request) -> web.Response:
        return web.json_response({})

    async def wait(self, request: web.Request) -> web.Response:
        self.began.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            for _ in range(5):  # whoever cancels must wait for the end
                await asyncio.sleep(0)
            self.cancelled.set()
            raise
        return web.json_response({})

    async def stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first ")
        await self.wait(request)
        await response.write(b"last")
        return response

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data)
        return socket

    async def flood(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        self.began.set()
        while True:
            await response.write(bytes(1 << 16))

    async def fail(self, request: web.Request) -> web.StreamResponse:
        error, _, midway = request.match_info["how"].partition("-")
        if midway:
            await web.StreamResponse().prepare(request)
        raise ERRORS[error]


@functools.lru_cache(maxsize=4)
def trusting(tls: Tls | None) -> ssl.SSLContext | None:
    """A client that was told of this certificate, and of no other."""
    return None if tls is None else ssl.create_default_context(cafile=tls.file)


@asynccontextmanager
async def serving(
    config: HttpConfig = CONFIG, *, stage: Stage | None = None, tls: Tls | None = None, **options: Any
) -> AsyncIterator[HttpServer]:
    token = PairingToken(value=TOKEN, source="the test")
    server = HttpServer(config, token=token, health=lambda: {"voices": 3}, more_routes=(stage or Stage()).routes(), **options)
    async with server.serving(tls):
        yield server


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    headers: dict[str, str]
    """Names in small letters."""
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of a problem, which is always whole."""
        assert self.headers["content-type"] == "application/json; charset=utf-8"
        assert set(self.json) == {"code", "message"}
        assert self.json["message"].endswith(".")
        code: str = self.json["code"]
        return code


class RawClient:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, server: HttpServer) -> Self:
        parts = urlsplit(server.urls[0])
        return cls(*await asyncio.open_connection(parts.hostname, parts.port, ssl=trusting(server.tls)))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.writer.transport.abort()

    async def ask(self, request: str | bytes) -> Answer:
        self.writer.write(request if isinstance(request, bytes) else request.encode())
        return await self.answer()

    async def answer(self) -> Answer:
        """The next response, with a length that is told beforehand."""
        async with asyncio.timeout(5):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode().splitlines()
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
            body = await self.reader.readexactly(int(headers["content-length"]))
        return Answer(status=int(head[0].split()[1]), headers=headers, body=body)

    async def closed(self) -> bool:
        """Whether the server closes the connection without another word."""
        async with asyncio.timeout(5):
            try:
                return await self.reader.read() == b""
            except ConnectionError:
                return True

    async def dribble(self, data: bytes, pause: float = 0.02) -> Answer:
        """Send a byte at a time until the server answers."""
        answer = asyncio.ensure_future(self.answer())
        for byte in data:
            self.writer.write(bytes([byte]))
            done, _ = await asyncio.wait([answer], timeout=pause)
            if done:
                break
        return await answer


async def ask(server: HttpServer, request: str | bytes) -> Answer:
    """One request on a connection of its own."""
    async with await RawClient.connect(server) as client:
        return await client.ask(request)


def with_token(token: str = TOKEN) -> str:
    """Headers of somebody who is not on this machine."""
    return f"X-Forwarded-For: 192.0.2.7\r\nX-NLS-Token: {token}\r\n"
