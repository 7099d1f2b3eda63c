"""What every bench works with: how thorough to be, the processes (each started once, when first needed), and one spoken reply."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count
from time import monotonic
from typing import Any

from .client import Call
from .figures import milliseconds
from .order import Order, Report
from .processes import Server, Upstream, cpu_seconds, floor, flowing_floor, herald, relay_engines, upstream

SIGNAL, SIGNAL_22, SPEECH = "signal/relay", "signal22/relay", "speech/relay"
"""Voices of the Herald under test: the upstream's bytes as they are at 24 and at 22.05 kHz, and made even as speech is."""


class Size(StrEnum):
    FULL = "full"
    QUICK = "quick"
    TINY = "tiny"
    """Only to see that everything works."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spoken:
    """One reply as it was heard, and as the upstream delivered it."""

    call: Call
    report: Report

    @property
    def added(self) -> float:
        """ms from the upstream's first byte to the client's first chunk."""
        assert self.report.first is not None
        return milliseconds(self.report.first, self.call.chunks[0][0])


@dataclass(kw_only=True)
class Lab:
    """Use `laboratory`."""

    size: Size
    clients: tuple[int, ...]
    minutes: float | None
    """Of the endurance run; `None` leaves it to the size."""
    _stack: AsyncExitStack
    _upstream: Upstream | None = None
    _servers: dict[object, Server] = field(default_factory=dict)
    _numbers: count[int] = field(default_factory=count)

    async def upstream(self) -> Upstream:
        if self._upstream is None:
            self._upstream = await self._stack.enter_async_context(upstream())
        return self._upstream

    async def floor(self, chunk: int | None = None) -> Server:
        """`chunk`: bytes of each chunk; otherwise as they come."""
        if ("floor", chunk) not in self._servers:
            self._servers["floor", chunk] = await self._stack.enter_async_context(floor(await self.upstream(), chunk))
        return self._servers["floor", chunk]

    async def flowing_floor(self) -> Server:
        if "flowing floor" not in self._servers:
            self._servers["flowing floor"] = await self._stack.enter_async_context(flowing_floor(await self.upstream()))
        return self._servers["flowing floor"]

    async def herald(self) -> Server:
        if "herald" not in self._servers:
            server = await self._stack.enter_async_context(herald(relay_engines(await self.upstream()), quiet=[SPEECH]))
            await self.speak(server, self.order(seconds=0.2), voice=SPEECH, rate=16_000)  # what it imports late is imported now
            self._servers["herald"] = server
        return self._servers["herald"]

    def number(self) -> int:
        """Another one with every call."""
        return next(self._numbers)

    def order(self, **values: Any) -> Order:
        return Order(number=self.number(), **values)

    async def begin(self, server: Server, order: Order, *, voice: str = SIGNAL, **context: Any) -> Call:
        return await ask(server, order.text(), voice, **context)

    async def speak(self, server: Server, order: Order, *, voice: str = SIGNAL, **context: Any) -> Spoken:
        """A whole reply."""
        call = await self.begin(server, order, voice=voice, **context)
        try:
            await call.finished()
        finally:
            call.leave()
        return Spoken(call=call, report=await (await self.upstream()).report(order.number))


async def ask(server: Server, text: str, voice: str, **context: Any) -> Call:
    """On a new connection, as Home Assistant does."""
    call = await Call.connect(server.address)
    call.send("synthesize", text=text, voice={"name": voice}, context=context)
    return call


@asynccontextmanager
async def laboratory(size: Size, *, clients: tuple[int, ...] = (1, 10, 50), minutes: float | None = None) -> AsyncIterator[Lab]:
    async with AsyncExitStack() as stack:
        yield Lab(size=size, clients=clients, minutes=minutes, _stack=stack)


class CpuMeter:
    """CPU time of a server, the upstream and this process since it was made."""

    def __init__(self, server: Server, up: Upstream) -> None:
        self._pids = {"server": server.pid, "upstream": up.pid, "clients": os.getpid()}
        self._begin = {name: cpu_seconds(pid) for name, pid in self._pids.items()}
        self._since = monotonic()

    def seconds(self, name: str = "server") -> float:
        return cpu_seconds(self._pids[name]) - self._begin[name]

    def shares(self) -> str:
        """% of one core each, for people."""
        wall = monotonic() - self._since
        return ", ".join(f"{name} {100 * self.seconds(name) / wall:.0f} %" for name in self._pids)
