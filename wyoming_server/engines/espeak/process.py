"""One worker process, as the pool sees it: starts it, hands it one order at a time, notices how it ends.

Frames of an order that was stopped are dropped by its number; everything else about a frame is checked here.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, cast

from ...channel import Channel
from ...errors import EngineError, EngineUnavailable
from . import worker as wire

_LOGGER = logging.getLogger(__name__)

RATE = 22_050
"""Hz. Of every voice that works without MBROLA."""
AUDIO_LIMIT = 32 * 1024 * 1024
"""Bytes of audio in one order."""
MEMORY = {"MALLOC_TRIM_THRESHOLD_": "65536"}
"""Environment of a worker: has glibc give back what a voice took (8 MB for Russian) once another one is chosen."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """One text for the library, with all that it needs to know: nothing is left over from the order before."""

    text: bytes
    """UTF-8, without zero bytes."""
    voice: str
    """The library's identifier, perhaps with `+` and a variant."""
    ssml: bool = False
    rate: int = 175
    """Words a minute, 80 to 700."""
    volume: int = 100
    """0 to 200."""
    pitch: int = 50
    """0 to 99."""
    range: int = 50
    """0 to 99."""
    word_gap: int = 0
    """Units of 10 ms, at the normal rate."""

    def payload(self) -> bytes:
        """As a SAY frame carries it."""
        values = (self.voice, int(self.ssml), self.rate, self.volume, self.pitch, self.range, self.word_gap)
        return "\t".join(map(str, values)).encode() + b"\n" + self.text


class Word(NamedTuple):
    """Where a word is, in the audio and in the text of its order."""

    sample: int
    start: int
    """Its first code point."""
    length: int


Piece: TypeAlias = bytes | list[Word]
"""What an order brings: audio, and before it the words that begin in it."""


class WorkerDied(EngineError):
    """A worker ended before its order did."""


class Speech:
    """One order in a worker's hands."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.size = 0
        """Bytes of audio so far."""
        self.pieces: Channel[Piece] = Channel()


class Worker(asyncio.Protocol):
    """One worker process, seen from here. It has one order at a time."""

    def __init__(self, command: list[str], *, free: Callable[[Worker], None], forget: Callable[[Worker], None]) -> None:
        self.socket, self._process = _spawn(command)
        self.gone = asyncio.Event()
        """Set when the process has ended and been waited for."""
        self._free = free
        self._forget = forget
        self._frames = wire.FrameReader()
        self._transport: asyncio.Transport | None = None
        self._speech: Speech | None = None
        self._number = 0
        self._end: EngineError | None = None
        self._idle_timer: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether it takes no more orders."""
        return self._end is not None

    def say(self, order: Order) -> Speech:
        """Begin an order. It may come before the worker is ready, and behind a stop: the socket keeps them in turn."""
        if self._end is not None:
            raise self._end
        self._cancel_timer()
        self._number += 1
        self._speech = Speech(self._number)
        self._write(wire.pack(wire.SAY, self._number, order.payload()))
        return self._speech

    def stop(self, speech: Speech) -> None:
        """Nobody wants this speech any more. After its end this does nothing."""
        if speech is self._speech:
            self._write(wire.pack(wire.STOP, speech.number))
            self._finish(None)

    def end(self, error: EngineError) -> None:
        """Kill the process, which has nothing to save. `error` is for whoever listens to it."""
        self._end = self._end or error
        self._forget(self)
        self._process.kill()
        if self._transport is not None:
            self._transport.abort()

    def when_idle_for(self, seconds: float, callback: Callable[[Worker], None]) -> None:
        """Call back, unless an order comes first."""
        self._cancel_timer()
        self._idle_timer = asyncio.get_running_loop().call_later(seconds, callback, self)

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        try:
            for kind, number, payload in self._frames.feed(data):
                self._take(kind, number, payload)
        except ValueError as error:
            self.end(WorkerDied(f"eSpeak NG's worker process lost its mind: {error}"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_timer()
        how = _reap(self._process)
        if self._end is None:
            self._end = WorkerDied(f"eSpeak NG's worker process {how}.")
            _LOGGER.warning("An eSpeak NG worker %s; the next one starts when it is needed", how)
        self.gone.set()
        self._forget(self)
        if self._speech is not None:
            self._finish(self._end)

    # Steps

    def _take(self, kind: int, number: int, payload: bytes) -> None:
        """One frame from the worker; what belongs to a stopped order, or comes after the worker was ended, is dropped."""
        if self._end is not None:
            return
        if kind in (wire.READY, wire.FAULT):
            self._check_start(kind, number, payload)
        elif self._speech is None or number != self._speech.number:
            return
        elif kind == wire.WORDS:
            self._speech.pieces.push([Word(*values) for values in wire.WORD.iter_unpack(payload)])
        elif kind == wire.AUDIO:
            self._take_audio(self._speech, payload)
        elif kind == wire.ERROR:
            self._finish(EngineError(f"eSpeak NG failed. {payload.decode()}"))
        elif kind == wire.END:
            self._finish(None)

    def _take_audio(self, speech: Speech, audio: bytes) -> None:
        speech.size += len(audio)
        if speech.size > AUDIO_LIMIT:
            self._write(wire.pack(wire.STOP, speech.number))
            made, allowed = (size / (2 * RATE) for size in (speech.size, AUDIO_LIMIT))
            self._finish(EngineError(f"eSpeak NG made {made:.1f} s of audio of one text, and more; {allowed:.1f} s are allowed."))
        elif audio:
            speech.pieces.push(audio)

    def _check_start(self, kind: int, rate: int, payload: bytes) -> None:
        said = payload.decode(errors="replace")
        if kind == wire.READY and rate == RATE:
            _LOGGER.debug("An eSpeak NG %s worker is ready, process %d", said, self.pid)
            return
        why = said if kind == wire.FAULT else f"Its data folder does not fit: it makes {rate} Hz, not {RATE}."
        _LOGGER.warning("An eSpeak NG worker does not start. %s", why)
        self.end(EngineUnavailable(f"eSpeak NG does not start. {why}"))

    def _finish(self, error: EngineError | None) -> None:
        """The order is off this worker's hands."""
        speech, self._speech = self._speech, None
        if speech is not None:
            speech.pieces.end(error)
            self._free(self)

    def _write(self, frame: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(frame)

    def _cancel_timer(self) -> None:
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None


def _spawn(command: list[str]) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """A worker process, and the socket to it. Its end of file is how it learns that this process is gone."""
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            environment = os.environ | MEMORY
            return ours, subprocess.Popen(command, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, env=environment)  # noqa: S603
        except OSError as error:
            ours.close()
            msg = f"eSpeak NG's worker process cannot be started: {error}."
            raise EngineUnavailable(msg) from error


def _reap(process: subprocess.Popen[bytes]) -> str:
    """Wait for a process whose socket has closed, and say how it ended. It is on its way out already."""
    try:
        status = process.wait(timeout=1)
    except subprocess.TimeoutExpired:
        process.kill()
        status = process.wait()
    return f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
