"""One request: text → speakable text → engine → silence trimmed, loudness evened, resampled → PCM as the listener wants it.

Knows no socket and no session: whoever reads the generator may close it, or cancel the task that reads, at any moment.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias

from .audio.chain import PcmChain, Stage
from .audio.level import volume_factor
from .engines.base import Engine, Utterance
from .errors import EngineUnavailable
from .loudness import LoudnessStore
from .models import SETTING_NAMES, AudioFormat, Capabilities, Mark, ReplyStart, SynthesisRequest, TextFormat, Voice
from .text.speakable import SpeakableText

if TYPE_CHECKING:
    from .audio.loudness import LoudnessMeter
    from .audio.trim import LeadTrim

ReplyEvent: TypeAlias = ReplyStart | bytes | Mark
"""First a ReplyStart, then PCM in its format, and marks."""

EMPTY_REPLY = 0.02
"""Seconds of silence where the text has nothing to say: a listener waits for audio."""
SLICE = 500
"""Code points of text that are looked at in one go."""


class Synthesizer:
    """Speaks requests with the configured engines."""

    def __init__(self, engines: Mapping[str, Engine], loudness: LoudnessStore) -> None:
        self._engines = engines
        self._loudness = loudness

    def check(self, request: SynthesisRequest) -> None:
        """Raise, in words, what can be known to be wrong before any text has come."""
        self._engine(request.voice).check_request(request.settings.over(request.voice.settings), request.text_format)

    def setting_names(self, voice: Voice) -> frozenset[str]:
        """What may be set for this voice, its engine's extras included; an unknown engine knows the common ones."""
        engine = self._engines.get(voice.engine)
        return frozenset(SETTING_NAMES) | (engine.extra_names() if engine is not None else frozenset())

    async def speak(self, request: SynthesisRequest, text: AsyncIterable[str]) -> AsyncGenerator[ReplyEvent, None]:
        """The reply to `request`, while `text` may still be growing. Raises HeraldError; closing it cancels upstream."""
        self.check(request)
        engine = self._engine(request.voice)
        utterance = _utterance(request)
        shaper = _Shaper(request, engine, engine.native_format(utterance), self._loudness)
        yield ReplyStart(voice=request.voice, format=shaper.target)
        text = _in_slices(text)
        if request.voice.speakable_text and request.text_format is TextFormat.TEXT:
            text = _speakable(text)
        async with aclosing(engine.speak(text, utterance)) as events:
            async for event in events:
                if isinstance(event, Mark):
                    yield shaper.move(event)
                    continue
                for pcm in shaper.shape(event):
                    yield pcm
        if rest := shaper.finish():
            yield rest

    def _engine(self, voice: Voice) -> Engine:
        try:
            return self._engines[voice.engine]
        except KeyError:
            msg = f"The voice {voice.name} needs the engine {voice.engine}, which is not configured."
            raise EngineUnavailable(msg) from None


def load_stages() -> None:
    """Import now what the first reply would wait for: numpy and soxr take a fifth of a second."""
    for name in ("gain", "loudness", "resample", "trim"):
        import_module(f"{__package__}.audio.{name}")


def _utterance(request: SynthesisRequest) -> Utterance:
    return Utterance(
        voice=request.voice.engine_voice,
        language=request.voice.language,
        settings=request.settings.over(request.voice.settings),
        text_format=request.text_format,
        rate=request.format.rate,
    )


async def _in_slices(text: AsyncIterable[str]) -> AsyncGenerator[str, None]:
    """The same text in fragments short enough that the first sentence of a long one need not wait for the last."""
    async for fragment in text:
        for start in range(0, max(len(fragment), 1), SLICE):
            yield fragment[start : start + SLICE]


async def _speakable(text: AsyncIterable[str]) -> AsyncGenerator[str, None]:
    """The text without what only an eye can use."""
    cleaner = SpeakableText()
    async for fragment in text:
        if cleaned := cleaner.push(fragment) if fragment else cleaner.flush():
            yield cleaned
        if not fragment:
            yield fragment
    if rest := cleaner.flush():
        yield rest


class _Shaper:
    """What Herald does to an engine's audio for one listener. numpy is loaded by the first reply that needs a stage."""

    def __init__(self, request: SynthesisRequest, engine: Engine, source: AudioFormat, loudness: LoudnessStore) -> None:
        self._volume = request.settings.over(request.voice.settings).volume
        self._voice = f"{engine.name}/{request.voice.engine_voice}"
        self._loudness = loudness
        self._source = source
        self.target = AudioFormat(rate=request.format.rate or source.rate, channels=request.format.channels)
        self._trim: LeadTrim | None = None
        self._meter: LoudnessMeter | None = None
        self._seconds = 0.0
        self._chain = PcmChain(source, self._stages(request.voice, engine.capabilities))
        self._empty = True

    def shape(self, pcm: bytes) -> Iterator[bytes]:
        """In pieces, so that a long one keeps nobody else waiting."""
        self._seconds += self._source.seconds(len(pcm))
        for piece in self._chain.pieces(pcm):
            if piece:
                self._empty = False
                yield piece

    def finish(self) -> bytes:
        """What the stages still hold; a moment of silence where nothing was said at all."""
        rest = self._chain.flush()
        if self._meter is not None:
            self._loudness.learn(self._voice, self._meter.integrated(), self._seconds)
        return rest or (self.target.silence(EMPTY_REPLY) if self._empty else b"")

    def move(self, mark: Mark) -> Mark:
        """A mark of the engine, where it is heard."""
        return replace(mark, time=max(0.0, mark.time - self._trim.dropped)) if self._trim is not None else mark

    def _stages(self, voice: Voice, can: Capabilities) -> list[Stage]:
        stages: list[Stage] = []
        factor = 1.0
        if can.speech and voice.trim_silence:
            stages.append(self._new_trim())
        if can.speech and voice.even_loudness:
            stages += self._new_meter()
            factor = self._loudness.gain(self._voice)
        if self._volume is not None and "volume" not in can.settings:
            factor *= volume_factor(self._volume)
        stages += _gain(factor, self._source.rate)
        if self.target != self._source:
            stages.append(_resampler(self._source, self.target))
        return stages

    def _new_trim(self) -> LeadTrim:
        from .audio.trim import LeadTrim  # noqa: PLC0415  # numpy

        self._trim = LeadTrim(self._source.rate)
        return self._trim

    def _new_meter(self) -> list[Stage]:
        """A meter while the voice's loudness is still being learned; a volume that the engine applies would mislead it."""
        if self._volume is not None or not self._loudness.learning(self._voice):
            return []
        from .audio.loudness import LoudnessMeter  # noqa: PLC0415  # numpy

        self._meter = LoudnessMeter(self._source.rate)
        return [self._meter]


def _gain(factor: float, rate: int) -> list[Stage]:
    if factor == 1:
        return []
    from .audio.gain import Gain, Limiter  # noqa: PLC0415  # numpy

    return [Gain(factor), Limiter(rate)] if factor > 1 else [Gain(factor)]


def _resampler(source: AudioFormat, target: AudioFormat) -> Stage:
    from .audio.resample import Resampler  # noqa: PLC0415  # numpy and soxr

    return Resampler(source, target)
