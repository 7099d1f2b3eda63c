"""A lean client of POST /api/tts/stream: stamps when chunks are whole, keeps no audio."""

from __future__ import annotations

import json
from time import monotonic_ns
from typing import Any, Self

from .client import Address, Listener

STREAM, INTERRUPT = "/api/tts/stream", "/api/tts/interrupt"
_HEAD_END, _LINE_END = b"\r\n\r\n", b"\r\n"


class HttpCall(Listener):
    """One request on a connection of its own, and its answer. Audio chunks are the chunks of HTTP."""

    def __init__(self) -> None:
        super().__init__()
        self._buffer = b""
        self._is_audio = False
        self._left = -1
        """Bytes of the chunk that is being read, its line end included; -1: its size is to come."""

    def post(self, path: str, body: dict[str, Any]) -> int:
        """When it was sent."""
        data = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        self.sent = monotonic_ns()
        self._transport.write(head.encode() + data)
        return self.sent

    def data_received(self, data: bytes) -> None:
        now = monotonic_ns()
        self._buffer += data
        if self._is_audio or self._begins():
            while self._next_chunk(now):
                pass

    def _begins(self) -> bool:
        head, end, rest = self._buffer.partition(_HEAD_END)
        if not end:
            return False
        if not head.startswith(b"HTTP/1.1 200 "):
            self._fail(f"{head.decode()}\n{rest.decode(errors='replace')}")
            return False
        self._is_audio, self._buffer = True, rest
        return True

    def _next_chunk(self, now: int) -> bool:
        """Take a chunk that is there whole."""
        size, end, rest = self._buffer.partition(_LINE_END)
        if not end:
            return False
        count = int(size, 16)
        if len(rest) < count + len(_LINE_END):
            return False
        self._buffer = rest[count + len(_LINE_END) :]
        if count:
            self._chunk(now, count)
        else:
            self._end(now)
        return bool(count)

    @classmethod
    async def stream(cls, address: Address, text: str, **fields: Any) -> Self:
        """A reply, asked for on a new connection."""
        call = await cls.connect(address)
        call.post(STREAM, {"text": text, **fields})
        return call


async def interrupt(address: Address, session_id: str) -> int:
    """When it was sent. The answer is not waited for."""
    call = await _Question.connect(address)
    return call.post(INTERRUPT, {"session_id": session_id})


class _Question(HttpCall):
    """Its answer says nothing that is needed."""

    def data_received(self, data: bytes) -> None:
        self._transport.close()


async def connected(address: Address) -> bool:
    """Whether somebody listens there."""
    try:
        call = await HttpCall.connect(address)
    except OSError:
        return False
    call.leave()
    return True
