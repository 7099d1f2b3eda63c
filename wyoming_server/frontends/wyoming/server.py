"""Listens for Wyoming clients on TCP and Unix sockets, within limits, and ends them all when it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from wyoming.error import Error

from ...errors import AccessError, Busy, ConfigError, HeraldError, ShuttingDown
from ...protocols.wyoming import encode
from ..sockets import stop_listening, tune
from .connection import READ_SIZE, Connection, Services

_LOGGER = logging.getLogger(__name__)

DRAIN = 0.8
"""Seconds that replies have to end by themselves at a shutdown."""
GOODBYE = 0.5
"""Seconds after that in which engines are told and clients read why they were interrupted; then as long for what is cancelled."""


class WyomingServer:
    """See `serving`."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.sessions = services.sessions
        self._connections: set[asyncio.Task[None]] = set()
        self.uris: list[str] = []
        """Where it listens; a port of 0 in the configuration is a real one here."""

    @property
    def clients(self) -> int:
        """How many are connected."""
        return len(self._connections)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Accept clients while the block runs; then let replies end for a moment, and interrupt the rest in words."""
        try:
            async with AsyncExitStack() as listeners:
                for uri in self._services.config.uri:
                    await listeners.enter_async_context(self._listening(uri))
                yield
        finally:
            await self._end_connections()

    @asynccontextmanager
    async def _listening(self, uri: str) -> AsyncIterator[None]:
        parts = urlsplit(uri)
        try:
            if parts.scheme == "unix":
                server = await asyncio.start_unix_server(self._accept, _free_path(Path(parts.path)), limit=READ_SIZE)
                self.uris.append(uri)
            else:
                server = await asyncio.start_server(self._accept, parts.hostname, parts.port, limit=READ_SIZE)
                self.uris += [_tcp_uri(listener.getsockname()) for listener in server.sockets]
        except OSError as error:
            msg = f"Wyoming cannot listen on {uri}: {error.strerror or error}. Is another server running there? (wyoming.uri)"
            raise ConfigError(msg) from error
        try:
            yield
        finally:
            # Not `async with`: since Python 3.12 leaving it waits for the connections, which end a moment later.
            await stop_listening(server)
            if parts.scheme == "unix":
                _unlink(Path(parts.path))

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        # One that is cancelled before its first step does not close it.
        task.add_done_callback(lambda _: writer.close())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = _client_name(writer)
        tune(writer.get_extra_info("socket"))
        try:
            if (refusal := self._refusal(writer)) is not None:
                _LOGGER.warning("%s: %s", client, refusal)
                writer.write(encode(Error(text=str(refusal), code=refusal.code).event()))
                return
            _LOGGER.debug("%s: connected", client)
            await Connection(self._services, reader, writer, client).run()
        finally:
            await _close(writer)

    def _refusal(self, writer: asyncio.StreamWriter) -> HeraldError | None:
        config = self._services.config
        peer = writer.get_extra_info("peername")
        if isinstance(peer, tuple) and not config.allow.allows(peer[0]):
            return AccessError(f"The address {peer[0]} may not speak here (wyoming.allow).")
        if len(self._connections) > config.max_connections:
            return Busy(f"{config.max_connections} clients are connected; no more are allowed (wyoming.max_connections).")
        return None

    async def _end_connections(self) -> None:
        sessions = self._services.sessions
        sessions.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN):
                await sessions.until_idle()
        if sessions.interrupt_all(ShuttingDown()):
            await asyncio.wait(self._connections, timeout=GOODBYE)
        for task in self._connections:
            task.cancel()
        if self._connections:
            await asyncio.wait(self._connections, timeout=GOODBYE)


async def _close(writer: asyncio.StreamWriter) -> None:
    """Close at once. What a client has not taken by now ends in a reset, so that it does not take the part for the whole."""
    if writer.transport.get_write_buffer_size():
        with contextlib.suppress(OSError):
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    else:
        writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def _client_name(writer: asyncio.StreamWriter) -> str:
    peer = writer.get_extra_info("peername")
    if not isinstance(peer, tuple):
        return "a local client"
    return f"[{peer[0]}]:{peer[1]}" if ":" in peer[0] else f"{peer[0]}:{peer[1]}"


def _tcp_uri(address: tuple[str, int]) -> str:
    host, port = address[:2]
    return f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"


def _unlink(path: Path) -> None:
    path.unlink(missing_ok=True)  # Python 3.13 and later did it already


def _free_path(path: Path) -> Path:
    """The path of a Unix socket; one that a dead server left behind is removed, anything else is not touched."""
    if path.is_socket():
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as probe:
            probe.setblocking(False)  # a server that is only busy must not hold this one up
            if probe.connect_ex(str(path)) == errno.ECONNREFUSED:
                path.unlink()
    return path
