"""A stand-in for an OpenAI-compatible endpoint, lean enough to be no bottleneck: every POST delivers what its `input` orders.

The answer's head is written at once, its body is a WAV file without an end, in chunks (to HTTP/1.0 without, until the connection
ends); connections are kept. A text that is no order gets a short tone. Otherwise as `upstream`: the port, then the reports.
"""

from __future__ import annotations

import asyncio
import json
import struct
import sys
from typing import cast

from .order import Order
from .upstream import WIDTH, Delivery

ENDLESS = 0xFFFF_FFFF
SPOKEN = Order(number=-1, seconds=0.2, pace=0)
"""For what is no order."""


def wav_header(rate: int) -> bytes:
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, rate * WIDTH, WIDTH, 8 * WIDTH)
    return struct.pack("<4sI4s", b"RIFF", ENDLESS, b"WAVE") + form + struct.pack("<4sI", b"data", ENDLESS)


def ordered(text: str) -> Order:
    try:
        return Order.parse(text)
    except ValueError:
        return SPOKEN


class Body(asyncio.Transport):
    """The way of one answer: what a delivery takes for its connection."""

    def __init__(self, connection: Endpoint, transport: asyncio.Transport, order: Order, *, chunked: bool) -> None:
        super().__init__()
        self._connection = connection
        self._transport = transport
        self._chunked = chunked
        self._ended = False
        self._head = wav_header(order.rate)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        audio = self._head + data
        self._head = b""
        self._transport.write(b"%x\r\n%b\r\n" % (len(audio), audio) if self._chunked else audio)

    def close(self) -> None:
        self._ended = True
        if self._chunked:
            self._transport.write(b"0\r\n\r\n")
        else:
            self._transport.close()
        self._connection.answered()

    def is_closing(self) -> bool:
        return self._ended or self._transport.is_closing()


class Endpoint(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self) -> None:
        self._received = b""
        self._delivery: Delivery | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, rest = self._received.partition(b"\r\n\r\n")
        if not separator or len(rest) < (length := _content_length(head)):
            return
        self._received = rest[length:]
        self._answer(json.loads(rest[:length])["input"], chunked=b" HTTP/1.1" in head.partition(b"\r\n")[0])

    def answered(self) -> None:
        """The body was written."""
        if self._delivery is not None:
            delivery, self._delivery = self._delivery, None
            delivery.connection_lost(None)

    def eof_received(self) -> None:
        if self._delivery is not None:
            self._delivery.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self.eof_received()
        self.answered()

    def pause_writing(self) -> None:
        if self._delivery is not None:
            self._delivery.pause_writing()

    def resume_writing(self) -> None:
        if self._delivery is not None:
            self._delivery.resume_writing()

    def _answer(self, text: str, *, chunked: bool) -> None:
        order = ordered(text)
        coding = b"Transfer-Encoding: chunked\r\n" if chunked else b""
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: audio/wav\r\n%b\r\n" % coding)
        self._delivery = Delivery()
        self._delivery.connection_made(Body(self, self._transport, order, chunked=chunked))
        self._delivery.data_received(order.text().encode() + b"\n")


def _content_length(head: bytes) -> int:
    lines = [line.partition(b":") for line in head.lower().split(b"\r\n")]
    return next((int(value) for name, _, value in lines if name == b"content-length"), 0)


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Endpoint, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
