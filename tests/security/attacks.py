"""What attackers send: raw requests for every route of a server's table, and all that comes back, however it ends."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import ssl
from collections.abc import Iterator

import pytest

from wyoming_server.frontends.http.routes import Route
from wyoming_server.frontends.http.server import HttpServer

from ..frontends.http_client import RawClient

ELSEWHERE = "X-Forwarded-For: 192.0.2.7\r\n"
"""As a proxy sends it for somebody who is not on this machine."""
WEBSOCKET = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)
both = pytest.mark.parametrize("server", ["plain", "tls"], indirect=True)
"""For attacks below HTTP, and a few above it."""
SLOW = 1.0
"""Seconds in which a request must come to a server that is hasty."""
hasty = pytest.mark.parametrize("server", ["hasty"], indirect=True)
"""For those who let it wait. Everything else has the time that a busy machine takes."""
_SAMPLES = ("a", "a" * 64, "0", "index.html", "a.js", "a/b")
"""One of these fits whatever a path leaves open."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Told:
    """Everything that came on a connection."""

    data: bytes
    closed: bool
    """The server ended it."""

    @property
    def head(self) -> str:
        return self.data.partition(b"\r\n\r\n")[0].decode()

    @property
    def status(self) -> int:
        """Of the first answer; 0 where there was none."""
        return int(self.head.split()[1]) if self.data.startswith(b"HTTP/1.") else 0

    @property
    def answers(self) -> int:
        """How many there are."""
        return len(re.findall(rb"HTTP/1\.1 \d\d\d ", self.data))


def filled(path: str) -> str:
    """A path of the table with something in each place that it leaves open."""
    whole, open_at, depth = "", 0, 0
    for at, character in enumerate(path):
        if character == "{":
            open_at = at if not depth else open_at
            depth += 1
        elif character == "}":
            depth -= 1
            if not depth:
                pattern = path[open_at + 1 : at].partition(":")[2] or "[^{}/]+"
                whole += next(sample for sample in _SAMPLES if re.fullmatch(pattern, sample))
        elif not depth:
            whole += character
    return whole


def targets(http: HttpServer) -> Iterator[tuple[Route, str, str]]:
    """Every route, the method and a path."""
    for route in http.offered:
        for method in ("GET", "HEAD") if route.method == "GET" else (route.method,):
            yield route, method, filled(route.path)


def request(method: str, path: str, headers: str = "", *, host: str = "localhost", body: str = "") -> str:
    """One that is the last of its connection."""
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    connection = "" if "Connection:" in headers else "Connection: close\r\n"
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{connection}{length}{headers}\r\n{body}"


async def connect(http: HttpServer) -> RawClient:
    return await RawClient.connect(http)


async def sent(http: HttpServer, data: str | bytes, *, patience: float = 20) -> Told:
    """All that comes on a connection of its own, until it ends or `patience` seconds have passed."""
    async with await connect(http) as client:
        client.writer.write(data if isinstance(data, bytes) else data.encode())
        return await everything(client, patience)


async def first(http: HttpServer, data: str) -> int:
    """The status of the first answer; whether the rest of `data` is still waited for is not."""
    async with await connect(http) as client, asyncio.timeout(20):
        client.writer.write(data.encode())
        return int((await client.reader.readuntil(b"\r\n\r\n")).split()[1])


async def everything(client: RawClient, patience: float = 20) -> Told:
    data = b""
    try:
        async with asyncio.timeout(patience):
            while part := await client.reader.read(1 << 16):
                data += part
    except TimeoutError:
        return Told(data=data, closed=False)
    except (ConnectionError, ssl.SSLError):
        pass
    assert b"access-control" not in data.lower(), "No foreign page may be told that it may."
    return Told(data=data, closed=True)
