"""HTTP over TLS: who speaks none is given up and counted, and everything that front ends do with a connection works as before."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import aiohttp
import psutil
import pytest

from wyoming_server.config import HttpConfig
from wyoming_server.engines.tone import sine
from wyoming_server.frontends.http.certificates import Tls, load_tls
from wyoming_server.frontends.http.clients import REFUSALS_MAX
from wyoming_server.frontends.http.server import HttpServer
from wyoming_server.frontends.http.wire import UNSENT_MAX
from wyoming_server.models import AudioFormat
from wyoming_server.server import Running

from ..serving import TONE, ended, serving, tone_of
from ..standstill import awake
from . import http_client
from .flowing_client import END, PATH, FlowingClient
from .http_client import CONFIG, GET, POST, RawClient, Stage, ask, trusting
from .openai_serving import LONG, body_of, head_of, post

HEALTH = GET.format("/api/healthz", "")
QUICK = dataclasses.replace(CONFIG, request_timeout=0.1)
HELLO = bytes.fromhex("160301")
"""As a handshake begins."""


@pytest.fixture
def tls(tmp_path: Path) -> Tls:
    made = load_tls(HttpConfig(tls=True), tmp_path)
    assert made is not None
    return made


@asynccontextmanager
async def guarded(tls: Tls, config: HttpConfig = CONFIG, **options: Any) -> AsyncIterator[HttpServer]:
    async with http_client.serving(config, tls=tls, **options) as server:
        yield server


async def plain(server: HttpServer) -> RawClient:
    """A connection on which nothing was said."""
    parts = urlsplit(server.urls[0])
    return RawClient(*await asyncio.open_connection(parts.hostname, parts.port))


async def test_a_client_that_knows_the_certificate_is_served(tls: Tls) -> None:
    async with guarded(tls) as server:
        assert server.urls[0].startswith("https://127.0.0.1:")
        answer = await ask(server, HEALTH)
        assert (answer.status, answer.json["status"]) == (200, "ok")


async def test_a_client_may_pin_the_fingerprint_alone(tls: Tls) -> None:
    pin = aiohttp.Fingerprint(bytes.fromhex(tls.fingerprint))
    other = aiohttp.Fingerprint(bytes(32))
    async with guarded(tls) as server, aiohttp.ClientSession(server.urls[0]) as session:
        async with session.get("/api/healthz", ssl=pin) as response:
            assert response.status == 200
        with pytest.raises(aiohttp.ServerFingerprintMismatch):
            await session.get("/api/healthz", ssl=other)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_both_versions_of_tls_are_spoken(tls: Tls, version: ssl.TLSVersion) -> None:
    context = ssl.create_default_context(cafile=tls.file)
    context.minimum_version = context.maximum_version = version
    async with guarded(tls) as server:
        parts = urlsplit(server.urls[0])
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port, ssl=context)
        async with RawClient(reader, writer) as client:
            assert (await client.ask(HEALTH)).status == 200


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
async def test_an_older_version_is_refused(tls: Tls) -> None:
    context = ssl.create_default_context(cafile=tls.file)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    async with guarded(tls) as server:
        parts = urlsplit(server.urls[0])
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            await asyncio.open_connection(parts.hostname, parts.port, ssl=context)
        assert (await ask(server, HEALTH)).status == 200


@pytest.mark.parametrize("said", [HEALTH.encode(), b"nonsense\r\n\r\n", bytes(1000), HELLO + bytes(1000)])
async def test_who_speaks_no_tls_is_closed_on_and_told_of_once(tls: Tls, said: bytes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with guarded(tls) as server:
        for _ in range(3):
            async with await plain(server) as client:
                client.writer.write(said)
                assert b"HTTP" not in await read(client)
        assert (await ask(server, HEALTH)).status == 200
    assert [(record.levelname, record.exc_info) for record in caplog.records] == [("INFO", None)]
    assert "https" in caplog.text


@pytest.mark.parametrize("said", [b"", HELLO])
async def test_a_handshake_that_never_comes_is_given_up(tls: Tls, said: bytes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with guarded(tls, QUICK) as server, await plain(server) as client:
        client.writer.write(said)
        assert await client.closed()
    assert not caplog.records


async def test_a_handshake_that_dribbles_gets_no_more_time(tls: Tls) -> None:
    async with guarded(tls, QUICK) as server, await plain(server) as client:
        began = awake()
        hello = HELLO + b"\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await client.dribble(hello)
        assert awake() - began < 1


async def test_a_handshake_counts_as_a_connection_and_others_are_told_so(tls: Tls) -> None:
    async with guarded(tls, dataclasses.replace(CONFIG, max_connections=1)) as server, await plain(server):
        answer = await ask(server, HEALTH)
        assert (answer.status, answer.code) == (503, "busy")


async def test_who_left_during_the_handshake_makes_room(tls: Tls) -> None:
    async with guarded(tls, dataclasses.replace(CONFIG, max_connections=1)) as server:
        for said in (b"", HELLO, HEALTH.encode()):
            async with await plain(server) as client:
                client.writer.write(said)
                await client.writer.drain()
        async with asyncio.timeout(5):
            while (await ask(server, HEALTH)).status != 200:
                pass


async def test_refusals_are_limited_before_their_handshake(tls: Tls, caplog: pytest.LogCaptureFixture) -> None:
    async with guarded(tls, dataclasses.replace(CONFIG, max_connections=1)) as server, await plain(server):
        silent = [await plain(server) for _ in range(REFUSALS_MAX + 1)]
        assert await silent[-1].closed()
        for client in silent:
            client.writer.transport.abort()
    assert [record.levelname for record in caplog.records] == ["WARNING"]


async def test_a_request_may_come_with_the_handshake_s_last_bytes(tls: Tls) -> None:
    """As a client sends it that does not wait: both in one segment."""
    async with guarded(tls) as server:
        parts = urlsplit(server.urls[0])
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = trusting(tls)
        assert context is not None
        client = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
        while True:
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                writer.write(outgoing.read())
                incoming.write(await reader.read(65536))
        client.write(HEALTH.encode())
        writer.write(outgoing.read())
        answer = b""
        async with asyncio.timeout(5):
            while b"}" not in answer:
                incoming.write(await reader.read(65536))
                try:
                    answer += client.read(65536)
                except ssl.SSLWantReadError:
                    continue
        assert answer.startswith(b"HTTP/1.1 200 ")
        writer.transport.abort()


async def test_deadlines_hold_behind_the_handshake(tls: Tls) -> None:
    async with guarded(tls, QUICK) as server:
        async with await RawClient.connect(server) as client:
            assert await client.closed()
        async with await RawClient.connect(server) as client:
            assert (await client.dribble(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 1000)).status == 408
            assert await client.closed()
        async with await RawClient.connect(server) as client:
            assert (await client.ask(POST.format("/size", "Content-Length: 1000\r\n"))).status == 408


async def test_large_bodies_pass_both_ways(tls: Tls) -> None:
    async with guarded(tls) as server, await RawClient.connect(server) as client:
        body = bytes(1_000_000)
        client.writer.write(POST.format("/size", f"Content-Length: {len(body)}\r\n").encode() + body)
        assert (await client.answer()).json == {"size": len(body)}
        assert (await client.ask(HEALTH)).status == 200


async def test_a_handler_is_cancelled_when_its_client_leaves(tls: Tls) -> None:
    for leave in ("close", "abort"):
        stage = Stage()
        async with guarded(tls, stage=stage) as server, await RawClient.connect(server) as client:
            client.writer.write(GET.format("/wait", "").encode())
            await stage.began.wait()
            getattr(client.writer.transport, leave)()
            async with asyncio.timeout(5):
                await stage.cancelled.wait()


async def test_a_client_that_reads_nothing_holds_little(tls: Tls) -> None:
    """What waits for it in the process; aiohttp's own limit, as on a plain port."""
    stage = Stage()
    held: list[int] = []

    async def flood(request: aiohttp.web.Request) -> aiohttp.web.StreamResponse:
        response = aiohttp.web.StreamResponse()
        await response.prepare(request)
        transport = cast("asyncio.Transport", request.transport)
        stage.began.set()
        while True:
            held.append(transport.get_write_buffer_size())
            await response.write(bytes(1 << 14))

    stage.flood = flood  # type: ignore[method-assign]
    async with guarded(tls, stage=stage) as server, await RawClient.connect(server) as client:
        cast("asyncio.Transport", client.writer.transport).pause_reading()
        client.writer.write(GET.format("/flood", "").encode())
        await stage.began.wait()
        seen = -1
        while seen != len(held):
            seen = len(held)
            await asyncio.wait([asyncio.ensure_future(asyncio.sleep(0.05))])
        assert 0 < max(held) < 3 * UNSENT_MAX


@pytest.mark.parametrize("path", ["/wait", "/stream", "/flood", "handshake"])
async def test_the_end_comes_within_half_a_second_whatever_clients_do(tls: Tls, path: str) -> None:
    stage = Stage()
    before = asyncio.all_tasks()
    manager = guarded(tls, stage=stage)
    server = await manager.__aenter__()
    async with await plain(server) as silent, await RawClient.connect(server) as client:
        if path != "handshake":
            cast("asyncio.Transport", client.writer.transport).pause_reading()
            client.writer.write(GET.format(path, "").encode())
            await stage.began.wait()
        began = awake()
        await manager.__aexit__(None, None, None)
        assert awake() - began < 0.5
        assert asyncio.all_tasks() == before
        port = urlsplit(server.urls[0]).port
        assert not [one for one in psutil.Process().net_connections("tcp") if one.laddr.port == port]
        assert await silent.closed()


async def test_an_ended_connection_answers_whatever_is_asked_of_it(tls: Tls) -> None:
    """Front ends close twice, abort after a close, and look at a transport that is gone."""
    transports: list[asyncio.Transport] = []
    stage = Stage()

    async def keep(request: aiohttp.web.Request) -> aiohttp.web.Response:
        transports.append(cast("asyncio.Transport", request.transport))
        return aiohttp.web.Response()

    stage.wait = keep  # type: ignore[method-assign]
    async with guarded(tls, stage=stage) as server:
        for ends in (["close", "close", "abort"], ["abort", "close", "abort"]):
            async with await RawClient.connect(server) as client:
                await client.ask(GET.format("/wait", ""))
                transport = transports.pop()
                for end in ends:
                    getattr(transport, end)()
                assert transport.is_closing()
                assert await client.closed()
                transport.write(b"too late")
                transport.writelines([b"too late"])
                assert isinstance(transport.get_write_buffer_size(), int)
                assert transport.get_extra_info("socket").family == socket.AF_INET
                assert transport.get_extra_info("nothing", 7) == 7


SECURE = TONE.replace("port: 0}", "port: 0, tls: true}").replace("0.01}", "0.01, rate: 24000}")
"""At the rate of the API's raw audio."""


def tone(characters: int) -> bytes:
    return sine(24_000, 440, 0, AudioFormat(rate=24_000).size(characters * 0.01))


@asynccontextmanager
async def speaking(folder: Path, yaml: str = SECURE) -> AsyncIterator[tuple[Running, HttpServer]]:
    async with serving(folder, yaml) as running:
        assert running.http is not None
        yield running, running.http


async def test_a_whole_server_says_https_and_its_fingerprint(tmp_path: Path) -> None:
    async with speaking(tmp_path) as (_, http):
        assert http.tls is not None
        assert http.urls[0].startswith("https://")
        assert (await ask(http, HEALTH)).status == 200


async def test_a_stream_is_heard_whole(tmp_path: Path) -> None:
    async with speaking(tmp_path) as (_, http), await RawClient.connect(http) as client:
        for _ in range(2):  # on the same connection
            client.writer.write(post({}))
            await head_of(client)
            assert await body_of(client) == (tone(len(LONG)), True)


async def test_one_that_closes_behind_it_is_heard_whole_by_a_client_that_is_slow(tmp_path: Path) -> None:
    async with speaking(tmp_path) as (_, http), await RawClient.connect(http) as client:
        client.writer.write(post({"input": "a" * 1000}, "Connection: close\r\n"))
        transport = cast("asyncio.Transport", client.writer.transport)
        transport.pause_reading()
        await asyncio.wait([asyncio.ensure_future(asyncio.sleep(0.3))])
        transport.resume_reading()
        await head_of(client)
        assert await body_of(client) == (tone(1000), True)
        assert await client.closed()


async def test_a_stream_without_a_length_ends_with_its_connection(tmp_path: Path) -> None:
    async with speaking(tmp_path) as (_, http), await RawClient.connect(http) as client:
        client.writer.write(post({}, version="1.0"))
        await head_of(client)
        assert await client.reader.read() == tone(len(LONG))


@pytest.mark.parametrize("version", ["1.1", "1.0"])
async def test_a_transfer_that_fails_is_seen_to(tmp_path: Path, version: str) -> None:
    yaml = SECURE.replace("per_character: 0.01", "per_character: 0.01, fail_at: 0.5")
    async with speaking(tmp_path, yaml) as (_, http), await RawClient.connect(http) as client:
        client.writer.write(post({}, version=version))
        await head_of(client)
        if version == "1.1":
            heard, whole = await body_of(client)
            assert not whole
        else:
            with pytest.raises(OSError, match=r"(?i)reset|eof|ssl"):
                await client.reader.read()
            heard = b""
        assert len(heard) < len(tone(len(LONG)))


async def test_a_client_that_hangs_up_is_interrupted(tmp_path: Path) -> None:
    yaml = SECURE.replace("per_character: 0.01", "per_character: 0.05, pace: 1")
    async with speaking(tmp_path, yaml) as (running, http):
        async with await RawClient.connect(http) as client:
            client.writer.write(post({"input": "a" * 1000}))
            await head_of(client)
        await ended(tone_of(running), "cancelled")


async def test_a_websocket_speaks_and_closes_in_order(tmp_path: Path) -> None:
    async with speaking(tmp_path) as (_, http), conversation(http) as client:
        await client.start(voice="tone/tone", format="pcm", sample_rate=24_000)
        await client.run(LONG)
        await client.send("StopSynthesis")
        heard = await client.heard(*END)
        assert heard.names[-1] == "SynthesisCompleted"
        assert heard.audio == tone(len(LONG))
        await client.socket.close()
        assert client.socket.close_code == 1000


async def test_a_websocket_is_interrupted_and_speaks_on(tmp_path: Path) -> None:
    yaml = SECURE.replace("per_character: 0.01", "per_character: 0.05, pace: 20")
    async with speaking(tmp_path, yaml) as (running, http), conversation(http) as client:
        for _ in range(2):
            await client.start(voice="tone/tone", format="pcm", sample_rate=24_000)
            await client.run("a" * 2000)
            await client.stop()
            await client.heard("audio")
            await client.cancel()
            heard = await client.heard(*END)
            assert heard.last["payload"]["reason"] == "interrupted"
        assert [event.what for event in tone_of(running).journal].count("cancelled") >= 2


@pytest.mark.parametrize("reading", [True, False])
async def test_a_websocket_that_is_gone_is_interrupted(tmp_path: Path, *, reading: bool) -> None:
    yaml = SECURE.replace("per_character: 0.01", "per_character: 0.05, pace: 20")
    async with speaking(tmp_path, yaml) as (running, http), conversation(http) as client:
        await client.start(voice="tone/tone", format="pcm", sample_rate=24_000)
        await client.run("a" * 2000)
        await client.send("StopSynthesis")
        await client.socket.receive(timeout=5)
        if not reading:
            client.transport.pause_reading()
        client.transport.abort()
        await ended(tone_of(running), "cancelled")


@asynccontextmanager
async def conversation(http: HttpServer) -> AsyncIterator[FlowingClient]:
    context = trusting(http.tls)
    assert context is not None
    async with aiohttp.ClientSession(http.urls[0]) as session, session.ws_connect(PATH, ssl=context) as websocket:
        yield FlowingClient(websocket)


async def read(client: RawClient) -> bytes:
    """All that comes, however the connection ends."""
    data = b""
    async with asyncio.timeout(5):
        try:
            while part := await client.reader.read(1 << 16):
                data += part
        except ConnectionError:
            pass
    return data
