"""What a task is told as audio: when, in which pieces, and in which kinds of message."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any, Protocol

from wyoming_server.models import AudioFormat

from .voice import Voice
from .world import Options, Shape

UNEVEN = (1, 0.6, 1.4, 0.25, 1.75)
"""Lengths of pieces, in turn, where nobody asked for one length."""
LONGEST = 1.0
"""Seconds in a message."""
EVENT = "TaskResult"
"""One that nobody knows."""

Write = Callable[[bytes, Shape], Any]


class Teller(Protocol):
    """Who puts it on the wire."""

    async def tell_audio(self, message: bytes | str, size: int, how: str) -> None: ...

    def message(self, event: str | None, **more: Any) -> str: ...


class Output:
    """The audio of one task."""

    def __init__(self, teller: Teller, source: AudioFormat, target: AudioFormat, options: Options, *, align: bool) -> None:
        self._teller = teller
        self._target = target
        self._options = options
        self._voice = Voice(source, target)
        self._made: asyncio.Queue[tuple[float, bytes] | None] = asyncio.Queue()
        self._pending = bytearray()
        self._shapes = cycle(options.shapes)
        self._lengths = self._evenly() if align else self._unevenly()
        self._length = next(self._lengths)
        self._due = 0.0

    def push(self, pcm: bytes) -> None:
        self._put(self._voice.push(pcm))

    def finish(self) -> None:
        """No more comes in."""
        self._put(self._voice.flush())
        self._made.put_nowait(None)

    def close(self) -> None:
        self._voice.close()

    def _put(self, made: bytes) -> None:
        self._made.put_nowait((asyncio.get_running_loop().time() + self._options.delay, made))

    async def run(self) -> bytes:
        """Until all is told, but what stands in TaskFinished, which it returns."""
        held = self._bytes(min(self._options.hold, 1e6))
        while (item := await self._made.get()) is not None:
            due, made = item
            await self._until(due)
            self._pending += made
            if len(self._pending) - held >= self._bytes(self._options.burst):
                await self._write(held)
        await self._write(0)
        if self._options.last == "before" and self._pending:
            await self._say(len(self._pending))
        return bytes(self._pending)

    async def _write(self, held: int) -> None:
        """All but what is held, and the last piece, which may be the last of all."""
        while (free := len(self._pending) - held) > 0:
            size = self._length or min(free, self._bytes(LONGEST))
            if self._length and free <= size:
                return
            await self._say(size)
            self._length = next(self._lengths)

    async def _say(self, size: int) -> None:
        await self._until(self._due)
        piece, how = bytes(self._pending[:size]), next(self._shapes)
        del self._pending[:size]
        await self._teller.tell_audio(self._shaped(piece, how), len(piece), how)
        if self._options.pace:
            now = asyncio.get_running_loop().time()
            self._due = max(now, self._due) + self._target.seconds(size) / self._options.pace

    def _shaped(self, piece: bytes, how: Shape) -> bytes | str:
        if how == "binary":
            return piece
        return self._teller.message(EVENT if how == "event" else None, data=base64.b64encode(piece).decode())

    async def _until(self, due: float) -> None:
        wait = due - asyncio.get_running_loop().time()
        if wait > 0:
            await asyncio.sleep(wait)

    def _bytes(self, seconds: float) -> int:
        return self._target.size(seconds)

    def _evenly(self) -> Iterator[int]:
        """All but the first: that one is shorter."""
        piece = self._bytes(self._options.piece or 0.1)
        yield self._bytes((self._options.piece or 0.1) / 2)
        while True:
            yield piece

    def _unevenly(self) -> Iterator[int]:
        for part in cycle(UNEVEN):
            size = self._bytes(part * self._options.piece)
            yield size | 1 if size and self._options.splits_samples else size
