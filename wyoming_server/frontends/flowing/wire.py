"""Messages down a websocket, each written whole and without waiting, so that nothing can come in between and there is no lock.

aiohttp opens the websocket, reads it, answers its pings and closes it. Its way of sending is not used: it may wait inside, which
an interrupt must not, and all who wait there share one future, so that cancelling one cancels the others.
"""

from __future__ import annotations

import asyncio
import struct
from typing import cast

from aiohttp import WSMsgType, web

from ...protocols.flowing_events import Message
from ..http.connection import Connection

UNSENT_MAX = 64 * 1024
"""Bytes that may wait in the process for a client before the synthesis does."""
_FINAL = 0x80
_SHORT, _MEDIUM = 126, 1 << 16
"""Bytes from which a frame's size is written in two and in eight bytes."""


class ListenerGone(Exception):  # never told to anybody: there is nobody left
    """The client takes no more messages."""


class Wire:
    """One client's. `limit`: seconds that it may take nothing before it counts as gone."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request, *, limit: float) -> None:
        self._socket = socket
        self._connection = cast("Connection", request.protocol)
        self._transport = cast("asyncio.Transport", request.transport)
        self._limit = limit

    @property
    def closed(self) -> bool:
        """Nothing that is sent now would arrive."""
        return self._socket.closed or self._transport.is_closing()

    def send(self, message: Message) -> None:
        """A text or a binary message. What can't arrive any more is dropped."""
        if not self.closed:
            self._transport.write(frame(message))

    async def drained(self) -> None:
        """Wait while the client is behind. Raises ListenerGone."""
        if self._transport.get_write_buffer_size() > UNSENT_MAX:
            try:
                async with asyncio.timeout(self._limit):
                    await self._connection.drained()
            except TimeoutError as error:
                raise ListenerGone from error
        if self.closed:
            raise ListenerGone

    async def close(self, code: int) -> None:
        """In order, where the client lets us: it has read everything when it answers. Otherwise without its consent."""
        try:
            async with asyncio.timeout(self._limit):
                await self._socket.close(code=code)
        except TimeoutError:
            self.abort()
        if self._transport.get_write_buffer_size():
            self.abort()

    def abort(self) -> None:
        """Close without sending what still waits."""
        self._transport.abort()


def frame(message: Message) -> bytes:
    """A message as a server's frame (RFC 6455, section 5.2): whole, not masked, not compressed."""
    opcode, data = (WSMsgType.TEXT, message.encode()) if isinstance(message, str) else (WSMsgType.BINARY, message)
    size = len(data)
    if size < _SHORT:
        head = struct.pack("!BB", _FINAL | opcode, size)
    elif size < _MEDIUM:
        head = struct.pack("!BBH", _FINAL | opcode, _SHORT, size)
    else:
        head = struct.pack("!BBQ", _FINAL | opcode, _SHORT + 1, size)
    return head + data
