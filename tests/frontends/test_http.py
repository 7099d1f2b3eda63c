"""The HTTP port itself: health, errors as problems, deadlines, the number of connections, the end. Raw sockets on loopback."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import time
from typing import cast
from urllib.parse import urlsplit

import aiohttp
import psutil
import pytest

from wyoming_server import __version__
from wyoming_server.errors import ConfigError
from wyoming_server.frontends.http.clients import REFUSALS_MAX
from wyoming_server.frontends.http.connection import HEADERS_MAX, LINE_MAX
from wyoming_server.frontends.http.server import HttpServer

from ..standstill import awake
from .http_client import CONFIG, GET, POST, RawClient, Stage, ask, serving

HEALTH = GET.format("/api/healthz", "")
QUICK = dataclasses.replace(CONFIG, request_timeout=0.1)
"""Deadlines that a test can wait for."""


async def test_health_tells_the_version_and_what_the_server_adds() -> None:
    async with serving() as server:
        answer = await ask(server, HEALTH)
    assert answer.status == 200
    assert answer.json == {"status": "ok", "version": __version__, "voices": 3}
    assert answer.headers["content-type"] == "application/json; charset=utf-8"


async def test_head_is_answered_too() -> None:
    async with serving() as server, await RawClient.connect(server) as client:
        client.writer.write(HEALTH.replace("GET", "HEAD").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n").encode())
        head = await client.reader.read()
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert head.endswith(b"\r\n\r\n")


async def test_the_urls_have_real_ports() -> None:
    async with serving() as server:
        assert len(server.urls) == 1
        parts = urlsplit(server.urls[0])
        assert (parts.scheme, parts.hostname) == ("http", "127.0.0.1")
        assert parts.port


async def test_ipv6_is_listened_on_where_it_is_configured() -> None:
    async with serving(dataclasses.replace(CONFIG, host="::1")) as server:
        assert server.urls[0].startswith("http://[::1]:")
        assert (await ask(server, HEALTH)).status == 200


async def test_a_port_in_use_is_told_in_words() -> None:
    async with serving() as server:
        port = urlsplit(server.urls[0]).port
        assert port
        with pytest.raises(ConfigError, match=rf"127\.0\.0\.1 port {port}: .*http\.port"):
            async with serving(dataclasses.replace(CONFIG, port=port)):
                pass


async def test_it_can_be_started_again_after_its_end() -> None:
    async with serving() as server:
        pass
    async with server.serving():
        assert (await ask(server, HEALTH)).status == 200


async def test_one_connection_serves_many_requests_also_in_one_packet() -> None:
    async with serving() as server, await RawClient.connect(server) as client:
        post = POST.format("/size", "Content-Length: 3\r\n") + "abc"
        client.writer.write((HEALTH + post + HEALTH).encode())
        assert [(await client.answer()).status for _ in range(3)] == [200, 200, 200]
        assert (await client.ask(post)).json == {"size": 3}


WRONG: dict[str, tuple[bytes, int, str]] = {
    "unknown address": (b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n", 404, "bad_request"),
    "wrong method": (b"PUT /api/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 405, "bad_request"),
    "unknown method": (b"BREW /api/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "protocol"),
    "unknown Expect": (b"GET /api/healthz HTTP/1.1\r\nHost: localhost\r\nExpect: tea\r\n\r\n", 417, "bad_request"),
    "unknown version": (b"GET /api/healthz HTTP/9.9\r\nHost: localhost\r\n\r\n", 400, "protocol"),
    "no version": (b"GET /api/healthz\r\n\r\n", 400, "bad_request"),
    "no HTTP": (b"nonsense\r\n\r\n", 400, "protocol"),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "protocol"),
    "Wyoming": (b'{"type": "describe"}\n', 400, "protocol"),
    "bad address": (b"GET http://[::1 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "protocol"),
    "bad header": (b"GET / HTTP/1.1\r\nHost: localhost\r\nBad header\r\n\r\n", 400, "protocol"),
    "zero byte": (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: \x00\r\n\r\n", 400, "protocol"),
    "bad length": (b"POST /size HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400, "protocol"),
    "two lengths": (
        b"POST /size HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        400,
        "protocol",
    ),
    "bad chunk": (
        b"POST /size HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nnot hex\r\n",
        400,
        "protocol",
    ),
    "long address": (b"GET /" + b"a" * (LINE_MAX + 1) + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 413, "too_large"),
    "long header": (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * (LINE_MAX + 1) + b"\r\n\r\n", 413, "too_large"),
    "many headers": (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * HEADERS_MAX + b"\r\n", 400, "protocol"),
    "endless head": (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 100_000, 400, "protocol"),
    "error": (b"GET /fail/engine HTTP/1.1\r\nHost: localhost\r\n\r\n", 504, "engine_timeout"),
    "HTTP error": (b"GET /fail/http HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "bad_request"),
    "bug": (b"GET /fail/bug HTTP/1.1\r\nHost: localhost\r\n\r\n", 500, "internal"),
    "timeout": (b"GET /fail/timeout HTTP/1.1\r\nHost: localhost\r\n\r\n", 500, "internal"),
}


@pytest.mark.parametrize("what", WRONG)
async def test_whatever_goes_wrong_is_a_problem_in_json(what: str) -> None:
    request, status, code = WRONG[what]
    async with serving() as server:
        answer = await ask(server, request)
        assert (answer.status, answer.code) == (status, code)
        assert (await ask(server, HEALTH)).status == 200


async def test_what_cannot_be_read_ends_the_connection() -> None:
    async with serving() as server, await RawClient.connect(server) as client:
        assert (await client.ask("nonsense\r\n\r\n")).status == 400
        assert await client.closed()


async def test_an_error_of_a_handler_does_not_end_the_connection() -> None:
    async with serving() as server, await RawClient.connect(server) as client:
        assert (await client.ask(GET.format("/fail/engine", ""))).status == 504
        assert (await client.ask(GET.format("/nothing", ""))).status == 404
        assert (await client.ask(HEALTH)).status == 200


async def test_a_wrong_method_is_told_which_are_right() -> None:
    async with serving() as server:
        answer = await ask(server, HEALTH.replace("GET", "DELETE"))
    assert answer.headers["allow"] == "GET,HEAD"
    assert answer.json["message"] == "This address takes GET, HEAD, not DELETE."


@pytest.mark.parametrize("how", ["engine-midway", "http-midway", "bug-midway"])
async def test_a_failure_of_an_answer_that_has_begun_breaks_the_transfer(how: str) -> None:
    async with serving() as server, aiohttp.ClientSession(server.urls[0]) as session, session.get(f"/fail/{how}") as response:
        assert response.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()


async def test_a_bug_is_logged_with_its_traceback_and_not_told(caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as server:
        answer = await ask(server, GET.format("/fail/bug", ""))
    assert answer.json == {"code": "internal", "message": "Herald failed; its log says why."}
    assert [(record.levelno, record.exc_info is not None) for record in caplog.records] == [(logging.ERROR, True)]


async def test_broken_requests_are_not_logged_above_debug(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with serving() as server:
        await ask(server, "nonsense\r\n\r\n")
        await ask(server, GET.format("/nothing", ""))
    assert not caplog.records


@pytest.mark.parametrize("start", [b"G", b"GET /api/healthz HTTP/1.1\r\nHost: localhost\r\n"])
async def test_a_head_that_does_not_come_whole_is_told_so(start: bytes) -> None:
    async with serving(QUICK) as server, await RawClient.connect(server) as client:
        answer = await client.ask(start)
        assert (answer.status, answer.code) == (408, "text_timeout")
        assert "0.1 s" in answer.json["message"]
        assert await client.closed()


async def test_a_head_that_dribbles_gets_no_more_time() -> None:
    async with serving(QUICK) as server, await RawClient.connect(server) as client:
        began = awake()
        answer = await client.dribble(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 1000)
        assert answer.status == 408
        assert awake() - began < 1


async def test_a_connection_that_says_nothing_is_closed_without_a_word() -> None:
    async with serving(QUICK) as server, await RawClient.connect(server) as client:
        assert await client.closed()


async def test_an_idle_connection_is_closed_without_a_word() -> None:
    async with serving(keep_alive=0.05) as server, await RawClient.connect(server) as client:
        assert (await client.ask(HEALTH)).status == 200
        assert await client.closed()


async def test_a_request_that_comes_while_the_machine_stands_still_is_answered() -> None:
    """It is not read yet when the deadline of its connection is found to have passed."""
    async with serving(QUICK, keep_alive=0.1) as server, await RawClient.connect(server) as client:
        for _ in range(3):
            assert (await client.ask(HEALTH)).status == 200
            time.sleep(0.3)  # noqa: ASYNC251  # nothing runs meanwhile
            await asyncio.sleep(0)


async def test_the_next_head_has_a_deadline_of_its_own() -> None:
    async with serving(QUICK) as server, await RawClient.connect(server) as client:
        assert (await client.ask(HEALTH)).status == 200
        assert (await client.dribble(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 1000)).status == 408
        assert await client.closed()


@pytest.mark.parametrize("framing", ["Content-Length: 1000\r\n", "Transfer-Encoding: chunked\r\n"])
async def test_a_body_that_does_not_come_whole_is_told_so(framing: str, caplog: pytest.LogCaptureFixture) -> None:
    async with serving(QUICK) as server, await RawClient.connect(server) as client:
        answer = await client.ask(POST.format("/size", framing))
        assert (answer.status, answer.code) == (408, "text_timeout")
        assert await client.closed()
    assert not caplog.records


async def test_a_body_behind_another_request_has_a_deadline_too() -> None:
    async with serving(QUICK) as server, await RawClient.connect(server) as client:
        client.writer.write((HEALTH + POST.format("/size", "Content-Length: 1000\r\n")).encode())
        assert (await client.answer()).status == 200
        assert (await client.answer()).status == 408


async def test_a_body_that_dribbles_gets_no_more_time() -> None:
    async with serving(QUICK) as server, await RawClient.connect(server) as client:
        began = awake()
        client.writer.write(POST.format("/size", "Content-Length: 1000\r\n").encode())
        assert (await client.dribble(b"x" * 999)).status == 408
        assert awake() - began < 1


@pytest.mark.parametrize(("headers", "status"), [("Via: x\r\n", 200), ("Expect: tea\r\n", 417)])
async def test_a_body_behind_its_answer_is_not_waited_for(headers: str, status: int, caplog: pytest.LogCaptureFixture) -> None:
    async with serving(QUICK) as server, await RawClient.connect(server) as client:
        answer = await client.ask(POST.format("/open", f"Content-Length: 1000\r\n{headers}") + "half of it")
        assert answer.status == status
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await client.dribble(b"x" * 900)
    assert not caplog.records


async def test_once_a_body_is_here_its_handler_has_all_the_time() -> None:
    stage = Stage()
    async with serving(QUICK, stage=stage) as server, await RawClient.connect(server) as client:
        client.writer.write(POST.format("/hold", "Content-Length: 2\r\n").encode())
        assert await nothing_for(client, 0.02)
        client.writer.write(b"ab")
        await stage.began.wait()
        assert await nothing_for(client, 0.3)
        stage.gate.set()
        assert (await client.answer()).status == 200
        assert (await client.ask(HEALTH)).status == 200


async def test_a_body_may_still_come_after_its_answer() -> None:
    async with serving() as server, await RawClient.connect(server) as client:
        assert (await client.ask(POST.format("/size", "Content-Length: 2000000\r\n"))).status == 413
        client.writer.write(b"x" * 2_000_000)
        assert (await client.ask(HEALTH)).status == 200


async def test_a_connection_is_idle_once_such_a_body_has_come() -> None:
    async with serving(keep_alive=0.05) as server, await RawClient.connect(server) as client:
        assert (await client.ask(POST.format("/size", "Content-Length: 2000000\r\n"))).status == 413
        client.writer.write(b"x" * 2_000_000)
        assert await client.closed()


async def test_a_second_request_waits_behind_the_first_for_as_long_as_that_takes() -> None:
    stage = Stage()
    async with serving(QUICK, stage=stage) as server, await RawClient.connect(server) as client:
        client.writer.write((GET.format("/wait", "") + HEALTH[:10]).encode())
        await stage.began.wait()
        client.writer.write(HEALTH[10:20].encode())
        assert await nothing_for(client, 0.3)
        stage.gate.set()
        assert (await client.answer()).status == 200
        assert (await client.ask(HEALTH[20:])).json["status"] == "ok"


async def test_a_streamed_answer_outlives_every_deadline() -> None:
    stage = Stage()
    async with serving(QUICK, stage=stage, keep_alive=0.1) as server, await RawClient.connect(server) as client:
        client.writer.write(GET.format("/stream", "").encode())
        await client.reader.readuntil(b"first \r\n")
        assert await nothing_for(client, 0.3)
        stage.gate.set()
        await client.reader.readuntil(b"last\r\n0\r\n\r\n")


async def test_a_websocket_outlives_every_deadline() -> None:
    async with (
        serving(QUICK, keep_alive=0.1) as server,
        aiohttp.ClientSession(server.urls[0]) as session,
        session.ws_connect("/socket") as websocket,
    ):
        with pytest.raises(TimeoutError):
            await websocket.receive(timeout=0.3)
        await websocket.send_str("still there")
        assert (await websocket.receive()).data == "still there"


async def test_connections_beyond_the_limit_are_told_so() -> None:
    config = dataclasses.replace(CONFIG, max_connections=2)
    async with serving(config) as server, await RawClient.connect(server) as first:
        async with await RawClient.connect(server) as second, await RawClient.connect(server) as third:
            assert (await first.ask(HEALTH)).status == 200
            assert (await second.ask(HEALTH)).status == 200
            answer = await third.ask(HEALTH)
            assert (answer.status, answer.code) == (503, "busy")
            assert "2 clients" in answer.json["message"]
            assert int(answer.headers["retry-after"]) >= 1
            assert await third.closed()
        assert (await first.ask(HEALTH)).status == 200
        await until_served(server)


async def test_refusals_are_limited_themselves_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    config = dataclasses.replace(CONFIG, max_connections=1)
    async with serving(config) as server, await RawClient.connect(server) as first:
        assert (await first.ask(HEALTH)).status == 200
        refused = [await RawClient.connect(server) for _ in range(REFUSALS_MAX + 1)]
        for client in refused[:-1]:
            assert (await client.answer()).status == 503
        assert await refused[-1].closed()
        for client in refused:
            client.writer.transport.abort()
        async with asyncio.timeout(5):
            while not await refused_in_words(server):
                pass
    assert [record.levelname for record in caplog.records] == ["WARNING"]


BEHIND = {
    "requests": 100 * POST.format("/open", ""),
    "a body": POST.format("/large", "Content-Length: 2000000\r\n") + "x" * 2_000_000,
}


@pytest.mark.parametrize("more", BEHIND.values(), ids=BEHIND.keys())
async def test_a_client_that_leaves_is_noticed_behind_more_than_is_read(more: str) -> None:
    """Nothing more is read of it then, so that its leaving cannot be seen."""
    stage = Stage()
    async with serving(QUICK, stage=stage) as server:
        async with await RawClient.connect(server) as client:
            client.writer.write((POST.format("/hold", "") + more).encode())
            await stage.began.wait()
        async with asyncio.timeout(5):
            await stage.cancelled.wait()


async def test_whoever_lines_up_more_than_is_read_is_answered_all_of_it() -> None:
    stage = Stage()
    config = dataclasses.replace(CONFIG, request_timeout=2)
    async with serving(config, stage=stage) as server, await RawClient.connect(server) as client:
        client.writer.write((POST.format("/hold", "") + 100 * POST.format("/size", "")).encode())
        await stage.began.wait()
        stage.gate.set()
        answers = [await client.answer() for _ in range(101)]
    assert {answer.status for answer in answers} == {200}


async def test_a_handler_is_cancelled_when_its_client_leaves() -> None:
    stage = Stage()
    async with serving(stage=stage) as server:
        async with await RawClient.connect(server) as client:
            client.writer.write(GET.format("/wait", "").encode())
            await stage.began.wait()
        async with asyncio.timeout(5):
            await stage.cancelled.wait()


@pytest.mark.parametrize("path", ["/wait", "/stream", "/flood"])
async def test_the_end_comes_within_half_a_second_whatever_clients_do(path: str) -> None:
    stage = Stage()
    before = asyncio.all_tasks()
    manager = serving(stage=stage)
    server = await manager.__aenter__()
    async with await RawClient.connect(server) as idle, await RawClient.connect(server) as client:
        cast("asyncio.Transport", client.writer.transport).pause_reading()
        client.writer.write(GET.format(path, "").encode())
        await stage.began.wait()
        assert (await idle.ask(HEALTH)).status == 200
        began = awake()
        await manager.__aexit__(None, None, None)
        assert awake() - began < 0.5
        assert asyncio.all_tasks() == before
        assert stage.cancelled.is_set() or path == "/flood"
        port = urlsplit(server.urls[0]).port
        assert not [one for one in psutil.Process().net_connections("tcp") if one.laddr.port == port]
        assert await idle.closed()
    with pytest.raises(OSError, match="Connect call failed"):
        await RawClient.connect(server)


async def test_the_end_lets_a_request_end_that_is_about_to() -> None:
    stage = Stage()
    manager = serving(stage=stage)
    server = await manager.__aenter__()
    async with await RawClient.connect(server) as client:
        client.writer.write(GET.format("/wait", "").encode())
        await stage.began.wait()
        ending = asyncio.ensure_future(manager.__aexit__(None, None, None))
        asyncio.get_running_loop().call_soon(stage.gate.set)
        assert (await client.answer()).status == 200
        await ending
    assert not stage.cancelled.is_set()


@pytest.mark.parametrize("last_words", [b"", b"GET", HEALTH.encode(), GET.format("/wait", "").encode()])
async def test_who_left_makes_room(last_words: bytes) -> None:
    async with serving(dataclasses.replace(CONFIG, max_connections=1)) as server:
        async with await RawClient.connect(server) as client:
            assert (await client.ask(HEALTH)).status == 200
            client.writer.write(last_words)
            await client.writer.drain()
        await until_served(server)


async def nothing_for(client: RawClient, seconds: float) -> bool:
    """Whether the server neither says anything nor closes."""
    try:
        async with asyncio.timeout(seconds):
            await client.reader.read(1)
    except TimeoutError:
        return True
    return False


async def refused_in_words(server: HttpServer) -> bool:
    try:
        return (await ask(server, HEALTH)).status == 503
    except (asyncio.IncompleteReadError, ConnectionError):
        return False


async def until_served(server: HttpServer) -> None:
    """Until the server has noticed that somebody left."""
    async with asyncio.timeout(5):
        while (await ask(server, HEALTH)).status != 200:
            pass


@pytest.mark.parametrize("path", ["/api/healthz", "/stream", "/socket", "/fail/bug", "/fail/http", "/nothing", "no address"])
async def test_no_answer_tells_which_versions_it_runs_on(path: str) -> None:
    async with serving() as server, await RawClient.connect(server) as client:
        client.writer.write(GET.format(path, "Authorization: Bearer nobody's\r\n").encode())
        head = (await client.reader.readuntil(b"\r\n\r\n")).lower()
        assert b"aiohttp" not in head
        assert b"python" not in head
