"""What tests of the voice-conversion stage share: the test tone and the test gain in one pipeline, and a converter by script."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

from wyoming_server.converters.base import Conversion, Converter, Speaker
from wyoming_server.converters.gain import GainConverter
from wyoming_server.engines.base import Engine, EngineEvent
from wyoming_server.engines.tone import ToneEngine, sine
from wyoming_server.models import AudioFormat, ConverterChoice, FormatWish, Mark, MarkKind, ReplyStart, Voice
from wyoming_server.roster import Roster
from wyoming_server.synthesis import ReplyEvent, Synthesizer
from wyoming_server.synthesis.conversion import ConvertedEvent, VoiceConversion
from wyoming_server.synthesis.loudness import LoudnessStore

from ..converters.cases import new_converter
from ..engines.cases import new_engine

ENGINE = AudioFormat(rate=22_050)
"""Of the test tone."""
TONE = Voice(name="t", engine="tone", engine_voice="tone", languages=("en-US",))
SAME = "gain/same"
TEN = "Ten chars."
"""0.1 s of the test tone."""

Play: TypeAlias = Callable[[AsyncIterable[bytes]], AsyncGenerator[bytes, None]]


class Scripted(Converter):
    """Does with the speech what `play` does, at the engine's own format."""

    type = "scripted"
    title = "Script"

    def __init__(self, play: Play) -> None:
        super().__init__("scripted", {})
        self._play = play
        self.given: AsyncIterable[bytes] | None = None

    def speakers(self) -> Sequence[Speaker]:
        return [Speaker(name="somebody")]

    def input_format(self, source: AudioFormat, settings: Mapping[str, Any]) -> AudioFormat:
        return source

    def output_format(self, source: AudioFormat, settings: Mapping[str, Any]) -> AudioFormat:
        return source

    def _convert(self, pcm: AsyncIterable[bytes], conversion: Conversion) -> AsyncGenerator[bytes, None]:
        self.given = pcm
        return self._play(pcm)


class Upstreams:
    """A tone and a gain, the synthesizer before them, and what their journals tell."""

    def __init__(self, tone: Engine, gain: Converter, synthesizer: Synthesizer) -> None:
        assert isinstance(tone, ToneEngine)
        assert isinstance(gain, GainConverter)
        self.tone = tone
        self.gain = gain
        self.synthesizer = synthesizer

    def speak(
        self, *text: str, converter: Any = SAME, rate: int | None = None, **options: Any
    ) -> AsyncGenerator[ReplyEvent, None]:
        request = self.synthesizer.request(TONE, {"converter": converter, **options}, wish=FormatWish(rate=rate))
        return self.synthesizer.speak(request, text_of(text))

    async def heard(self, *text: str, **how: Any) -> list[ReplyEvent]:
        async with asyncio.timeout(20):
            return [event async for event in self.speak(*text, **how)]

    def told(self) -> tuple[list[str], list[str]]:
        """By the engine, sentence by sentence, and by the converter."""
        return [event.what for event in self.tone.journal], [event.what for event in self.gain.journal]

    @property
    def running(self) -> int:
        """Sentences and conversions that have not come to an end."""
        told = [what for journal in self.told() for what in journal]
        return 2 * told.count("started") - len(told)


@asynccontextmanager
async def upstreams(*others: Converter, tone: Mapping[str, Any] | None = None, **gain: Any) -> AsyncIterator[Upstreams]:
    """`tone` and `gain`: their options. `others`: converters that may be asked for, too."""
    engine = new_engine("tone", **{"per_character": 0.01, **(tone or {})})
    converter = new_converter("gain", **gain)
    async with engine, converter:
        converters = {one.name: one for one in (converter, *others)}
        yield Upstreams(engine, converter, Synthesizer(Roster.of({"tone": engine}), LoudnessStore(), Roster.of(converters)))


async def text_of(parts: Iterable[str]) -> AsyncIterator[str]:
    for part in parts:
        yield part


async def engine(*events: EngineEvent | asyncio.Event | BaseException) -> AsyncGenerator[EngineEvent, None]:
    """An engine's events; a gate is waited for, an error raised."""
    for event in events:
        if isinstance(event, asyncio.Event):
            await event.wait()
        elif isinstance(event, BaseException):
            raise event
        else:
            yield event


def stage(converter: Converter, speaker: str = "same", **choice: Any) -> VoiceConversion:
    return VoiceConversion(converter, ConverterChoice(converter=converter.name, speaker=speaker, **choice), ENGINE)


async def through(conversion: VoiceConversion, *events: EngineEvent | asyncio.Event | BaseException) -> list[ConvertedEvent]:
    async with asyncio.timeout(10):
        return [event async for event in conversion.events(engine(*events))]


def tone(seconds: float, *, start: float = 0) -> bytes:
    """What the test tone makes of so much, from `start` on."""
    return sine(ENGINE.rate, 440, ENGINE.size(start), ENGINE.size(seconds))


def mark(time: float) -> Mark:
    return Mark(kind=MarkKind.WORD, time=time, start=0, end=1, text=f"at {time:g}")


def pcm(events: Iterable[object]) -> bytes:
    return b"".join(event for event in events if isinstance(event, bytes))


def start(events: Sequence[object]) -> ReplyStart:
    first = events[0]
    assert isinstance(first, ReplyStart)
    return first
