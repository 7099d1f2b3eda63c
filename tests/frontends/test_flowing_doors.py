"""Who is let in to /ws/v1/tts, as raw bytes: the vendor's Python SDK, strangers, foreign pages. And the lists of voices."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from wyoming_server.frontends.http.attempts import FAILURES
from wyoming_server.frontends.http.server import HttpServer
from wyoming_server.frontends.http.wire import frame
from wyoming_server.server import Running
from wyoming_server.state.tokens import PairingToken

from ..serving import TONE, ended, serving, tone, tone_of
from .flowing_client import END, PATH, connected
from .http_client import GET, Answer, RawClient

STRANGER = "X-Forwarded-For: 192.0.2.7\r\n"
HANDSHAKE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""What RFC 6455 answers to that key."""
VOICES = "/stream/v1/tts/voices"


class RawSocket:
    """A websocket by hand. Frames that it sends are masked with zeros."""

    def __init__(self, client: RawClient) -> None:
        self.client = client
        self.task_id = uuid4().hex

    async def open(self, headers: str = HANDSHAKE, path: str = PATH) -> dict[str, str]:
        self.client.writer.write(GET.format(path, headers).encode())
        status, *lines = (await self.client.reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        assert status == "HTTP/1.1 101 Switching Protocols"
        return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}

    def send(self, name: str, payload: object = None) -> None:
        header = {"message_id": uuid4().hex, "task_id": self.task_id, "namespace": "FlowingSpeechSynthesizer", "name": name}
        self.write(1, json.dumps({"header": header, "payload": payload}).encode())

    def write(self, opcode: int, data: bytes) -> None:
        size = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2, "big")
        self.client.writer.write(bytes([0x80 | opcode]) + size + bytes(4) + data)

    async def receive(self) -> tuple[int, bytes]:
        """A frame: its opcode and its data."""
        read = self.client.reader.readexactly
        async with asyncio.timeout(5):
            first, second = await read(2)
            assert first & 0x70 == 0
            assert second < 128
            size = second if second < 126 else int.from_bytes(await read(2 if second == 126 else 8), "big")
            return first & 0x0F, await read(size)

    async def message(self) -> Any:
        opcode, data = await self.receive()
        assert opcode == 1
        return json.loads(data)

    async def until(self, *names: str) -> tuple[list[str], bytes]:
        """Names of the messages up to one of `names`, and the audio before it."""
        found: list[str] = []
        audio = b""
        while not found or found[-1] not in names:
            opcode, data = await self.receive()
            if opcode == 2:
                audio += data
            else:
                found.append(json.loads(data)["header"]["name"])
        return found, audio


@pytest.fixture
async def raw(server: Running) -> AsyncIterator[RawSocket]:
    async with opened(server) as socket:
        yield socket


@asynccontextmanager
async def opened(server: Running) -> AsyncIterator[RawSocket]:
    async with await RawClient.connect(http_of(server)) as client:
        yield RawSocket(client)


def http_of(server: Running) -> HttpServer:
    assert server.http is not None
    return server.http


async def got(server: Running, path: str, headers: str = "", method: str = "GET") -> Answer:
    async with await RawClient.connect(http_of(server)) as client:
        return await client.ask(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")


# The vendor's Python SDK


async def test_the_vendors_sdk_is_served_with_all_its_habits(raw: RawSocket) -> None:
    doubled = HANDSHAKE + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nX-NLS-Token: default\r\n"
    assert (await raw.open(doubled))["sec-websocket-accept"] == ACCEPT
    raw.send("StartSynthesis", {"voice": "tone/tone", "format": "wav", "sample_rate": 22050, "volumn": 50, "speech_rate": 0})
    assert (await raw.message())["header"]["name"] == "SynthesisStarted"
    raw.send("RunSynthesis", {"text": "Hello."})
    raw.send("StopSynthesis")
    names, audio = await raw.until(*END)
    assert names == ["SentenceBegin", "SentenceEnd", "SynthesisCompleted"]
    assert audio.endswith(tone(6))
    raw.write(8, b"\x03\xe8")
    assert await raw.receive() == (8, b"\x03\xe8")
    assert await raw.client.closed()


async def test_the_vendors_sdk_writes_on_after_a_failure_and_waits_for_the_close(raw: RawSocket) -> None:
    await raw.open()
    raw.send("StartSynthesis", {"format": "flv"})
    assert (await raw.message())["header"]["name"] == "TaskFailed"
    raw.send("RunSynthesis", {"text": "Hello."})
    raw.send("StopSynthesis")
    assert await raw.receive() == (8, b"\x03\xe8")
    raw.write(8, b"\x03\xe8")
    assert await raw.client.closed()


async def test_a_client_that_never_answers_the_close_is_closed_all_the_same(raw: RawSocket) -> None:
    await raw.open()
    raw.send("RunSynthesis", {"text": "Hello."})
    assert (await raw.message())["header"]["name"] == "TaskFailed"
    assert await raw.receive() == (8, b"\x03\xe8")
    assert await raw.client.closed()


async def test_a_client_that_leaves_without_having_read_makes_room(tmp_path: Path) -> None:
    yaml = TONE.replace("port: 0", "port: 0, max_connections: 1").replace("0.01", "1").replace("{per", "{piece: 1, per")
    async with serving(tmp_path, yaml) as server, opened(server) as raw:
        await raw.open()
        raw.send("StartSynthesis", {})
        raw.send("RunSynthesis", {"text": "a" * 900})
        raw.send("StopSynthesis")
        await asyncio.sleep(0.2)  # its way is full
        raw.write(8, b"\x03\xe8")
        await ended(tone_of(server), "cancelled")
        async with asyncio.timeout(5):
            while (await got(server, VOICES)).status != 200:
                pass


async def test_pings_are_answered_while_it_speaks(raw: RawSocket) -> None:
    await raw.open()
    raw.send("StartSynthesis", {"options": {"delay": 60}})
    raw.send("RunSynthesis", {"text": "Hello."})
    await raw.until("SynthesisStarted")
    raw.write(9, b"are you there")
    assert await raw.receive() == (10, b"are you there")


async def test_a_conversation_outlives_the_deadline_of_requests(tmp_path: Path) -> None:
    yaml = TONE.replace("port: 0", "port: 0, request_timeout: 1")
    async with serving(tmp_path, yaml) as server, connected(server) as client:
        await client.start(pace=0)
        await client.run("a" * 120)
        await client.stop()
        assert (await client.heard(*END)).audio == tone(120)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 100_000])
async def test_messages_of_every_size_are_read_by_another_codec(size: int) -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(frame(bytes(size)) + frame("x" * size))

    class Client:
        pass

    client = Client()
    client.reader = reader  # type: ignore[attr-defined]
    socket = RawSocket(client)  # type: ignore[arg-type]
    assert await socket.receive() == (2, bytes(size))
    assert await socket.receive() == (1, b"x" * size)


# The token


@pytest.mark.parametrize("headers", ["", "X-NLS-Token: wrong\r\n", "Authorization: Bearer wrong\r\n"])
async def test_a_stranger_is_refused_in_a_message(raw: RawSocket, headers: str, caplog: pytest.LogCaptureFixture) -> None:
    await raw.open(HANDSHAKE + STRANGER + headers)
    header = (await raw.message())["header"]
    assert (header["name"], header["namespace"], header["status"]) == ("TaskFailed", "Default", 40_100_005)
    assert "`herald token` shows it" in header["status_text"]
    assert await raw.receive() == (8, b"\x03\xe8")
    raw.write(8, b"\x03\xe8")
    assert await raw.client.closed()
    assert "wrong" not in caplog.text


async def test_a_strangers_wrong_token_in_the_address_is_refused_too(raw: RawSocket) -> None:
    await raw.open(HANDSHAKE + STRANGER, f"{PATH}?token=wrong")
    assert (await raw.message())["header"]["status"] == 40_100_005


async def test_a_refused_client_that_writes_is_not_listened_to(raw: RawSocket) -> None:
    await raw.open(HANDSHAKE + STRANGER)
    raw.send("StartSynthesis", {})
    raw.send("RunSynthesis", {"text": "Hello."})
    assert (await raw.message())["header"]["name"] == "TaskFailed"
    assert await raw.receive() == (8, b"\x03\xe8")


async def test_guessing_is_slowed_down_in_words(server: Running) -> None:
    for _ in range(FAILURES + 1):
        async with opened(server) as raw:
            await raw.open(HANDSHAKE + STRANGER + "X-NLS-Token: wrong\r\n")
            header = (await raw.message())["header"]
    assert header["status"] == 40_000_005
    assert "too many wrong tokens" in header["status_text"]


@pytest.mark.parametrize("place", ["X-NLS-Token", "Authorization", "query"])
async def test_the_token_is_taken_from_every_place_and_never_logged(
    tmp_path: Path, place: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving(tmp_path) as server:
        token = PairingToken.load(tmp_path, {}).value
        given = {"X-NLS-Token": f"X-NLS-Token: {token}\r\n", "Authorization": f"Authorization: Bearer {token}\r\n", "query": ""}
        async with opened(server) as raw:
            await raw.open(HANDSHAKE + STRANGER + given[place], f"{PATH}?token={token}" if place == "query" else PATH)
            raw.send("StartSynthesis", {})
            assert (await raw.message())["header"]["name"] == "SynthesisStarted"
            raw.send("StartSynthesis", {})
            assert (await raw.message())["header"]["name"] == "TaskFailed"
    assert "StartSynthesis is out of order" in caplog.text
    assert token not in caplog.text


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ("Host: evil.example\r\n", 403, "access_denied"),
        ("Host: localhost\r\nOrigin: http://evil.example\r\n", 403, "access_denied"),
        ("Host: localhost\r\nOrigin: null\r\n", 403, "access_denied"),
    ],
)
async def test_foreign_names_and_pages_are_refused_by_http(server: Running, headers: str, status: int, code: str) -> None:
    async with await RawClient.connect(http_of(server)) as client:
        answer = await client.ask(f"GET {PATH} HTTP/1.1\r\n{headers}{HANDSHAKE}\r\n")
    assert (answer.status, answer.code) == (status, code)


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ("", 400, "bad_request"),
        (HANDSHAKE.replace("13", "99"), 400, "bad_request"),
        (HANDSHAKE.replace("dGhlIHNhbXBsZSBub25jZQ==", "short"), 400, "bad_request"),
        (HANDSHAKE.replace("dGhlIHNhbXBsZSBub25jZQ==", "ключ"), 400, "bad_request"),
        (STRANGER, 401, "token_required"),
        (HANDSHAKE.replace("dGhlIHNhbXBsZSBub25jZQ==", "ключ") + STRANGER, 401, "token_required"),
    ],
    ids=["no websocket", "a version to come", "a wrong key", "a key that is none", "a stranger", "a stranger's key"],
)
async def test_what_is_no_handshake_is_told_by_http(server: Running, headers: str, status: int, code: str) -> None:
    answer = await got(server, PATH, headers)
    assert (answer.status, answer.code) == (status, code)


# Voices


async def test_the_voices_are_listed_by_name(server: Running) -> None:
    answer = await got(server, VOICES)
    assert answer.status == 200
    assert answer.json == {"voices": ["tone/tone"], "total": 1}
    assert answer.headers["cache-control"] == "no-store"


async def test_more_is_told_of_each_voice(tmp_path: Path) -> None:
    yaml = TONE + "voices: {lily: {engine: tone, voice: tone, language: [zh-CN, en], gender: female, description: Our Lily}}"
    async with serving(tmp_path, yaml) as server:
        told = (await got(server, f"{VOICES}/info")).json
    assert told["total"] == 2
    assert told["voices"]["lily"] == {
        "name": "lily",
        "type": "tone",
        "language": "zh-CN",
        "languages": ["zh-CN", "en"],
        "gender": "female",
        "description": "Our Lily",
        "sample_rate": 22_050,
        "available": True,
    }
    assert [voice["gender"] for voice in told["voices"].values()] == ["female", ""]


@pytest.mark.parametrize("path", [VOICES, f"{VOICES}/info"])
async def test_the_lists_answer_head_and_are_for_those_with_the_token(tmp_path: Path, path: str) -> None:
    async with serving(tmp_path) as server:
        async with await RawClient.connect(http_of(server)) as client:
            client.writer.write(f"HEAD {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            head = await client.reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 ")
        assert (await got(server, path, STRANGER)).code == "token_required"
        token = PairingToken.load(tmp_path, {}).value
        assert (await got(server, path, f"{STRANGER}X-NLS-Token: {token}\r\n")).status == 200
        assert (await got(server, path, method="DELETE")).status == 405
