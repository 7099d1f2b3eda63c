"""One request: text → speakable text → engine → shaped as the listener wants it (see `shaping`).

Knows no socket and no session: whoever reads the generator may close it, or cancel the task that reads, at any moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Mapping
from contextlib import aclosing, closing
from importlib import import_module
from typing import TypeAlias

from .engines.base import Engine, Utterance
from .errors import ConsentRequired, EngineUnavailable
from .loudness import LoudnessStore
from .models import (
    PAUSE,
    SETTING_NAMES,
    Mark,
    ReplyStart,
    SynthesisRequest,
    TextFormat,
    Voice,
    VoiceSettings,
    Waiting,
)
from .shaping import Shaper
from .text.speakable import SpeakableText

ReplyEvent: TypeAlias = ReplyStart | bytes | Mark | Waiting
"""First a ReplyStart, then PCM in its format, marks, and places in line."""

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
        shaper = Shaper(request, utterance, engine, self._loudness)
        yield ReplyStart(voice=request.voice, format=shaper.target)
        speakable = request.voice.speakable_text and request.text_format is TextFormat.TEXT
        async with (
            aclosing(_spoken_text(text, speakable=speakable)) as spoken,
            aclosing(engine.speak(spoken, utterance)) as events,
        ):
            with closing(shaper):
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
        f"The voice {voice.engine_voice} of {voice.engine} may be a real person's. If that person agreed, say so: "
        "`consent: true` in a voice of herald.yaml, or --consent on the command line."
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
