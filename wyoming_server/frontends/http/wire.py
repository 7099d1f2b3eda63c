"""Messages down a websocket, each written whole and without waiting, so that nothing can come in between and there is no lock.

aiohttp opens the websocket, reads it, answers its pings and closes it. Its way of sending is not used: it may wait inside, which
an interrupt must not, and all who wait there share one future, so that cancelling one cancels the others.
"""

from __future__ import annotations

import asyncio
import struct
from typing import cast

from aiohttp import WSMsgType, web

from ...sessions import ListenerGone
from .connection import Connection

UNSENT_MAX = 64 * 1024
"""Bytes that may wait in the process for a client before the synthesis does."""
CLOSE_TIMEOUT = 2.0
"""Seconds that a client has to answer our close."""
_FINAL = 0x80
_SHORT, _MEDIUM = 126, 1 << 16
"""Bytes from which a frame's size is written in two and in eight bytes."""


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

    def send(self, message: str | bytes) -> None:
        """A text or a binary message. What can't arrive any more is dropped."""
        if not self.closed:
            self._transport.write(frame(message))

    async def drained(self) -> None:
        """Wait while the client is behind. Raises ListenerGone."""
        await caught_up(self._connection, self._transport, self._limit)
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


async def caught_up(connection: Connection, transport: asyncio.Transport, limit: float) -> None:
    """Wait while a client is behind. Raises ListenerGone where it has left, or takes nothing for `limit` seconds."""
    if transport.get_write_buffer_size() > UNSENT_MAX:
        try:
            async with asyncio.timeout(limit):
                await connection.drained()
        except TimeoutError as error:
            raise ListenerGone from error
    if transport.is_closing():
        raise ListenerGone


def is_for_a_websocket(request: web.Request) -> bool:
    try:
        return web.WebSocketResponse().can_prepare(request).ok
    except ValueError:  # a key of other characters than ASCII's
        return False


async def opened(request: web.Request, bytes_max: int) -> web.WebSocketResponse:
    """A websocket whose client may send messages of `bytes_max` bytes."""
    socket = web.WebSocketResponse(max_msg_size=bytes_max, timeout=CLOSE_TIMEOUT, compress=False)
    await socket.prepare(request)
    return socket


def frame(message: str | bytes) -> bytes:
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
