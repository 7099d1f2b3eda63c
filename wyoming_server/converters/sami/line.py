"""The connections to SAMI: one a task, opened, and left so that nobody waits."""

from __future__ import annotations

import asyncio

from ...errors import EngineUnavailable
from ...protocols.json_messages import MESSAGE_MAX
from ...protocols.sami import ClientMessage, ServerMessage, decode_server, encode_client
from ...upstream.attempts import Failed
from ...upstream.failures import Asked
from ...upstream.websocket import EngineSocket, HandshakeRefused, open_websocket
from . import failures

TOKEN_HEADER = "SAMI-Token"  # noqa: S105  # a name, no secret


class Line:
    """One connection, open until it is left."""

    def __init__(self, socket: EngineSocket) -> None:
        self._socket = socket

    async def send(self, message: ClientMessage) -> None:
        """Raises Lost."""
        await self._socket.send(encode_client(message))

    async def receive(self) -> ServerMessage:
        """Raises Lost, ProtocolError and TooLarge."""
        return decode_server(await self._socket.receive())

    async def leave(self) -> None:
        """In the first step, before anybody else runs, the service is told."""
        try:
            await self._socket.leave()
        except EngineUnavailable:
            self._socket.cut()


class Lines:
    """Those of one converter."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._leaving: set[asyncio.Task[None]] = set()

    async def open(self, token: str, asked: Asked) -> Line:
        """A new one; whoever asks bounds the time. Raises Failed."""
        try:
            return Line(await open_websocket(self._url, {TOKEN_HEADER: token}, peer=asked.peer, message_max=MESSAGE_MAX))
        except HandshakeRefused as error:
            raise failures.refused(error, asked, token=token) from error
        except EngineUnavailable as error:
            raise Failed(error, retries=2) from error

    def leave(self, line: Line) -> None:
        """Close it; nobody waits for that but `close`."""
        task = asyncio.create_task(line.leave())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def close(self) -> None:
        """Wait for those that are being left. Twice is fine."""
        while self._leaving:
            await asyncio.wait(self._leaving)
