"""The voice-conversion stage of one reply: an engine's events in, the same in another speaker's voice out.

One conversion a reply, whatever its sentences, so that there is no seam. Two tasks: one reads the engine, one the converter; both
end with the generator. Where the converter fails before it was heard, the engine's own voice goes on from the reply's start, in
the same format, if that is wanted.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Coroutine, Iterator
from contextlib import aclosing, closing
from typing import TYPE_CHECKING, Any, TypeAlias

from ..channel import Channel
from ..converters.base import Conversion, Converter
from ..engines.base import EngineEvent
from ..errors import EngineError, EngineUnavailable
from ..models import AudioFormat, ConverterChoice, Mark, Notice, OnFailure

if TYPE_CHECKING:
    from ..audio.ffmpeg import Converter as FormatConverter

_LOGGER = logging.getLogger(__name__)

ConvertedEvent: TypeAlias = EngineEvent | Notice

QUEUED_EVENTS = 8
"""Events that wait between the engine, the converter and the listener."""


class VoiceConversion:
    """Of one reply. `source`: the format of the engine's audio; `target`: of the converter's, and so of everything told."""

    def __init__(self, converter: Converter, choice: ConverterChoice, source: AudioFormat) -> None:
        self._converter = converter
        self._choice = choice
        self._source = source
        self._input = converter.input_format(source, choice.settings)
        self.target = converter.output_format(source, choice.settings)
        self.name = f"{choice.converter}/{choice.speaker}"
        self.failed = False
        """The converter did, and not the engine."""
        self._spoken: Channel[EngineEvent] = Channel(QUEUED_EVENTS)
        self._told: Channel[ConvertedEvent] = Channel(QUEUED_EVENTS)
        self._tasks: list[asyncio.Task[None]] = []
        self._unheard: list[bytes] | None = []
        """The engine's audio, as long as its own voice may still have to be heard; `None` afterwards."""
        self._engine_failed = False
        self._marks: deque[Mark] = deque()
        self._seconds = 0.0
        """Of audio told."""

    async def events(self, engine_events: AsyncGenerator[EngineEvent, None]) -> AsyncGenerator[ConvertedEvent, None]:
        """`engine_events` converted; they are closed with this generator. Raises EngineError."""
        self._run(self._read(engine_events), self._spoken)
        self._run(self._work(), self._told)
        try:
            async for event in self._told:
                yield event
        finally:
            await self._stop()

    def _run(self, work: Coroutine[Any, Any, None], channel: Channel[Any]) -> None:
        task = asyncio.create_task(work)
        channel.end_with(task, cancelled=EngineUnavailable(f"The converter {self._converter.name} was closed."))
        self._tasks.append(task)

    async def _stop(self) -> None:
        try:
            await self._cancelled()
        except asyncio.CancelledError:  # once more, while they say goodbye: so that is cut short, and yet they end before we do
            await self._cancelled()
            raise

    async def _cancelled(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)

    async def _read(self, engine_events: AsyncGenerator[EngineEvent, None]) -> None:
        async with aclosing(engine_events) as events:
            async for event in events:
                await self._spoken.put(event)

    async def _work(self) -> None:
        conversion = Conversion(speaker=self._choice.speaker, source=self._input, settings=self._choice.settings)
        try:
            async with (
                aclosing(self._speech()) as speech,
                aclosing(self._converter.convert(speech, conversion)) as pieces,
            ):
                async for piece in pieces:
                    self._unheard = None
                    await self._tell_audio(piece)
            await self._check_whole()
        except EngineError as error:
            self.failed = not self._engine_failed
            if self._engine_failed or self._unheard is None or self._choice.on_failure is not OnFailure.BYPASS:
                raise
            await self._bypass(error)
        await self._tell_marks(None)

    async def _check_whole(self) -> None:
        """Speech that was not taken, or of which nothing came, is a failure, even where the converter tells of none."""
        async with aclosing(self._engine_events()) as pieces:
            rest = await anext(pieces, None)
        if self._unheard is None and rest is not None:
            msg = f"{self._converter.title} ended before the speech did."
            raise EngineError(msg)
        if self._unheard is not None and rest is not None:
            self._unheard.append(rest)
        if self._unheard:
            msg = f"{self._converter.title} made no audio of this."
            raise EngineError(msg)

    async def _speech(self) -> AsyncGenerator[bytes, None]:
        """The engine's audio as the converter wants it; what else the engine tells goes past the converter."""
        with closing(_format_converter(self._source, self._input)) as resampler:
            async with aclosing(self._engine_events()) as pieces:
                async for piece in pieces:
                    if self._unheard is not None:
                        self._unheard.append(piece)
                    if made := resampler.push(piece):
                        yield made
            if rest := resampler.flush():
                yield rest

    async def _engine_events(self) -> AsyncGenerator[bytes, None]:
        try:
            async for event in self._spoken:
                if isinstance(event, bytes):
                    yield event
                elif isinstance(event, Mark):
                    self._marks.append(event)
                else:
                    self._told.push(event)
        except EngineError:
            self._engine_failed = True
            raise

    async def _bypass(self, error: EngineError) -> None:
        """The engine's own voice, from the start, in the format that was promised."""
        sentence = f"The voice is not converted: {error}"
        _LOGGER.warning("%s", sentence)
        self._told.push(Notice(code=error.code, text=sentence))
        with closing(_format_converter(self._source, self.target)) as resampler:
            for piece in self._kept():
                await self._tell_audio(resampler.push(piece))
            async with aclosing(self._engine_events()) as pieces:
                async for piece in pieces:
                    await self._tell_audio(resampler.push(piece))
            await self._tell_audio(resampler.flush())

    def _kept(self) -> Iterator[bytes]:
        kept, self._unheard = self._unheard or [], None
        yield from kept

    async def _tell_audio(self, pcm: bytes) -> None:
        """Audio, behind the marks of what is heard in it."""
        if pcm:
            end = self._seconds + self.target.seconds(len(pcm))
            await self._tell_marks(end)
            self._seconds = end
            await self._told.put(pcm)

    async def _tell_marks(self, until: float | None) -> None:
        """Those before `until` seconds of audio; `None`: all."""
        while self._marks and (until is None or self._marks[0].time < until):
            await self._told.put(self._marks.popleft())


def _format_converter(source: AudioFormat, target: AudioFormat) -> FormatConverter:
    """FFmpeg's, which holds back 2 ms: where speech comes no faster than it is heard, soxr's 40 ms would be waited for."""
    from ..audio.ffmpeg import Converter as FormatConverter  # noqa: PLC0415  # PyAV

    return FormatConverter(source, target)
