"""A client of /ws/v1/tts, written from the vendor's document: it shares no code with the server's codec."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import aiohttp

from wyoming_server.frontends.http.server import HttpServer
from wyoming_server.server import Running

PATH = "/ws/v1/tts"
END = ("SynthesisCompleted", "TaskFailed")


@dataclass(kw_only=True)
class Heard:
    """What came down, up to some message or the close."""

    names: list[str] = field(default_factory=list)
    """Of messages in order; a run of audio is one "audio"."""
    audio: bytes = b""
    pieces: list[tuple[float, int]] = field(default_factory=list)
    """Of each binary message: when it came (monotonic seconds), and its size."""
    messages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def last(self) -> dict[str, Any]:
        return self.messages[-1]

    @property
    def status(self) -> int:
        status: int = self.last["header"]["status"]
        return status

    @property
    def failure(self) -> str:
        """The sentence of a TaskFailed."""
        header = self.last["header"]
        assert header["name"] == "TaskFailed"
        assert header["namespace"] == "Default"
        sentence: str = header["status_text"]
        return sentence

    def payloads(self, name: str) -> list[dict[str, Any]]:
        return [message.get("payload", {}) for message in self.messages if message["header"]["name"] == name]


class FlowingClient:
    """One websocket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.task_id = ""

    @property
    def transport(self) -> asyncio.Transport:
        """The connection below: to stop reading, or to leave without good-bye."""
        transport = self.socket._conn.transport  # type: ignore[union-attr]  # noqa: SLF001  # there is no other way to it
        assert isinstance(transport, asyncio.Transport)
        return transport

    def reset(self) -> None:
        """Leave as a machine does that lost its power."""
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    async def send(self, name: str, payload: Mapping[str, Any] | None = None, task_id: str | None = None) -> None:
        header = {
            "message_id": uuid4().hex,
            "task_id": self.task_id if task_id is None else task_id,
            "namespace": "FlowingSpeechSynthesizer",
            "name": name,
        }
        await self.socket.send_str(json.dumps({"header": header, "payload": dict(payload or {})}))

    async def start(self, **payload: Any) -> None:
        self.task_id = uuid4().hex
        await self.send("StartSynthesis", payload)

    async def run(self, *texts: str) -> None:
        for text in texts:
            await self.send("RunSynthesis", {"text": text})

    async def stop(self) -> None:
        await self.send("StopSynthesis")

    async def cancel(self) -> None:
        await self.send("CancelSynthesis")

    async def say(self, text: str, **payload: Any) -> Heard:
        """A whole session."""
        await self.start(**payload)
        await self.run(text)
        await self.stop()
        return await self.heard(*END)

    async def receive(self) -> dict[str, Any] | bytes | None:
        """The next message; None at the close, which is always one in order."""
        message = await self.socket.receive(10)
        if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            return json.loads(message.data) if isinstance(message.data, str) else bytes(message.data)
        assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED), message
        return None

    async def heard(self, *ends: str) -> Heard:
        """Everything up to a message of `ends` ("audio" is one), or the close."""
        heard = Heard()
        while (message := await self.receive()) is not None:
            name = "audio" if isinstance(message, bytes) else message["header"]["name"]
            if isinstance(message, bytes):
                heard.audio += message
                heard.pieces.append((time.monotonic(), len(message)))
            else:
                heard.messages.append(message)
            if heard.names[-1:] != [name] or name != "audio":
                heard.names.append(name)
            if name in ends:
                break
        return heard

    async def heard_what_was_on_its_way(self) -> None:
        """Everything up to the connection's end, in order or not."""
        while (await self.socket.receive(10)).type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            pass

    async def closed(self) -> bool:
        """Whether nothing comes any more but the close, in order."""
        return await self.receive() is None and self.socket.close_code == aiohttp.WSCloseCode.OK


def url(server: Running | HttpServer, path: str = PATH) -> str:
    http = server.http if isinstance(server, Running) else server
    assert http is not None
    return http.urls[0] + path


@asynccontextmanager
async def connected(server: Running | HttpServer, path: str = PATH, **headers: str) -> AsyncIterator[FlowingClient]:
    """`headers`: their names have _ for -."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url(server, path), headers=given, max_msg_size=0) as socket,
    ):
        yield FlowingClient(socket)


async def together(*clients: FlowingClient) -> list[Heard]:
    """What all of them hear to the end of their sessions."""
    return await asyncio.gather(*(client.heard(*END) for client in clients))
