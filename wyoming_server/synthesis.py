"""One request: text → speakable text → engine → silence trimmed, loudness evened, resampled → PCM as the listener wants it.

Knows no socket and no session: whoever reads the generator may close it, or cancel the task that reads, at any moment.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias

from .audio.chain import PcmChain, Stage
from .audio.level import volume_factor
from .engines.base import Engine, EngineEvent, Utterance
from .errors import ConsentRequired, EngineUnavailable
from .loudness import LoudnessStore
from .models import (
    PAUSE,
    SETTING_NAMES,
    AudioFormat,
    Mark,
    ReplyStart,
    SynthesisRequest,
    TextFormat,
    Voice,
    VoiceSettings,
    Waiting,
)
from .text.speakable import SpeakableText

if TYPE_CHECKING:
    from .audio.loudness import LoudnessMeter
    from .audio.trim import LeadTrim

ReplyEvent: TypeAlias = ReplyStart | bytes | Mark | Waiting
"""First a ReplyStart, then PCM in its format, marks, and places in line."""

_LOGGER = logging.getLogger(__name__)

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
        engine, voice = self._engine(request.voice), request.voice
        engine.check_request(_settings(request), request.text_format, voice.engine_voice)
        if engine.needs_consent(voice.engine_voice) and not voice.consent:
            raise ConsentRequired(_consent(voice))

    def setting_names(self, voice: Voice) -> frozenset[str]:
        """What may be set for this voice, its engine's extras included; an unknown engine knows the common ones."""
        engine = self._engines.get(voice.engine)
        return frozenset(SETTING_NAMES) | (engine.extra_names() if engine is not None else frozenset())

    async def speak(self, request: SynthesisRequest, text: AsyncIterable[str]) -> AsyncGenerator[ReplyEvent, None]:
        """The reply to `request`, while `text` may still be growing. Raises HeraldError; closing it cancels upstream."""
        self.check(request)
        engine = self._engine(request.voice)
        utterance = _utterance(request)
        shaper = _Shaper(request, utterance, engine, self._loudness)
        yield ReplyStart(voice=request.voice, format=shaper.target)
        speakable = request.voice.speakable_text and request.text_format is TextFormat.TEXT
        async with (
            aclosing(_spoken_text(text, speakable=speakable)) as spoken,
            aclosing(engine.speak(spoken, utterance)) as events,
        ):
            async for event in events:
                for shaped in shaper.shape(event):
                    yield shaped
        for rest in shaper.finish():
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


def _settings(request: SynthesisRequest) -> VoiceSettings:
    return request.settings.over(request.voice.settings)


def _consent(voice: Voice) -> str:
    return (
        f"The voice {voice.engine_voice} is not among those that {voice.engine} lists, so it may be a real person's. If that "
        "person agreed, say so: `consent: true` in a voice of herald.yaml, or --consent on the command line."
    )


def _utterance(request: SynthesisRequest) -> Utterance:
    return Utterance(
        voice=request.voice.engine_voice,
        language=request.voice.language,
        settings=_settings(request),
        text_format=request.text_format,
        rate=request.format.rate,
    )


async def _spoken_text(text: AsyncIterable[str], *, speakable: bool) -> AsyncGenerator[str, None]:
    """The text in slices, without what only an eye can use if it is to be `speakable`.

    Slices, so that the first sentence of a long text need not wait for the last, nor other replies for any of it.
    """
    cleaner = SpeakableText() if speakable else _AsItIs()
    looked_at = 0
    async for fragment in text:
        for start in range(0, len(fragment), SLICE):
            piece = fragment[start : start + SLICE]
            if cleaned := cleaner.push(piece):
                yield cleaned
            looked_at += len(piece)
            if looked_at > SLICE:
                looked_at = 0
                await asyncio.sleep(0)
        if fragment == PAUSE:
            if cleaned := cleaner.flush():
                yield cleaned
            yield PAUSE
    if cleaned := cleaner.flush():
        yield cleaned


class _AsItIs:
    """For voices that read everything."""

    def push(self, text: str) -> str:
        return text

    def flush(self) -> str:
        return ""


class _Shaper:
    """What Herald does to an engine's audio for one listener. numpy is loaded by the first reply that needs a stage."""

    def __init__(self, request: SynthesisRequest, utterance: Utterance, engine: Engine, loudness: LoudnessStore) -> None:
        self._volume = utterance.settings.volume
        self._can = engine.capabilities_of(utterance.voice, utterance.settings)
        self._engine = engine.name
        self._name = f"{engine.name}/{utterance.voice}"
        self._loudness = loudness
        self._source = engine.native_format(utterance)
        self.target = AudioFormat(rate=request.format.rate or self._source.rate, channels=request.format.channels)
        self._trim = self._new_trim(request.voice)
        self._meter = self._new_meter(request.voice)
        stages = [self._trim, self._meter, *self._gain(request.voice), *self._resampler()]
        self._chain = PcmChain(self._source, [stage for stage in stages if stage is not None])
        self._marks: list[Mark] = []
        self._seconds = 0.0
        self._empty = True
        self._waited = False

    def shape(self, event: EngineEvent) -> Iterator[bytes | Mark | Waiting]:
        """An engine's event as the listener gets it; long audio in pieces, so that it keeps nobody else waiting."""
        if isinstance(event, bytes):
            self._seconds += self._source.seconds(len(event))
            for piece in self._chain.pieces(event):
                if piece:
                    self._empty = False
                    yield piece
        elif isinstance(event, Mark):
            self._marks.append(event)
        else:
            self._log_waiting(event)
            yield event
        if self._trim is None or self._trim.started:
            yield from self._due_marks()

    def finish(self) -> Iterator[bytes | Mark]:
        """What is still held; a moment of silence where nothing was said at all."""
        rest = self._chain.flush()
        if self._meter is not None:
            self._loudness.learn(self._name, self._meter.integrated(), self._seconds)
        yield from self._due_marks()
        if rest or self._empty:
            yield rest or self.target.silence(EMPTY_REPLY)

    def _due_marks(self) -> Iterator[Mark]:
        """Marks, where they are heard: known once it is known how much silence goes before the first sound."""
        for mark in self._marks:
            yield replace(mark, time=max(0.0, mark.time - self._trim.dropped)) if self._trim is not None else mark
        self._marks.clear()

    def _log_waiting(self, waiting: Waiting) -> None:
        """Once per reply: its later places follow from the first."""
        if not self._waited:
            self._waited = True
            _LOGGER.info("A reply waits for the engine %s, as number %d in line.", self._engine, waiting.position)

    def _new_trim(self, voice: Voice) -> LeadTrim | None:
        if not (self._can.speech and voice.trim_silence):
            return None
        from .audio.trim import LeadTrim  # noqa: PLC0415  # numpy

        return LeadTrim(self._source.rate)

    def _new_meter(self, voice: Voice) -> LoudnessMeter | None:
        """While the voice's loudness is still being learned; a volume that the engine applies would mislead it."""
        by_engine = self._volume is not None and "volume" in self._can.settings
        if by_engine or not (self._can.speech and voice.even_loudness and self._loudness.learning(self._name)):
            return None
        from .audio.loudness import LoudnessMeter  # noqa: PLC0415  # numpy

        return LoudnessMeter(self._source.rate)

    def _gain(self, voice: Voice) -> list[Stage]:
        factor = self._loudness.gain(self._name) if self._can.speech and voice.even_loudness else 1.0
        if self._volume is not None and "volume" not in self._can.settings:
            factor *= volume_factor(self._volume)
        if factor == 1:
            return []
        from .audio.gain import Gain, Limiter  # noqa: PLC0415  # numpy

        return [Gain(factor), Limiter(self._source.rate)] if factor > 1 else [Gain(factor)]

    def _resampler(self) -> list[Stage]:
        if self.target == self._source:
            return []
        from .audio.resample import Resampler  # noqa: PLC0415  # numpy and soxr

        return [Resampler(self._source, self.target)]
