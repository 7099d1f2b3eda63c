"""A lean client of /ws/v1/tts: stamps when messages are whole, keeps no audio. It shares no code with what it measures."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Mapping
from time import monotonic_ns
from typing import Any

from .client import Address, Listener

PATH = "/ws/v1/tts"
_HANDSHAKE = (
    f"GET {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
).encode()
_TEXT, _BINARY, _CLOSE, _PING, _PONG = 1, 2, 8, 9, 10
_FINAL = _MASKED = 0x80
_MEDIUM, _LONG = 126, 127
"""Sizes that say that the size follows, in two and in eight bytes."""


class FlowingCall(Listener):
    """A websocket, and one session on it. Audio chunks are the binary messages."""

    def __init__(self) -> None:
        super().__init__()
        self._buffer = b""
        self._is_open = False
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task_id = ""

    async def opened(self) -> None:
        """The handshake. Raises ConnectionError."""
        await self._opened

    def ask(self, number: int, text: str, payload: Mapping[str, Any]) -> None:
        """All of a session's text at once. `number`: its task id; `payload`: of StartSynthesis."""
        self._task_id = f"{number:032x}"
        messages = [("StartSynthesis", payload), ("RunSynthesis", {"text": text}), ("StopSynthesis", {})]
        self.sent = monotonic_ns()
        self._transport.write(b"".join(self._message(name, values) for name, values in messages))

    def cancel(self) -> int:
        """When."""
        stamp = monotonic_ns()
        self._transport.write(self._message("CancelSynthesis", {}))
        return stamp

    def _message(self, name: str, payload: Mapping[str, Any]) -> bytes:
        header = {"message_id": "0" * 32, "task_id": self._task_id, "namespace": "FlowingSpeechSynthesizer", "name": name}
        return _frame(_TEXT, json.dumps({"header": header, "payload": payload}).encode())

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._transport.write(_HANDSHAKE)

    def data_received(self, data: bytes) -> None:
        now = monotonic_ns()
        self._buffer += data
        if not self._is_open and not self._open():
            return
        while (frame := self._next_frame()) is not None:
            self._take(now, *frame)

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
            header = json.loads(payload)["header"]
            if header["name"] == "SynthesisCompleted":
                self._end(now)
            elif header["name"] == "TaskFailed":
                self._fail(header["status_text"])

    def _fail(self, message: str) -> None:
        super()._fail(message)
        if not self._opened.done():
            self._opened.set_exception(ConnectionError(message))


async def ask(address: Address, number: int, text: str, **payload: Any) -> FlowingCall:
    """On a new connection."""
    call = await FlowingCall.connect(address)
    await call.opened()
    call.ask(number, text, payload)
    return call


def _frame(opcode: int, payload: bytes) -> bytes:
    """A client's frame: masked, with a key of zeros, which changes nothing."""
    size = len(payload)
    if size < _MEDIUM:
        head = struct.pack("!BB", _FINAL | opcode, _MASKED | size)
    else:
        head = struct.pack("!BBH", _FINAL | opcode, _MASKED | _MEDIUM, size)
    return head + bytes(4) + payload
