"""What is said on one connection and heard on it at the same time: a text, whole or in fragments, and its audio.

A server is believed to have spoken all of it only when it says so; its silence is measured only while it owes us something.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from wyoming.event import Event
from wyoming.info import SelectProgram
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeVoice

from ...errors import EngineUnavailable, ProtocolError, TooLarge, Unspeakable
from ...models import AudioFormat
from ...upstream.attempts import Failed, FirstAudioClock
from ...upstream.failures import Asked, Late, broken, late, lost
from ..base import Utterance
from .failures import told
from .link import Link, Lost
from .sound import Sound

_AUDIO = ("audio-start", "audio-chunk", "audio-stop")
_STOPPED = "synthesize-stopped"
_SENT_KEPT = 2_000
"""Characters of what was sent last, by which a quotation of it is found."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One reply in a server's terms."""

    utterance: Utterance
    asked: Asked
    voice: SynthesizeVoice
    format: AudioFormat
    """Of the PCM that comes out."""
    program: str | None
    """To be selected, where the user named one."""
    gap: float
    """Seconds that audio may be late, once it has begun."""
    first_audio: float
    """Seconds until it must begin."""
    tells_ends: bool
    """The server is known to tell when a text stream has ended: nothing else is taken for an end."""


class _TextFailed(Exception):
    """The text's own error, on its way to whoever listens: it is not to be taken for one of the connection."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class Talk:
    """Use `audio`; `over` tells afterwards whether the server has done with it. Whoever leaves it before cuts the link."""

    def __init__(self, link: Link, job: Job, sound: Sound, clock: FirstAudioClock, *, streamed: bool) -> None:
        self.over = False
        self.told_end = False
        """The server said that the text stream had ended."""
        self.unended = False
        """It never did; what there was of it was whole."""
        self._link = link
        self._job = job
        self._sound = sound
        self._clock = clock
        self._streamed = streamed
        self._sent = ""
        self._finished = False
        """All text has been sent."""
        self._owed = False
        """It is the server's turn: only then does its time run."""
        self._waiting: asyncio.Timeout | None = None

    async def audio(self, write: Callable[[Talk], Coroutine[Any, Any, None]]) -> AsyncGenerator[bytes, None]:
        """PCM as promised, to the end. Raises Failed, or the error of whoever writes the text."""
        async with self._beside(write(self)):
            try:
                while (event := await self._next()) is not None:
                    for pcm in self._sound.pcm(event):
                        yield pcm
                for pcm in self._sound.rest():
                    yield pcm
            except _TextFailed as failed:
                raise failed.error from None
            except (ProtocolError, TooLarge) as error:
                raise broken(error, self._job.asked) from error
        if not self._sound.heard:
            msg = f"{self._job.asked.peer} made no audio of this text ({self._job.asked})."
            raise Failed(Unspeakable(msg))

    # For the writer

    async def say(self, text: str) -> None:
        """All of it in one."""
        self._sent = text
        self._link.send(*self._selection(), Synthesize(text=text, voice=self._job.voice))
        self._finish()

    def begin(self) -> None:
        """A text stream."""
        self._link.send(*self._selection(), SynthesizeStart(voice=self._job.voice))

    async def add(self, text: str) -> None:
        self._sent = (self._sent + text)[-_SENT_KEPT:]
        self._link.send(SynthesizeChunk(text=text))
        self._owe(True)
        await self._link.drain()
        self._owe(False)

    def end(self, text: str) -> None:
        """That was all. The whole `text` comes before the end, as Home Assistant sends it: some servers only take that."""
        self._link.send(Synthesize(text=text, voice=self._job.voice), SynthesizeStop())
        self._finish()

    def _selection(self) -> list[SelectProgram]:
        return [SelectProgram(name=self._job.program)] if self._job.program is not None else []

    def _finish(self) -> None:
        self._finished = True
        self._owe(True)

    def _owe(self, owed: bool) -> None:
        """Whether it is the server's turn, and not the writer's."""
        self._owed = owed
        if not self._sound.heard:
            (self._clock.start if owed else self._clock.stop)()
        self._set_deadline()

    @asynccontextmanager
    async def _beside(self, writing: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
        """Write while the block runs."""
        task = asyncio.create_task(writing)
        task.add_done_callback(self._written)
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    def _written(self, writing: asyncio.Task[None]) -> None:
        """Its error, maybe the one of whoever writes the text, is the listener's."""
        error = None if writing.cancelled() else writing.exception()
        if isinstance(error, Exception):
            self._link.fail(_TextFailed(error))

    # What comes down

    async def _next(self) -> Event | None:
        """The next event about the audio, in time; None at the end."""
        if not self._streamed and self._sound.whole:
            self.over = True
            return None
        try:
            async with asyncio.timeout(None) as self._waiting:
                self._set_deadline()
                event = await self._received()
        except TimeoutError:
            self._too_late()
            return None
        except Lost as error:
            self._hung_up(error)
            return None
        finally:
            self._waiting = None
        if event.type in _AUDIO:
            return event
        self._stopped()
        return None

    async def _received(self) -> Event:
        """One about the audio, or the stream's end; others mean nothing here. Raises Failed for an error that is told."""
        while (event := await self._link.receive()).type not in _AUDIO:
            if event.type == "error":
                raise told(event, self._job.asked, self._sent)
            if event.type == _STOPPED and self._streamed:
                break
        return event

    def _stopped(self) -> None:
        if not self._finished:
            msg = f"{self._job.asked.peer} ended before it was sent all of the text ({self._job.asked})."
            raise Failed(EngineUnavailable(msg), retries=2)
        self.over = self.told_end = True

    def _too_late(self) -> None:
        """Servers that take text streams, but do not know of their end, say no more after the last audio-stop."""
        if not self._all_may_be_told:
            what, limit = (Late.MORE_AUDIO, self._job.gap) if self._sound.heard else (Late.FIRST_AUDIO, self._clock.limit)
            raise late(what, limit, self._job.asked)
        self.over = self.unended = True

    def _hung_up(self, error: Lost) -> None:
        """Some close the connection instead of telling the end."""
        if not self._all_may_be_told:
            raise lost(error, self._job.asked) from error
        self.over = True

    @property
    def _all_may_be_told(self) -> bool:
        """Between two cycles nothing else tells whether more are to come."""
        return self._streamed and not self._job.tells_ends and self._finished and self._sound.heard and self._sound.whole

    def _set_deadline(self) -> None:
        """None is due while it is the writer's turn. It is the server's when the text is complete, and until it has read it."""
        if self._waiting is None or self._waiting.expired():
            return
        if not self._owed:
            self._waiting.reschedule(None)
        else:
            left = self._job.gap if self._sound.heard else self._clock.left
            self._waiting.reschedule(asyncio.get_running_loop().time() + left)
