"""One spoken reply on one connection: audio-start, chunks, audio-stop, and how it ends early.

Every write is one whole event, made without waiting in between: nothing can interleave with it, so there is no lock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from wyoming.audio import AudioStart, AudioStop

from ...audio.chunks import ChunkPolicy
from ...audio.level import decay_tail, fade_out
from ...models import AudioFormat
from ...protocols.wyoming import AudioChunkEncoder, encode

WRITE_BUFFER = 64 * 1024
"""Bytes that may wait in the process for a listener before the synthesis does."""
TURN = 0.1
"""Seconds of audio that a reply may hand on in one go, however fast its engine is."""
TURNS = 2
"""Replies that may go on at a time, of those that have more to hand on: whoever asks for little is answered in between."""


class Reply:
    """Writes the audio of one reply.

    `timeout`: seconds that one write may stall before the listener counts as gone. `turns`: TURNS for all replies of a server.
    """

    def __init__(self, writer: asyncio.StreamWriter, audio: AudioFormat, *, timeout: float, turns: asyncio.Semaphore) -> None:
        self._writer = writer
        self._turns = turns
        self._audio = audio
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._policy = ChunkPolicy(audio)
        self._encoder = AudioChunkEncoder(audio)
        self._turn = audio.size(TURN)
        self._in_a_row = 0
        self._due: asyncio.TimerHandle | None = None
        self._started = False
        self._finished = False
        self._last_frame = b""

    async def send(self, pcm: bytes) -> None:
        """Hand on audio; waits while the listener is behind. Raises TimeoutError when it has stalled for too long."""
        self._write(self._policy.push(pcm, self._loop.time()))
        self._arm()
        self._in_a_row += len(pcm)
        if self._writer.transport.get_write_buffer_size() > WRITE_BUFFER:
            async with asyncio.timeout(self._timeout):
                await self._writer.drain()
        elif self._in_a_row > self._turn:
            async with self._turns:
                await asyncio.sleep(0)
        else:
            return
        self._in_a_row = 0

    def finish(self) -> None:
        """All of it, and audio-stop."""
        self._disarm()
        self._write(self._policy.flush())
        self._writer.write(encode(AudioStop().event()))
        self._finished = True

    def cut(self) -> None:
        """Where it has not finished: end what was sent with a short fade, since a hard stop clicks, and without audio-stop."""
        self._disarm()
        if self._started and not self._finished:
            held = b"".join(self._policy.flush())
            tail = fade_out(held, self._audio) if held else decay_tail(self._last_frame, self._audio)
            self._writer.write(self._encoder.encode(tail))

    def _write(self, chunks: Iterable[bytes]) -> None:
        events = [self._encoder.encode(chunk) for chunk in chunks]
        if not events:
            return
        if not self._started:
            self._started = True
            start = AudioStart(rate=self._audio.rate, width=self._audio.width, channels=self._audio.channels)
            events.insert(0, encode(start.event()))
        self._last_frame = events[-1][-self._audio.frame_size :]
        self._writer.write(b"".join(events))

    def _arm(self) -> None:
        """What the policy holds back must go before the listener runs dry, even if no more audio comes."""
        deadline = self._policy.deadline
        if deadline is not None and self._due is None:
            self._due = self._loop.call_at(deadline, self._send_due)

    def _send_due(self) -> None:
        self._due = None
        self._write(self._policy.due(self._loop.time()))
        self._arm()

    def _disarm(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
