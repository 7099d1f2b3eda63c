"""A stand-in for a cloud engine, in a process of its own: delivers a tone as each order says and tells when.

Its standard output is the control connection: first the port, then a Report for every order that is over. Ends with its input.
"""

from __future__ import annotations

import asyncio
import math
import sys
from array import array
from functools import lru_cache
from time import monotonic_ns
from typing import cast

from .order import Order, Report

AMPLITUDE = 2600
"""Of 32768: a quiet engine, at some -25 LUFS, so that evening the loudness has work to do."""
FREQUENCY = 440
WIDTH = 2
"""Bytes."""


@lru_cache(maxsize=8)
def two_seconds(rate: int) -> memoryview:
    """A whole number of periods twice, so that a piece of up to a second can begin anywhere in the first."""
    second = array("h", (round(AMPLITUDE * math.sin(math.tau * FREQUENCY * n / rate)) for n in range(rate))).tobytes()
    return memoryview(second * 2)


class Delivery(asyncio.Protocol):
    """One connection: an order comes in as a line, its audio goes out."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._line = b""
        self._order: Order | None = None
        self._sent = 0
        self._paused = False
        self._timer: asyncio.TimerHandle | None = None
        self._begin = 0.0
        self._first: int | None = None
        self._gone: int | None = None
        self._late = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._line += data
        if self._order is None and self._line.endswith(b"\n"):
            self._order = order = Order.parse(self._line.decode())
            self._step = round(order.piece * order.rate) * WIDTH
            self._total = round(min(order.seconds, order.stall) * order.rate) * WIDTH
            self._begin = max(self._loop.time() + order.delay, order.at)
            self._timer = self._loop.call_at(self._begin, self._deliver)

    def eof_received(self) -> None:
        self._gone = self._gone or monotonic_ns()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if exc is not None:
            self.eof_received()
        if self._order is not None and self._order.number >= 0:
            report = Report(number=self._order.number, first=self._first, gone=self._gone, late=self._late)
            print(report.line(), flush=True)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        if self._timer is None:
            self._loop.call_soon(self._deliver)  # closing from here would end the transport twice (Python 3.11)

    def _deliver(self) -> None:
        """Every piece that is due, and a timer for the next."""
        order = self._order
        assert order is not None
        self._timer = None
        audio = two_seconds(order.rate)
        while self._sent < self._total and not self._paused and not self._transport.is_closing():
            if order.pace and not self._is_due(order):
                return
            start = self._sent % (order.rate * WIDTH)
            size = min(self._step, self._total - self._sent)
            self._sent += size
            self._first = self._first or monotonic_ns()
            self._transport.write(audio[start : start + size])
        if self._sent >= self._total and order.stall >= order.seconds:
            self._transport.close()

    def _is_due(self, order: Order) -> bool:
        due = self._begin + self._sent / (WIDTH * order.rate * order.pace)
        now = self._loop.time()
        if due > now:
            self._timer = self._loop.call_at(due, self._deliver)
            return False
        self._late = max(self._late, now - due)
        return True


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Delivery, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
