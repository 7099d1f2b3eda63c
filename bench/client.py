"""A lean Wyoming client: stamps when events are whole, keeps no audio. It must cost less than the servers it measures."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from time import monotonic_ns
from typing import Any, Self, cast

from wyoming.event import Event

from wyoming_server.protocols.wyoming import encode

Address = tuple[str, int]

_AUDIO = "audio-chunk"
_ENDS = ("audio-stop", "info", "error")


class CallFailed(Exception):
    """The server told an error, or left."""


class Listener(asyncio.Protocol):
    """One connection, the one request on it and what is heard of its answer; the protocol that is spoken is a subclass's."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._heard: asyncio.Future[None] = loop.create_future()
        self._finished: asyncio.Future[None] = loop.create_future()
        self.begun = monotonic_ns()
        """Before connecting. Stamps are CLOCK_MONOTONIC in ns."""
        self.sent = 0
        self.chunks: list[tuple[int, int]] = []
        """When each audio chunk was whole, and its bytes."""
        self.ended = 0

    @classmethod
    async def connect(cls, address: Address) -> Self:
        _, call = await asyncio.get_running_loop().create_connection(cls, *address)
        return call

    async def heard(self) -> None:
        """The first audio chunk. Raises CallFailed."""
        await self._heard

    async def finished(self) -> None:
        """The end of the answer. Raises CallFailed."""
        await self._finished

    def leave(self) -> int:
        """When. The server is told at once, not when this process's event loop comes to it."""
        stamp = monotonic_ns()
        with contextlib.suppress(OSError):
            self._transport.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        self._transport.abort()
        return stamp

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail("The server left." if exc is None else f"The connection broke: {exc}")

    # For subclasses

    def _chunk(self, now: int, size: int) -> None:
        self.chunks.append((now, size))
        if not self._heard.done():
            self._heard.set_result(None)

    def _end(self, now: int) -> None:
        if not self._finished.done():
            self.ended = now
            self._finished.set_result(None)

    def _fail(self, message: str) -> None:
        for future in (self._heard, self._finished):
            if not future.done():
                future.set_exception(CallFailed(message))
                future.exception()  # seen: nobody need wait for it


class Call(Listener):
    """A Wyoming connection."""

    def __init__(self) -> None:
        super().__init__()
        self._head = b""
        self._type = ""
        self._left = 0
        """Bytes of the current event that are still to come."""
        self._payload = 0
        self._body = b""

    def send(self, event_type: str, **data: Any) -> None:
        self.sent = monotonic_ns()
        self._transport.write(encode(Event(event_type, data)))

    # What the event loop calls

    def data_received(self, data: bytes) -> None:
        now = monotonic_ns()
        at = 0
        while at < len(data):
            if not self._left:
                end = data.find(b"\n", at)
                if end < 0:
                    self._head += data[at:]
                    return
                self._begin_event(json.loads(self._head + data[at:end]))
                self._head = b""
                at = end + 1
            else:
                taken = min(self._left, len(data) - at)
                if self._type != _AUDIO:
                    self._body += data[at : at + taken]
                self._left -= taken
                at += taken
            if not self._left:
                self._end_event(now)

    def _begin_event(self, header: dict[str, Any]) -> None:
        self._type = header["type"]
        self._payload = header.get("payload_length") or 0
        self._left = (header.get("data_length") or 0) + self._payload
        self._body = b""

    def _end_event(self, now: int) -> None:
        if self._type == _AUDIO:
            self._chunk(now, self._payload)
        elif self._type == "error":
            self._fail(str(json.loads(self._body)["text"]))
        elif self._type in _ENDS:
            self._end(now)
