"""The lean client of any websocket: the handshake and frames, in one buffer. What its messages mean is a subclass's."""

from __future__ import annotations

import asyncio
import struct
from time import monotonic_ns
from typing import ClassVar

from .client import Listener

_HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
_TEXT, _BINARY, _CLOSE, _PING, _PONG = 1, 2, 8, 9, 10
_FINAL = _MASKED = 0x80
_MEDIUM, _LONG = 126, 127
"""Sizes that say that the size follows, in two and in eight bytes."""


class WebsocketCall(Listener):
    """A websocket. Audio chunks are the binary messages."""

    PATH: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self._buffer = b""
        self._is_open = False
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def opened(self) -> None:
        """The handshake. Raises ConnectionError."""
        await self._opened

    # For subclasses

    def _text(self, now: int, message: bytes) -> None:
        """A text message is whole."""
        raise NotImplementedError

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._transport.write(_HANDSHAKE.format(path=self.PATH).encode())

    def data_received(self, data: bytes) -> None:
        now = monotonic_ns()
        self._buffer += data
        if not self._is_open and not self._open():
            return
        while (found := self._next_frame()) is not None:
            self._take(now, *found)

    def _open(self) -> bool:
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return False
        if not head.startswith(b"HTTP/1.1 101 "):
            self._fail(head.decode())
            return False
        self._is_open, self._buffer = True, rest
        self._opened.set_result(None)
        return True

    def _next_frame(self) -> tuple[int, bytes] | None:
        """Opcode and payload. Servers mask nothing, and these here split no message."""
        buffer, begin = self._buffer, 2
        if len(buffer) < begin:
            return None
        size = buffer[1]
        if size >= _MEDIUM:
            kind = "!H" if size == _MEDIUM else "!Q"
            begin += struct.calcsize(kind)
            if len(buffer) < begin:
                return None
            (size,) = struct.unpack_from(kind, buffer, 2)
        if len(buffer) < begin + size:
            return None
        self._buffer = buffer[begin + size :]
        return buffer[0] & 0x0F, buffer[begin : begin + size]

    def _take(self, now: int, opcode: int, payload: bytes) -> None:
        if opcode == _BINARY:
            self._chunk(now, len(payload))
        elif opcode == _PING:
            self._transport.write(_frame(_PONG, payload))
        elif opcode == _CLOSE:
            self._fail("The server closed the websocket.")
        elif opcode == _TEXT:
            self._text(now, payload)

    def _fail(self, message: str) -> None:
        super()._fail(message)
        if not self._opened.done():
            self._opened.set_exception(ConnectionError(message))


def text_frame(payload: bytes) -> bytes:
    return _frame(_TEXT, payload)


def _frame(opcode: int, payload: bytes) -> bytes:
    """A client's frame: masked, with a key of zeros, which changes nothing."""
    size = len(payload)
    if size < _MEDIUM:
        head = struct.pack("!BB", _FINAL | opcode, _MASKED | size)
    else:
        head = struct.pack("!BBH", _FINAL | opcode, _MASKED | _MEDIUM, size)
    return head + bytes(4) + payload
