"""All clients of one server: how many there may be, how long they may take, and what those beyond the limit are told."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol, cast

from ...errors import Busy
from .problems import raw_problem

_LOGGER = logging.getLogger(__name__)

KEEP_ALIVE = 30.0
"""Seconds that an idle connection stays open for a next request; clients give theirs up after 15, as a rule."""
REFUSALS_MAX = 32
"""Connections that are being refused in words at the same time; more are just closed."""
REFUSAL_TIME = 1.0
"""Seconds that a refused client has to read why."""
WARN_AGAIN = 60.0
"""Seconds in which refusals are logged once."""


class Client(Protocol):
    """A connection, as much of it as is needed here."""

    def abort(self) -> None: ...


class Clients:
    """The limits, and who is there."""

    def __init__(self, *, max_connections: int, request_timeout: float, keep_alive: float = KEEP_ALIVE) -> None:
        self.max_connections = max_connections
        self.request_timeout = request_timeout
        """Seconds in which a request's head and body must come."""
        self.keep_alive = keep_alive
        """Seconds that a connection may be idle."""
        self.connections: set[Client] = set()
        self.refusals: set[Client] = set()
        self._handlers: set[asyncio.Task[Any]] = set()
        self._handshakes: set[asyncio.Task[None]] = set()
        self._warn_from = 0.0
        self._tell_from = 0.0

    @property
    def full(self) -> bool:
        return len(self.connections) >= self.max_connections

    def warn(self) -> None:
        """Log that clients are refused, unless that was said a moment ago."""
        now = time.monotonic()
        if now >= self._warn_from:
            self._warn_from = now + WARN_AGAIN
            _LOGGER.warning("Clients are refused: %d are connected (http.max_connections)", self.max_connections)

    def misunderstood(self, error: ssl.SSLError) -> None:
        """Log that a handshake of TLS failed, unless that was said a moment ago."""
        now = time.monotonic()
        if now >= self._tell_from:
            self._tell_from = now + WARN_AGAIN
            _LOGGER.info("A client and Herald do not agree on TLS (%s); the port speaks https", error.reason or "no reason given")

    def keep(self, handshake: asyncio.Task[None]) -> None:
        """The task of a client in `connections` or `refusals`: it ends when that client is aborted."""
        self._handshakes.add(handshake)
        handshake.add_done_callback(self._handshakes.discard)

    @contextmanager
    def counted(self) -> Iterator[None]:
        """The current task is a handler while the block runs."""
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._handlers.add(task)
        try:
            yield
        finally:
            self._handlers.discard(task)

    async def end(self, drain: float) -> None:
        """Give handlers `drain` seconds to end by themselves, then cancel them and give them as much again."""
        if self._handlers:
            _, running = await asyncio.wait(self._handlers, timeout=drain)
            for task in running:
                task.cancel()
            if running:
                await asyncio.wait(running, timeout=drain)

    async def abort(self) -> None:
        """Close every connection that is still there, whatever it has to send."""
        for client in [*self.connections, *self.refusals]:
            client.abort()
        # The transports tell their protocols a moment later.
        await asyncio.sleep(0)
        if self._handshakes:
            await asyncio.wait(self._handshakes)


class Refusal(asyncio.Protocol):
    """Tells a client that there are too many, and waits a moment for it to leave.

    Closing at once would lose the words: what the client has sent meanwhile and nobody read makes a close a reset.
    """

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.take(cast("asyncio.Transport", transport))

    def take(self, transport: asyncio.Transport) -> None:
        """Be the connection's protocol from now on."""
        limit = self._clients.max_connections
        self._clients.warn()
        self._transport = transport
        transport.set_protocol(self)
        if len(self._clients.refusals) >= REFUSALS_MAX:
            transport.abort()
            return
        self._clients.refusals.add(self)
        transport.write(raw_problem(Busy(f"{limit} clients are connected; no more are allowed (http.max_connections).")))
        if transport.can_write_eof():
            transport.write_eof()
        else:
            transport.close()
        self._deadline = asyncio.get_running_loop().call_later(REFUSAL_TIME, self.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._clients.refusals.discard(self)
        if self._deadline is not None:
            self._deadline.cancel()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
