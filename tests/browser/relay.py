"""A way to the server that can be cut, and that makes a stranger of everybody who comes along it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from wyoming_server.frontends.sockets import stop_listening
from wyoming_server.server import Running

from ..serving import until

_STRANGER = b"X-Forwarded-For: 192.0.2.7\r\n"


@dataclass(kw_only=True)
class Relay:
    port: int = 0
    is_foreign: bool = False
    ways: list[list[asyncio.StreamWriter]] = field(default_factory=list)
    """Both ends of each connection, or only the browser's."""

    def cut(self) -> None:
        for ends in self.ways:
            for end in ends:
                end.transport.abort()

    @contextmanager
    def keeping(self, writer: asyncio.StreamWriter) -> Iterator[list[asyncio.StreamWriter]]:
        """While the block runs. Its ends are closed then, also those that were added meanwhile."""
        ends = [writer]
        self.ways.append(ends)
        try:
            yield ends
        finally:
            self.ways.remove(ends)
            for end in ends:
                end.close()


@asynccontextmanager
async def relaying(server: Running, *, is_foreign: bool = False) -> AsyncIterator[Relay]:
    """`is_foreign`: requests come from another machine, as the server must believe of a proxy."""
    assert server.http is not None
    target = urlsplit(server.http.urls[0])
    relay = Relay(is_foreign=is_foreign)

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with relay.keeping(writer) as ends:
            try:
                there_reader, there_writer = await asyncio.open_connection(target.hostname, target.port)
                ends.append(there_writer)
                there_writer.write(await _head(reader, is_foreign=relay.is_foreign))
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(_pass_on(reader, there_writer))
                    tasks.create_task(_pass_on(there_reader, writer))
            except* (OSError, asyncio.IncompleteReadError):  # perhaps the server has ended
                pass

    listener = await asyncio.start_server(accept, "127.0.0.1", 0)
    relay.port = listener.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        await stop_listening(listener)
        relay.cut()
        await until(lambda: not relay.ways)


async def _head(reader: asyncio.StreamReader, *, is_foreign: bool) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    if not is_foreign:
        return head
    # one request a connection, so that each has the header
    head = head.replace(b"Connection: keep-alive", b"Connection: close")
    return head[:-2] + _STRANGER + b"\r\n"


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()
    writer.write_eof()
