"""The connections to one service: one request after the other, and never one behind an answer that is still to come.

The service cancels nothing, and its WAV names no request. So a connection on which another reply's WAV could come is not used
again: not after an interrupt, not after a failure, not without the `end` of the request before.
"""

from __future__ import annotations

import asyncio
import re
from time import monotonic
from urllib.parse import urlsplit

from ...errors import ConfigError, EngineUnavailable, HeraldError
from ...protocols.indextts import (
    AUDIO_MAX,
    Ended,
    Request,
    ServerMessage,
    Status,
    Unknown,
    Welcome,
    decode_server,
    encode_client,
)
from ...upstream.attempts import Failed, FirstAudioClock
from ...upstream.failures import Asked, Late
from ...upstream.websocket import EngineSocket, HandshakeRefused, open_websocket
from . import failures

PORT = 8770
URL = f"ws://127.0.0.1:{PORT}"
CLOSED = "The engine was closed."
_SCHEMES = {"https": "wss", "http": "ws", "wss": "wss", "ws": "ws"}


def websocket_url(text: str) -> str:
    """`ws://host:port/path` of a URL, or of a host with or without its port. Raises ConfigError."""
    text = text.strip()
    try:
        parts = urlsplit(text if "://" in text else f"ws://{text}")
        good = parts.scheme in _SCHEMES and bool(parts.hostname) and not re.search(r"[\s@?#]", text)
        port = parts.port
    except ValueError:
        good, port = False, None
    if not good:
        shown = text.partition("?")[0].rpartition("@")[2]  # passwords stand before and keys behind
        msg = f"url is the address of the service, such as {URL}, not {shown!r}"
        raise ConfigError(msg)
    own_port = "" if "://" in text or port is not None else f":{PORT}"
    return f"{_SCHEMES[parts.scheme]}://{parts.netloc.lower()}{own_port}{parts.path.rstrip('/')}"


class Line:
    """One connection, open until it is left."""

    def __init__(self, socket: EngineSocket) -> None:
        self.used = False
        """It waited after an earlier request: it may have died since."""
        self._socket = socket
        self._end_by: float | None = None
        """When its last request's `end` must have come. `None`: it has, or there was no request."""

    async def ask(self, request: Request) -> None:
        """Raises Lost."""
        await self._socket.send(encode_client(request))

    async def receive(self) -> ServerMessage:
        """Raises Lost, ProtocolError and TooLarge."""
        return decode_server(await self._socket.receive())

    def rest(self, end_within: float) -> None:
        """The WAV has come; nothing but `end` may follow."""
        self.used = True
        self._end_by = monotonic() + end_within

    async def is_clean(self) -> bool:
        """Whether the next WAV will be the next request's. Waits for a missing `end` as long as that may take."""
        while True:
            patience = 0 if self._end_by is None else max(0, self._end_by - monotonic())
            try:
                async with asyncio.timeout(patience):  # what is here already is read even if there is no time left
                    message = await self.receive()
            except TimeoutError:
                return self._end_by is None
            except HeraldError:
                return False
            if isinstance(message, Ended):
                self._end_by = None
            elif not isinstance(message, Welcome | Status | Unknown):
                return False

    async def leave(self) -> None:
        """In the first step, before anybody else runs, the service is told."""
        try:
            await self._socket.leave()
        except EngineUnavailable:
            self._socket.cut()


class Lines:
    """Those of one engine. `open_within`: seconds to open one; `keep`: seconds that an unused one is kept, 0 keeps none."""

    def __init__(self, url: str, *, open_within: float, keep: float) -> None:
        self._url = url
        self._open_within = open_within
        self._keep = keep
        self._idle: list[Line] = []
        """The one that was used last at the end."""
        self._timers: dict[Line, asyncio.TimerHandle] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._closed = False

    async def take(self, asked: Asked, clock: FirstAudioClock | None = None) -> Line:
        """One that is clean, or a new one, which is open in the time that the clock leaves, if there is one. Raises Failed."""
        while self._idle:
            line = self._idle.pop()
            self._timers.pop(line).cancel()
            clean = False
            try:
                clean = await line.is_clean()
            finally:
                if not clean:
                    self.leave(line)
            if clean:
                return line
        return await self.open(asked, clock)

    async def open(self, asked: Asked, clock: FirstAudioClock | None = None) -> Line:
        """A new one. Raises Failed."""
        self._check_open()
        within = limit = self._open_within
        if clock is not None and clock.left < within:
            within, limit = max(0, clock.left), clock.limit
        try:
            async with asyncio.timeout(within):
                socket = await open_websocket(self._url, {}, peer=asked.peer, message_max=AUDIO_MAX)
        except TimeoutError:
            raise failures.late(Late.CONNECT, limit, asked) from None
        except HandshakeRefused as error:
            raise failures.refused(error, asked) from error
        except EngineUnavailable as error:
            raise failures.unreachable(error) from error
        return Line(socket)

    def give_back(self, line: Line, *, end_within: float) -> None:
        """Its request's WAV has come; `end` may still be on its way."""
        line.rest(end_within)
        if self._closed or not self._keep:
            self.leave(line)
            return
        self._idle.append(line)
        self._timers[line] = asyncio.get_running_loop().call_later(self._keep, self._give_up, line)

    def leave(self, line: Line) -> None:
        """Close it; nobody waits for that but `close`."""
        task = asyncio.create_task(line.leave())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def close(self) -> None:
        """Leave those that nobody uses, and open no other. Twice is fine."""
        self._closed = True
        while self._idle:
            self._give_up(self._idle[-1])
        while self._leaving:
            await asyncio.wait(self._leaving)

    def _give_up(self, line: Line) -> None:
        self._idle.remove(line)
        self._timers.pop(line).cancel()
        self.leave(line)

    def _check_open(self) -> None:
        if self._closed:
            raise Failed(EngineUnavailable(CLOSED))
