"""A client that writes the vendor's bytes by hand: for tests of the simulator, which must not rest on the codec under test."""

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from ..common.raw import Service
from .server import V1_PATH, V3_PATH

BEARER = {"Authorization": "Bearer; access-token"}
KEYS = {
    "X-Api-App-Key": "1234567890",
    "X-Api-App-Id": "1234567890",
    "X-Api-Access-Key": "access-token",
    "X-Api-Resource-Id": "seed-tts-2.0",
}
VOICE_1 = "zh_female_wanwanxiaohe_moon_bigtts"
VOICE_2 = "zh_female_xiaohe_uranus_bigtts"
TEXT = "字节跳动语音合成。"


@dataclass(kw_only=True)
class Got:
    """One message of the service, taken apart."""

    kind: int
    """Message type; 0 for a text frame."""
    flags: int = 0
    number: int | None = None
    """Sequence number, error code or event."""
    name: str = ""
    payload: bytes = b""

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.payload)
        return document


def got(message: bytes | str) -> Got:
    """Takes a frame apart as the vendor's demonstration does: sequence numbers with flags 1 to 3, an event with flags 4."""
    if isinstance(message, str):
        return Got(kind=0, payload=message.encode())
    kind, flags, body = message[1] >> 4, message[1] & 0xF, message[(message[0] & 0xF) * 4 :]
    number, name = None, ""
    if kind == 0xF or flags:
        number, body = int.from_bytes(body[:4], "big", signed=kind != 0xF), body[4:]
    if flags == 4:
        size = int.from_bytes(body[:4], "big")
        name, body = body[4 : 4 + size].decode(), body[4 + size :]
    assert int.from_bytes(body[:4], "big") == len(body) - 4
    payload = gzip.decompress(body[4:]) if message[2] & 0xF == 1 else body[4:]
    return Got(kind=kind, flags=flags, number=number, name=name, payload=payload)


def v1_document(**changes: Any) -> dict[str, Any]:
    """The seed's request; `changes` by path, with __ between the keys; None takes a field away."""
    document: dict[str, Any] = {
        "app": {"appid": "1234567890", "token": "access_token", "cluster": "volcano_tts"},
        "user": {"uid": "YOUR_UID"},
        "audio": {"voice_type": VOICE_1, "encoding": "mp3", "speed_ratio": 1.0, "volume_ratio": 1.0, "pitch_ratio": 1.0},
        "request": {"reqid": str(uuid4()), "text": TEXT, "text_type": "plain", "operation": "submit"},
    }
    for path, value in changes.items():
        section, key = path.split("__")
        document[section][key] = value
        if value is None:
            del document[section][key]
    return document


def v1_message(document: dict[str, Any]) -> bytes:
    payload = gzip.compress(json.dumps(document).encode())
    return b"\x11\x10\x11\x00" + struct.pack(">I", len(payload)) + payload


@asynccontextmanager
async def v1_connection(service: Service, headers: dict[str, str] | None = None) -> AsyncIterator[ClientConnection]:
    async with connect(service.url + V1_PATH, additional_headers=BEARER if headers is None else headers, proxy=None) as line:
        yield line


async def v1(service: Service, message: bytes | str | None = None, /, **changes: Any) -> list[Got]:
    """All that is said to one request, up to the close."""
    async with v1_connection(service) as line:
        await line.send(v1_message(v1_document(**changes)) if message is None else message)
        return await rest(line)


async def rest(line: ClientConnection) -> list[Got]:
    """Until the connection ends, however."""
    messages: list[Got] = []
    try:
        while True:
            messages.append(got(await line.recv()))
    except ConnectionClosed:
        return messages


def v3_message(event: int, session: str = "", payload: dict[str, Any] | None = None) -> bytes:
    data = json.dumps(payload or {}).encode()
    name = struct.pack(">I", len(session)) + session.encode() if session else b""
    return b"\x11\x14\x10\x00" + struct.pack(">i", event) + name + struct.pack(">I", len(data)) + data


@dataclass(kw_only=True)
class V3Client:
    """A v3 connection on which sessions can be held."""

    line: ClientConnection
    sessions: list[str] = field(default_factory=list)

    async def send(self, event: int, session: str = "", payload: dict[str, Any] | None = None) -> None:
        await self.line.send(v3_message(event, session, payload))

    async def receive(self) -> Got:
        return got(await self.line.recv())

    async def until(self, *events: int) -> list[Got]:
        messages: list[Got] = []
        while not messages or messages[-1].number not in events:
            messages.append(await self.receive())
        return messages

    async def start(self, *, speaker: str = VOICE_2, additions: Any = None, **audio: Any) -> str:
        """Sends StartSession."""
        session = uuid4().hex
        self.sessions.append(session)
        params = {"speaker": speaker, "audio_params": {"format": "pcm", **audio}}
        if additions is not None:
            params["additions"] = additions
        await self.send(100, session, {"event": 100, "namespace": "BidirectionalTTS", "req_params": params})
        return session

    async def text(self, session: str, *fragments: str) -> None:
        for fragment in fragments:
            await self.send(200, session, {"event": 200, "namespace": "BidirectionalTTS", "req_params": {"text": fragment}})

    async def speak(self, *fragments: str, **start: Any) -> list[Got]:
        """A whole session: what came between SessionStarted and its end, the end included."""
        session = await self.start(**start)
        begun = await self.receive()
        if begun.number != 150:
            return [begun]
        await self.text(session, *fragments)
        await self.send(102, session)
        return await self.until(152, 153)


@asynccontextmanager
async def v3_connection(service: Service, **headers: str) -> AsyncIterator[V3Client]:
    """Up to ConnectionStarted; `headers` with _ for -."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with connect(service.url + V3_PATH, additional_headers=KEYS | named, proxy=None) as line:
        client = V3Client(line=line)
        await client.send(1)
        assert (await client.receive()).number == 50
        yield client
