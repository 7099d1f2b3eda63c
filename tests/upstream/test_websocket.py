"""The way to an engine: what any peer, proxy or address can do to it, told in words and without a credential."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from wyoming_server.cli import logs
from wyoming_server.errors import EngineUnavailable
from wyoming_server.upstream.websocket import EngineSocket, HandshakeRefused, Lost, open_websocket

LIMIT = 1000
"""Bytes of a message."""


@asynccontextmanager
async def peer(
    talk: Callable[[ServerConnection], Awaitable[None]], answer: Callable[[], Response | None] = lambda: None
) -> AsyncIterator[str]:
    """A service that says what `talk` says, with some headers twice, as gateways send them. Its URL."""

    def twice(_: ServerConnection, __: Request, response: Response) -> None:
        response.headers["Server-Timing"] = "edge"
        response.headers["Server-Timing"] = "origin"

    def first(_: ServerConnection, __: Request) -> Response | None:
        return answer()

    async with serve(talk, "127.0.0.1", 0, process_request=first, process_response=twice) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def silent(connection: ServerConnection) -> None:
    await connection.wait_closed()


async def opened(url: str, **headers: str) -> EngineSocket:
    return await open_websocket(url, headers, peer="The service", message_max=LIMIT)


async def test_a_header_may_come_twice() -> None:
    async with peer(silent) as url:
        socket = await opened(url)
        assert socket.headers["server-timing"] == "edge, origin"
        await socket.leave()


async def test_a_refusal_brings_status_body_and_headers() -> None:
    refusal = Response(403, "Forbidden", Headers([("X-Tt-Logid", "7"), ("Via", "a"), ("Via", "b")]), b"no")
    async with peer(silent, lambda: refusal) as url:
        with pytest.raises(HandshakeRefused) as caught:
            await opened(url)
    assert (caught.value.status, caught.value.body, caught.value.headers["via"]) == (403, "no", "a, b")


async def test_a_redirect_is_not_followed_for_its_host_may_not_have_our_credentials() -> None:
    async with (
        peer(silent) as elsewhere,
        peer(silent, lambda: Response(302, "Found", Headers([("Location", elsewhere)]), b"")) as url,
    ):
        with pytest.raises(HandshakeRefused, match="302"):
            await opened(url, **{"X-Api-Key": "secret"})


async def test_a_message_beyond_the_limit_is_told_as_that() -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.send(b"x" * (LIMIT + 1))

    async with peer(talk) as url:
        socket = await opened(url)
        with pytest.raises(Lost, match=f"more than is read.*{LIMIT}"):
            await socket.receive()
        socket.cut()


@pytest.mark.parametrize("url", ["ws://a..b", "ws://127.0.0.1:1"])
async def test_an_address_that_leads_nowhere_is_told_in_words(url: str) -> None:
    with pytest.raises(EngineUnavailable, match="The service cannot be reached"):
        await opened(url)


async def test_a_proxy_that_is_none_is_told_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "foo://user:secretpw@127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(EngineUnavailable, match="proxy") as caught:
        await opened("ws://192.0.2.1")
    assert "secretpw" not in f"{caught.value}{caught.value.__cause__}"


async def test_not_even_a_debug_log_holds_a_header(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        logs.set_up("debug")
        async with peer(silent) as url:
            await (await opened(url, **{"X-Api-Key": "secret-key"})).leave()
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        logging.captureWarnings(capture=False)
    assert "secret-key" not in capsys.readouterr().err


async def test_leaving_waits_for_no_answer_where_none_is_wanted() -> None:
    gone = asyncio.Event()

    async def talk(connection: ServerConnection) -> None:
        await connection.wait_closed()
        gone.set()

    async with peer(talk) as url:
        socket = await opened(url)
        await socket.leave(within=0)
        async with asyncio.timeout(5):
            await gone.wait()
