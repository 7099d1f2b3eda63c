"""A client of the IndexTTS service, written from its document: it shares no code with the server's codec."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from wyoming_server.frontends.http.server import Port
from wyoming_server.server import Running

PATH = "/ws/v1/indextts"
REQUEST = {
    "type": "tts_stream",
    "text": "Hello.",
    "prompt_audio": "asset/zero_shot_prompt.wav",
    "emo_mode": "none",
    "interval_silence": 200,
    "max_tokens": 120,
    "use_random": False,
}
"""As the document has it, but for the text."""
HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")


@dataclass(kw_only=True)
class Heard:
    """What came down of one task, or up to the close."""

    names: list[str] = field(default_factory=list)
    """In order: types, "welcome", "audio" and "error"."""
    messages: list[dict[str, Any]] = field(default_factory=list)
    wavs: list[bytes] = field(default_factory=list)

    @property
    def last(self) -> dict[str, Any]:
        return self.messages[-1]

    @property
    def pcm(self) -> bytes:
        """Of the only WAV, whose header is right."""
        (wav,) = self.wavs
        return pcm_of(wav)


def pcm_of(wav: bytes) -> bytes:
    head = HEADER.unpack_from(wav)
    assert head == (b"RIFF", len(wav) - 8, b"WAVE", b"fmt ", 16, 1, 1, 22_050, 44_100, 2, 16, b"data", len(wav) - 44)
    return wav[44:]


class IndexClient:
    """One websocket, whose welcome has come."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.welcome: dict[str, Any] = {}

    @property
    def session_id(self) -> str:
        session_id: str = self.welcome["session_id"]
        return session_id

    async def send(self, **fields: Any) -> None:
        await self.socket.send(json.dumps(fields))

    async def ask(self, text: str = "Hello.", **fields: Any) -> None:
        await self.send(**{**REQUEST, "text": text, **fields})

    async def queued(self, text: str = "Hello.", **fields: Any) -> str:
        """A request whose first answer has come: its task's id."""
        await self.ask(text, **fields)
        message = await self.message()
        assert message["type"] == "queued", message
        task_id: str = message["task_id"]
        return task_id

    async def running(self, text: str = "Hello.", **fields: Any) -> str:
        """A request whose turn has come: its task's id."""
        task_id = await self.queued(text, **fields)
        message = await self.message()
        assert (message["type"], message["task_id"]) == ("start", task_id)
        return task_id

    async def say(self, text: str = "Hello.", **fields: Any) -> Heard:
        """A whole task."""
        await self.ask(text, **fields)
        return await self.heard()

    async def status(self, task_id: str) -> dict[str, Any]:
        await self.send(type="task_status", task_id=task_id)
        return await self.message()

    async def message(self) -> dict[str, Any]:
        """The next text message."""
        received = await self.receive()
        assert isinstance(received, dict), received
        return received

    async def receive(self) -> dict[str, Any] | bytes | None:
        """None at the close."""
        try:
            async with asyncio.timeout(10):
                data = await self.socket.recv()
        except ConnectionClosed:
            return None
        return json.loads(data) if isinstance(data, str) else data

    async def heard(self, *, ends: int = 1) -> Heard:
        """Everything up to so many ends of tasks (errors are such too), or the close."""
        heard = Heard()
        while ends and (received := await self.receive()) is not None:
            heard.names.append(name_of(received))
            if isinstance(received, bytes):
                heard.wavs.append(received)
            else:
                heard.messages.append(received)
            ends -= heard.names[-1] in ("end", "error")
        return heard

    async def failure(self) -> str:
        """The sentence of the next message, which is an error of no task."""
        message = await self.message()
        assert message == {"status": "error", "session_id": self.session_id, "message": message["message"]}
        sentence: str = message["message"]
        return sentence

    async def closed(self) -> int | None:
        """The close's code, when nothing else comes any more."""
        assert await self.receive() is None
        return self.socket.close_code

    def reset(self) -> None:
        """Leave as a machine does that lost its power."""
        self.socket.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.transport.abort()


def name_of(received: dict[str, Any] | bytes) -> str:
    if isinstance(received, bytes):
        return "audio"
    if "type" in received:
        return str(received["type"])
    return {"success": "welcome", "error": "error"}[received["status"]]


def url(server: Running | Port, path: str = PATH) -> str:
    port = server.http if isinstance(server, Running) else server
    assert port is not None
    return port.urls[0].replace("http:", "ws:", 1) + path


@asynccontextmanager
async def connected(server: Running | Port, path: str = PATH, **headers: str) -> AsyncIterator[IndexClient]:
    """`headers`: their names have _ for -."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    async with connect(url(server, path), additional_headers=given, max_size=None, close_timeout=1, proxy=None) as socket:
        client = IndexClient(socket)
        client.welcome = await client.message()
        yield client
