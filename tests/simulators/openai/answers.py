"""One answer: written as it is made or whole, in events or as it is, with the faults that strike on the way."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from aiohttp import web

from ..common.faults import Over
from ..common.line import to_be_reset
from .faults import Fault, Kind, Stage
from .journal import Request
from .sound import Piece
from .world import World


def drop(request: web.Request) -> None:
    """End of file, whatever was promised."""
    if request.transport is not None:
        request.transport.close()


def reset(request: web.Request) -> None:
    """So that the client's next call fails with a connection reset."""
    transport = request.transport
    if transport is not None and not transport.is_closing():
        to_be_reset(transport)
        transport.abort()


def as_bytes(body: bytes | str | Mapping[str, Any]) -> bytes:
    if isinstance(body, bytes):
        return body
    return (body if isinstance(body, str) else json.dumps(body)).encode()


def event(data: bytes) -> bytes:
    told = {"type": "speech.audio.delta", "audio": base64.b64encode(data).decode()}
    return f"data: {json.dumps(told)}\n\n".encode()


LAST_EVENT = b'data: {"type": "speech.audio.done", "usage": {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}}\n\n'


class Answer:
    """The audio of one request."""

    def __init__(self, world: World, entry: Request, request: web.Request, response: web.StreamResponse, *, events: bool) -> None:
        self._world = world
        self._entry = entry
        self._request = request
        self._response = response
        self._events = events
        self._cuts = list(world.options.cuts)

    async def run(self, head: bytes, pieces: Iterable[Piece]) -> None:
        """`head`: the container's. Raises Over, and ConnectionError where the client left."""
        self._world.journal.add("answered", self._entry)
        await self._response.prepare(self._request)
        await self._strike("headers")
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._world.options.delay)
        begin = loop.time()
        await self._write(head)
        for piece in pieces:
            await self._in_time(begin)
            await self._strike("audio")
            self._world.journal.add("first", self._entry)
            await self._write(piece.data)
            self._entry.seconds += piece.seconds
        await self._strike("audio")
        await self._strike("end")
        if self._events:
            await self._send(LAST_EVENT)
        await self._response.write_eof()

    async def _in_time(self, begin: float) -> None:
        if self._world.options.pace:
            due = begin + self._entry.seconds / self._world.options.pace
            await asyncio.sleep(max(0, due - asyncio.get_running_loop().time()))

    async def _write(self, data: bytes) -> None:
        if data:
            await self._send(event(data) if self._events else data)

    async def _send(self, data: bytes) -> None:
        start = 0
        while start < len(data):
            size = self._cuts.pop(0) if self._cuts else self._world.options.split or len(data)
            await self._response.write(data[start : start + size])
            start += size
            if start < len(data):
                await asyncio.sleep(0)  # the client may read each by itself

    async def _strike(self, on: Stage) -> None:
        while (fault := self._world.faults.take(on, seconds=self._entry.seconds, text=self._entry.text)) is not None:
            await BEHAVIOURS[fault.kind](self, fault)

    # What faults do

    async def stall(self, fault: Fault) -> None:
        await self._world.faults.stalled(fault.seconds)

    async def insert(self, fault: Fault) -> None:
        await self._send(as_bytes(fault.body))

    async def cut(self, fault: Fault) -> None:
        await self.insert(fault)
        if self._response.content_length is not None:
            return await self.drop(fault)
        await self._response.write_eof()
        raise Over

    async def bad_chunk(self, fault: Fault) -> None:
        assert self._request.transport is not None
        self._request.transport.write(b"no length\r\n" + as_bytes(fault.body) + b"\r\n")
        return await self.drop(fault)

    async def drop(self, fault: Fault) -> None:
        drop(self._request)
        raise Over

    async def reset(self, fault: Fault) -> None:
        reset(self._request)
        raise Over


BEHAVIOURS: Mapping[Kind, Callable[[Answer, Fault], Awaitable[None]]] = {
    "stall": Answer.stall,
    "insert": Answer.insert,
    "cut": Answer.cut,
    "bad chunk": Answer.bad_chunk,
    "drop": Answer.drop,
    "reset": Answer.reset,
}
"""Of an answer that has begun; the others are `server`'s."""
