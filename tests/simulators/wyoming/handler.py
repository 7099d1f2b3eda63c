"""One connection of the server, event by event, and everything that it may do wrong on it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
from wyoming.audio import AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Info
from wyoming.server import AsyncEventHandler
from wyoming.tts import SynthesizeStopped

from ..common.line import to_be_reset
from ..speech.audio import Manner as Speech
from ..speech.audio import speech
from .manners import Fault, Kind, Manner, Stage
from .world import World

GARBAGE = b"HTTP/1.1 400 Bad Request\r\n\r\n"
_END = re.compile(r"[.!?]+\s+(?=\S)|[。！？]")
"""Of a sentence; a Latin one is only known to be over when the next begins."""


class _Over(Exception):
    """A fault ended the connection."""


class _Skipped(Exception):
    """A fault leaves out what would come now."""


class Handler(AsyncEventHandler):
    """Texts are spoken where they are read, so nothing else is seen meanwhile."""

    def __init__(self, world: World, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(reader, writer)
        self.world = world
        world.connections += 1
        self.number = world.connections
        self._stream: str | None = None
        """Text of the open stream that is not spoken yet."""
        self._chunks = 0
        self._cycles = 0
        self._handlers: Mapping[str, Callable[[Event], Awaitable[None]]] = {
            "describe": self._describe,
            "synthesize": self._synthesize,
            "synthesize-start": self._start,
            "synthesize-chunk": self._fragment,
            "synthesize-stop": self._stop,
        }

    @property
    def manner(self) -> Manner:
        return self.world.manner

    async def run(self) -> None:
        self.world.journal.add("connected", self.number)
        if task := asyncio.current_task():
            self.world.tasks.add(task)
            task.add_done_callback(self.world.tasks.discard)
        watch = asyncio.create_task(self._watch())
        try:
            await self._strike("connection")
            await super().run()
        except (ConnectionError, asyncio.IncompleteReadError, _Over):
            pass
        finally:
            self.writer.close()
            await watch

    async def handle_event(self, event: Event) -> bool:
        self.world.journal.add("event", self.number, type=event.type, data=event.data)
        if event.type in self._handlers:
            await self._handlers[event.type](event)
        return True

    async def _watch(self) -> None:
        with suppress(OSError):
            await self.writer.wait_closed()
        self.world.journal.add("gone", self.number)

    # Events

    async def _describe(self, event: Event) -> None:
        await self._strike("describe")
        told = self.manner.streaming if self.manner.advertised is None else self.manner.advertised
        info = Info(tts=[program.told(streaming=told) for program in self.manner.programs]).event()
        await self._write(Event("info", dict(self.manner.info)) if self.manner.info is not None else info)

    async def _synthesize(self, event: Event) -> None:
        text = event.data["text"]
        if self._stream is None:
            await self._strike("text", text)
            await self._speak(text)
        elif self.manner.takes != "fragments":
            await self._speak(text)

    async def _start(self, event: Event) -> None:
        if self.manner.streaming:
            self._stream = ""

    async def _fragment(self, event: Event) -> None:
        text = event.data["text"]
        await self._strike("text", text)
        if self._stream is None or self.manner.takes == "copy":
            return
        self._stream += text
        if self.manner.cycles == "sentence":
            for sentence in self._whole_sentences():
                await self._speak(sentence)

    async def _stop(self, event: Event) -> None:
        if self._stream is None:
            return
        rest, self._stream = self._stream, None
        if rest.strip() or not self._cycles:
            await self._speak(rest)
        await self._strike("end")
        if self.manner.ends == "stopped":
            await self._write(SynthesizeStopped().event())
        elif self.manner.ends == "hangs up":
            self.writer.close()

    def _whole_sentences(self) -> Iterator[str]:
        while self._stream and (end := _END.search(self._stream)):
            sentence, self._stream = self._stream[: end.end()], self._stream[end.end() :]
            yield sentence

    # Audio

    async def _speak(self, text: str) -> None:
        rate = self.manner.rates[self._cycles % len(self.manner.rates)]
        self._cycles += 1
        text = text.strip()
        if not text or (self.manner.silent and self.manner.silent in text):
            await self._write(AudioStop().event())
            return
        data = {"rate": rate, "width": self.manner.width, "channels": self.manner.channels}
        pcm = spoken(text, rate, self.manner.channels)
        await self._strike("audio-start", text)
        await self._write(Event("audio-start", data))
        with suppress(_Skipped):
            for start in range(0, len(pcm), self.manner.piece):
                await self._strike("audio", text)
                self.world.journal.add("audio", self.number)
                self._chunks += 1
                chunk = pcm[start : start + self.manner.piece]
                await self._write(Event("audio-chunk", {} if self.manner.bare else data, chunk))
            await self._strike("audio-stop", text)
            await self._write(AudioStop().event())

    async def _write(self, event: Event) -> None:
        if not self.manner.inline:
            await self.write_event(event)
            return
        header = {"type": event.type, "data": event.data, "payload_length": len(event.payload or b"")}
        self.writer.write(json.dumps(header).encode() + b"\n" + (event.payload or b""))
        await self.writer.drain()

    # Faults

    async def _strike(self, on: Stage, text: str = "") -> None:
        if fault := self.world.take(on, chunks=self._chunks, text=text):
            self.world.journal.add("fault", self.number, kind=fault.kind, on=on)
            await _BEHAVIOURS[fault.kind](self, fault)


async def _stall(handler: Handler, fault: Fault) -> None:
    await handler.world.go_on.wait()


async def _hang_up(handler: Handler, fault: Fault) -> None:
    raise _Over


async def _reset(handler: Handler, fault: Fault) -> None:
    to_be_reset(handler.writer.transport)
    handler.writer.transport.abort()
    raise _Over


async def _error(handler: Handler, fault: Fault) -> None:
    await handler.write_event(Error(text=fault.text, code=fault.code).event())
    raise _Over


async def _garbage(handler: Handler, fault: Fault) -> None:
    handler.writer.write(GARBAGE)
    await handler.writer.drain()


async def _unknown(handler: Handler, fault: Fault) -> None:
    await handler.write_event(Event("news-of-tomorrow", {"text": "?"}, b"\x00\x01"))


async def _skip(handler: Handler, fault: Fault) -> None:
    raise _Skipped


_BEHAVIOURS: Mapping[Kind, Callable[[Handler, Fault], Awaitable[Any]]] = {
    "stall": _stall,
    "hang up": _hang_up,
    "reset": _reset,
    "error": _error,
    "garbage": _garbage,
    "unknown": _unknown,
    "skip": _skip,
}


def spoken(text: str, rate: int = 22_050, channels: int = 1) -> bytes:
    """What it makes of a sentence."""
    mono = speech(text, Speech(rate=rate))
    return mono if channels == 1 else np.repeat(np.frombuffer(mono, "<i2"), channels).tobytes()
