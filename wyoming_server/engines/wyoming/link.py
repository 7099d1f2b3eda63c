"""One connection to a Wyoming server: where it is, events out, events in. Knows no request, and not what an answer means.

Every length that the server controls is bounded; whatever goes wrong is a HeraldError that names the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
from typing import Self
from urllib.parse import urlsplit

import voluptuous as vol
from wyoming.event import Event, Eventable
from wyoming.info import Describe

from ...errors import EngineError, EngineTimeout, EngineUnavailable
from ...protocols.wyoming import WyomingReader, encode

PORT = 10200
"""Where Wyoming servers speak, unless they are told otherwise."""
READ_SIZE = 64 * 1024
DATA_MAX = 4 << 20
"""Bytes of an event's data: the `info` of a server with some 10,000 voices."""
PAYLOAD_MAX = 16 << 20
"""Bytes of audio in one event: some servers send a whole text's in one."""
PATH_MAX = 107
"""Bytes of a Unix socket's path, as systems have it."""


class Lost(EngineError):
    """The connection ended before the answer did."""


def server_uri(text: str) -> str:
    """The address of a server, written out: `pi.local` is tcp://pi.local:10200. For voluptuous."""
    uri = text if "://" in text else f"tcp://{text}"
    if not _is_unix(uri) and (bare := re.fullmatch(r"(tcp://(?:\[[^]/?#@]+\]|[^]\[/?#@:]+))/?", uri)):
        uri = f"{bare[1]}:{PORT}"
    if not (_is_unix(uri) or _is_tcp(uri)) or not uri.isprintable() or " " in uri:
        msg = "it must be tcp://HOST:PORT, HOST:PORT or unix:///path"
        raise vol.Invalid(msg)
    return uri


def _is_unix(uri: str) -> bool:
    path = uri.removeprefix("unix://")
    return path != uri and path.startswith("/") and 1 < len(path.encode(errors="replace")) <= PATH_MAX


def _is_tcp(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
        # Wyoming has no passwords: one would only stand in every message.
        plain = uri.lower() == f"tcp://{parts.netloc}".lower() and "@" not in parts.netloc
        return parts.scheme == "tcp" and plain and bool(parts.hostname and parts.port)
    except ValueError:
        return False


class Link:
    """Use `open`; whoever opened it closes or cuts it."""

    def __init__(self, uri: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.uri = uri
        self._reader = reader
        self._writer = writer
        self._codec = WyomingReader(max_data=DATA_MAX, max_payload=PAYLOAD_MAX)
        self._failure: Exception | None = None
        """Of ours, see `fail`."""

    @classmethod
    async def open(cls, uri: str, *, within: float) -> Self:
        """`uri`: tcp://HOST:PORT or unix:///PATH; `within`: seconds. Raises EngineUnavailable."""
        try:
            async with asyncio.timeout(within):
                return cls(uri, *await _open(uri))
        except TimeoutError as error:
            msg = f"No Wyoming server answers at {uri} within {within:g} s."
            raise EngineUnavailable(msg) from error
        except (OSError, UnicodeError) as error:  # UnicodeError: a host name that IDNA does not take, such as a..b
            msg = f"No Wyoming server answers at {uri}: {getattr(error, 'strerror', None) or error}. Is it running there?"
            raise EngineUnavailable(msg) from error

    def send(self, *events: Eventable) -> None:
        """Whoever receives finds out that the server has gone, and what it said before."""
        if not self._writer.is_closing():
            self._writer.write(b"".join(encode(event.event()) for event in events))

    async def drain(self) -> None:
        """Wait until the server has taken most of what was sent."""
        with contextlib.suppress(OSError):  # see `send`
            await self._writer.drain()

    async def receive(self) -> Event:
        """The next event. Raises Lost, and ProtocolError or TooLarge for what cannot be read."""
        while (event := self._codec.next_event()) is None:
            try:
                data = await self._reader.read(READ_SIZE)
            except OSError as error:  # a machine that went off is a TimeoutError, or EHOSTUNREACH
                if error is self._failure:
                    raise
                msg = f"The connection to {self.uri} broke: {error.strerror or error}."
                raise Lost(msg) from error
            if not data:
                msg = f"{self.uri} closed the connection before the end of its answer."
                raise Lost(msg)
            self._codec.feed(data)
        return event

    async def describe(self, *, within: float) -> Event:
        """What the server answers to `describe`: its `info`, or an `error`. Raises HeraldError."""
        self.send(Describe())
        try:
            async with asyncio.timeout(within):
                while (event := await self.receive()).type not in ("info", "error"):
                    pass
        except TimeoutError as error:
            msg = f"{self.uri} does not answer `describe`. Is it a Wyoming server?"
            raise EngineTimeout(msg) from error
        return event

    def fail(self, error: Exception) -> None:
        """Whoever receives gets this error."""
        self._failure = error
        self._reader.set_exception(error)

    def close(self) -> None:
        """After an answer that is whole."""
        self._writer.close()

    def cut(self) -> None:
        """In the middle of one. By a reset, which a server sees at once: after a mere end it may go on until its second write."""
        sock = self._writer.get_extra_info("socket")
        if sock.family != socket.AF_UNIX:
            with contextlib.suppress(OSError):  # it is closed already
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def closed(self) -> None:
        """Wait until nothing of it is left, after `close` or `cut`."""
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


async def _open(uri: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = urlsplit(uri)
    if parts.scheme == "unix":
        return await asyncio.open_unix_connection(parts.path, limit=READ_SIZE)
    return await asyncio.open_connection(parts.hostname, parts.port, limit=READ_SIZE)
