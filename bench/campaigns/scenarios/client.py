"""A client of any front end, on an address of its own: what it was told, and what of it was heard, piece by piece."""

from __future__ import annotations

import asyncio
import socket
import struct
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlsplit

from websockets.exceptions import WebSocketException

from wyoming_server.server import Running

from .scenario import Call

RATE = 24_000
"""Hz that every client asks for, where it may: OpenAI's PCM has no other."""
WIDTH = 2
HEADER = 44
"""Bytes of a WAV's."""
LINGER_NOT = struct.pack("ii", 1, 0)
"""SO_LINGER of a socket whose close is a reset."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """How it ended, as the client saw it."""

    how: str
    """`whole`, `interrupted`, `error` (in words), `broken` (audio without an end) or `nothing` (an end without a word)."""
    code: str = ""
    """Of an error: Herald's, or the number of the protocol."""


class Client(ABC):
    """One call. `run` it in a task; the other methods may be called meanwhile, and afterwards."""

    namespace: ClassVar[str] = "http"

    def __init__(self, call: Call, host: str, server: Running, share: str) -> None:
        self.call = call
        self.host = host
        self.server = server
        self.session_id = call.session
        self.options: dict[str, Any] = {"share": share} if share else {}
        if not call.cache:
            self.options["cache"] = False
        self.pieces = 0
        self.audio = b""
        self.has_asked = False
        self.left = False
        """It hung up."""
        self.has_cancelled = False
        """It stopped writing before its reply was whole: to Wyoming that is leaving, though it is told so."""
        self.told: Told | None = None
        self._news = asyncio.Event()

    async def run(self) -> None:
        try:
            self.told = await self.talk()
        except (OSError, EOFError, WebSocketException):
            self.told = Told(how="nothing")
        finally:
            self.told = self.told or Told(how="nothing")
            self._tell()
            self.close()

    async def reached(self, pieces: int) -> None:
        """Until it has asked, and heard so many pieces, or is over."""
        while self.told is None and not (self.has_asked and self.pieces >= pieces):
            self._news.clear()
            await self._news.wait()

    def hang_up(self, *, reset: bool) -> None:
        if self.told is not None:
            return
        self.left = True
        transport = self.transport()
        if transport is None:
            return
        if reset:
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
        transport.abort()

    def seconds(self) -> float | None:
        """Of what was heard; None: that is not known of such a file."""
        headers = {"pcm": 0, "wav": HEADER}
        if self.call.format not in headers:
            return None
        return max(0, len(self.audio) - headers[self.call.format]) / (WIDTH * self.rate)

    rate = RATE

    def _heard(self, audio: bytes) -> None:
        self.audio += audio
        self.pieces += 1
        self._tell()

    def _asked(self) -> None:
        self.has_asked = True
        self._tell()

    def _tell(self) -> None:
        self._news.set()

    # What a protocol is

    @abstractmethod
    async def talk(self) -> Told: ...

    @abstractmethod
    def transport(self) -> asyncio.WriteTransport | None:
        """Of its connection, once there is one."""

    def close(self) -> None:
        """Leave, if it has not yet."""
        if (transport := self.transport()) is not None:
            transport.abort()

    async def cancel(self) -> None:
        """By the protocol's own means."""


class Streams(Client):
    """On a stream of bytes."""

    writer: asyncio.StreamWriter | None = None
    reader: asyncio.StreamReader

    async def open(self, url: str) -> None:
        parts = urlsplit(url)
        self.reader, self.writer = await asyncio.open_connection(
            parts.hostname, parts.port, local_addr=(self.host, 0), limit=1 << 20
        )

    def transport(self) -> asyncio.WriteTransport | None:
        return self.writer.transport if self.writer is not None else None
