"""One spoken reply on one connection: audio-start, chunks, audio-stop, and how it ends early.

Every write is one whole event, made without waiting in between: nothing can interleave with it, so there is no lock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from wyoming.audio import AudioStart, AudioStop
from wyoming.event import Event

from ...audio.chunks import ChunkPolicy
from ...audio.level import decay_tail, fade_out
from ...models import AudioFormat, Notice
from ...protocols.json_messages import shown
from ...protocols.wyoming import AudioEncoder, encode
from ...sessions import ListenerGone

WRITE_BUFFER = 64 * 1024
"""Bytes that may wait in the process for a listener before the synthesis does."""
TURN = 0.1
"""Seconds of audio that a reply may hand on in one go, however fast its engine is."""
AHEAD = 0.5
"""Seconds by which a listener must be ahead before its reply waits for others."""
TURNS = 2
"""Replies that may go on at a time, of those that have more to hand on: whoever asks for little is answered in between."""

_STOP = encode(AudioStop().event())


async def drained(writer: asyncio.StreamWriter, limit: float) -> None:
    """Wait until the client has taken what waits for it. Raises ListenerGone when it does not for `limit` seconds."""
    try:
        async with asyncio.timeout(limit):
            await writer.drain()
    except (TimeoutError, ConnectionError) as error:
        raise ListenerGone from error


class Reply:
    """Writes the audio of one reply.

    `limit`: seconds that one write may stall before the listener counts as gone. `turns`: TURNS, for all replies of a server.
    """

    def __init__(self, writer: asyncio.StreamWriter, audio: AudioFormat, *, limit: float, turns: asyncio.Semaphore) -> None:
        self._writer = writer
        self._audio = audio
        self._limit = limit
        self._turns = turns
        self._loop = asyncio.get_running_loop()
        self._policy = ChunkPolicy(audio)
        self._encoder = AudioEncoder.of(audio)
        self._turn = audio.size(TURN)
        self._in_a_row = 0
        self._due: asyncio.TimerHandle | None = None
        self._started = False
        self._ended = False
        self._last_frame = b""
        self._notice: Notice | None = None

    def tell(self, notice: Notice) -> None:
        """What the client should know goes with the end of the audio and, where there was none yet, with its begin too."""
        self._notice = notice

    async def send(self, pcm: bytes) -> None:
        """Hand on audio; waits while the listener is behind. Raises ListenerGone."""
        now = self._loop.time()
        self._write(self._policy.push(pcm, now))
        self._arm()
        self._in_a_row += len(pcm)
        if self._writer.transport.get_write_buffer_size() > WRITE_BUFFER:
            await drained(self._writer, self._limit)
        elif self._in_a_row > self._turn and self._policy.lead(now) > AHEAD:
            async with self._turns:
                await asyncio.sleep(0)
        else:
            return
        self._in_a_row = 0

    def finish(self) -> None:
        """All of it, and audio-stop."""
        self._end()
        self._write(self._policy.flush(), _STOP if self._notice is None else _noticed(AudioStop().event(), self._notice))

    def cut(self) -> None:
        """Where it has not ended: end what was sent with a short fade, since a hard stop clicks, and without audio-stop."""
        if self._ended:
            return
        self._end()
        if self._started:
            held = b"".join(self._policy.flush())
            tail = fade_out(held, self._audio) if held else decay_tail(self._last_frame, self._audio)
            self._writer.write(self._encoder.chunk(tail))

    def _write(self, chunks: Sequence[bytes], end: bytes = b"") -> None:
        """All in one system call."""
        events = [self._encoder.chunk(chunk) for chunk in chunks]
        if chunks:
            self._last_frame = chunks[-1][-self._audio.frame_size :]
            if not self._started:
                self._started = True
                events.insert(0, self._start())
        if events or end:
            self._writer.write(b"".join((*events, end)))

    def _start(self) -> bytes:
        if self._notice is None:
            return self._encoder.start
        audio = self._audio
        return _noticed(AudioStart(rate=audio.rate, width=audio.width, channels=audio.channels).event(), self._notice)

    def _arm(self) -> None:
        """What the policy holds back must go before the listener runs dry, even if no more audio comes."""
        deadline = self._policy.deadline
        if deadline is not None and self._due is None:
            self._due = self._loop.call_at(deadline, self._send_due)

    def _send_due(self) -> None:
        self._due = None
        self._write(self._policy.due(self._loop.time()))
        self._arm()

    def _end(self) -> None:
        self._ended = True
        if self._due is not None:
            self._due.cancel()
            self._due = None


def _noticed(event: Event, notice: Notice) -> bytes:
    """With a key more, which clients that do not know it pass over."""
    event.data["notice"] = {"code": notice.code, "message": shown(notice.text), "voice": notice.voice or None}
    return encode(event)
