"""One request: text → speakable text → engine → converter, where there is one → shaped as the listener wants it (see `shaping`).

Knows no socket and no session: whoever reads the generator may close it, or cancel the task that reads, at any moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Iterator, Mapping
from contextlib import ExitStack, aclosing, closing, contextmanager
from dataclasses import replace
from importlib import import_module
from typing import Any, TypeAlias

from .conversion import ConvertedEvent, VoiceConversion
from .converters.base import Converter
from .converters.choice import CONVERTER, read_choice
from .engines.base import Engine, Utterance
from .errors import ConsentRequired, EngineUnavailable
from .loudness import LoudnessStore
from .models import (
    PAUSE,
    SETTING_NAMES,
    AudioFormat,
    ConverterChoice,
    FormatWish,
    Mark,
    Notice,
    ReplyStart,
    SynthesisRequest,
    TextFormat,
    Voice,
    VoiceSettings,
    Waiting,
)
from .progress import Progress
from .roster import Roster
from .shaping import Shaper, Source
from .text.speakable import SpeakableText

ReplyEvent: TypeAlias = ReplyStart | bytes | Mark | Waiting | Notice
"""First a ReplyStart, then PCM in its format, marks, places in line, and what there is to know."""


SLICE = 500
"""Code points of text that are looked at in one go."""


class Synthesizer:
    """Speaks requests with the configured engines and converters."""

    def __init__(self, engines: Roster[Engine], loudness: LoudnessStore, converters: Roster[Converter]) -> None:
        self._engines = engines
        self._loudness = loudness
        self._converters = converters

    def request(
        self,
        voice: Voice,
        options: Mapping[str, Any],
        *,
        wish: FormatWish = FormatWish(),  # noqa: B008  # frozen
        text_format: TextFormat = TextFormat.TEXT,
        consent: bool = False,
    ) -> SynthesisRequest:
        """What a call asks of a voice: its `options` are settings, and `converter`.

        `consent`: the operator states that whoever is heard agreed; no client's word counts for that. Raises HeraldError, in
        words, for what can be known to be wrong before any text has come.
        """
        settings = dict(options)
        choice = read_choice(settings.pop(CONVERTER, None), voice.converter, self._converters)
        if consent:
            voice, choice = replace(voice, consent=True), choice and replace(choice, consent=True)
        request = SynthesisRequest(
            voice=replace(voice, converter=choice),
            settings=VoiceSettings.parse(settings),
            format=wish,
            text_format=text_format,
        )
        self.check(request)
        return request

    def check(self, request: SynthesisRequest) -> None:
        """Raise, in words, what can be known to be wrong before any text has come."""
        engine, voice = self._engine(request.voice), request.voice
        engine.check_request(_settings(request), request.text_format, voice.engine_voice)
        if engine.needs_consent(voice.engine_voice) and not voice.consent:
            raise ConsentRequired(_consent(f"The voice {voice.engine_voice} of {voice.engine}", "in a voice of herald.yaml"))
        if (choice := voice.converter) is not None:
            converter = self._converter(voice, choice)
            converter.check(choice.speaker, choice.settings)
            if converter.needs_consent(choice.speaker) and not choice.consent:
                who = f"The speaker {choice.speaker} of {choice.converter}"
                raise ConsentRequired(_consent(who, "in the converter of a voice in herald.yaml"))

    def setting_names(self, voice: Voice) -> frozenset[str]:
        """What may be set for this voice, its engine's extras included; an unknown engine knows the common ones."""
        engine = self._engines.get(voice.engine)
        return frozenset({*SETTING_NAMES, CONVERTER}) | (engine.extra_names() if engine is not None else frozenset())

    def native_rate(self, request: SynthesisRequest) -> int:
        """Hz of the reply if no rate is asked for. Raises HeraldError."""
        utterance = self._utterance(replace(request, format=FormatWish()))
        audio, choice = self._engine(request.voice).native_format(utterance), request.voice.converter
        if choice is not None:
            audio = self._converter(request.voice, choice).output_format(audio, choice.settings)
        return audio.rate

    async def speak(
        self, request: SynthesisRequest, text: AsyncIterable[str], progress: Progress | None = None
    ) -> AsyncGenerator[ReplyEvent, None]:
        """The reply to `request`, while `text` may still be growing; `progress` is kept up to date.

        Raises HeraldError; closing it cancels upstream.
        """
        self.check(request)
        progress = progress or Progress()
        progress.voice, progress.engine = request.voice.name, request.voice.engine
        with self._leased(request.voice):
            async with aclosing(self._reply(request, text, progress)) as events:
                async for event in events:
                    yield event

    async def _reply(
        self, request: SynthesisRequest, text: AsyncIterable[str], progress: Progress
    ) -> AsyncGenerator[ReplyEvent, None]:
        engine = self._engine(request.voice)
        utterance = self._utterance(request)
        conversion = self._conversion(request.voice, engine, utterance)
        shaper = Shaper(request, _source(engine, utterance, conversion), self._loudness)
        yield ReplyStart(voice=request.voice, format=shaper.target)
        speakable = request.voice.speakable_text and request.text_format is TextFormat.TEXT
        async with (
            aclosing(_spoken_text(text, progress, speakable=speakable)) as spoken,
            aclosing(_events(engine, spoken, utterance, conversion)) as events,
        ):
            with closing(shaper):
                async for event in events:
                    for shaped in shaper.shape(event):
                        _note(shaped, shaper.target, progress)
                        yield shaped
                for rest in shaper.finish():
                    _note(rest, shaper.target, progress)
                    yield rest

    @contextmanager
    def _leased(self, voice: Voice) -> Iterator[None]:
        """Whoever makes this voice stays while the block runs, even if the configuration changes."""
        with ExitStack() as stack:
            stack.enter_context(self._engines.leased(voice.engine))
            if voice.converter is not None:
                stack.enter_context(self._converters.leased(voice.converter.converter))
            yield

    def _utterance(self, request: SynthesisRequest) -> Utterance:
        """As the engine is to speak it: at the listener's rate or, where a converter comes in between, at the converter's."""
        voice = request.voice
        utterance = Utterance(
            voice=voice.engine_voice,
            language=voice.language,
            settings=_settings(request),
            text_format=request.text_format,
            rate=request.format.rate if voice.converter is None else None,
        )
        if (choice := voice.converter) is None:
            return utterance
        source = self._engine(voice).native_format(utterance)
        return replace(utterance, rate=self._converter(voice, choice).input_format(source, choice.settings).rate)

    def _conversion(self, voice: Voice, engine: Engine, utterance: Utterance) -> VoiceConversion | None:
        if (choice := voice.converter) is None:
            return None
        return VoiceConversion(self._converter(voice, choice), choice, engine.native_format(utterance))

    def _converter(self, voice: Voice, choice: ConverterChoice) -> Converter:
        try:
            return self._converters[choice.converter]
        except KeyError:
            msg = f"The voice {voice.name} needs the converter {choice.converter}, which is not configured."
            raise EngineUnavailable(msg) from None

    def _engine(self, voice: Voice) -> Engine:
        try:
            return self._engines[voice.engine]
        except KeyError:
            msg = f"The voice {voice.name} needs the engine {voice.engine}, which is not configured."
            raise EngineUnavailable(msg) from None


def load_stages(*, converted: bool) -> None:
    """Import now what the first reply would wait for: numpy and soxr take a fifth of a second, PyAV half of that.

    `converted`: whether there are converters.
    """
    for name in ("gain", "loudness", "resample", "trim", *(("live",) if converted else ())):
        import_module(f"{__package__}.audio.{name}")


def _settings(request: SynthesisRequest) -> VoiceSettings:
    return request.settings.over(request.voice.settings)


def _events(
    engine: Engine, text: AsyncIterable[str], utterance: Utterance, conversion: VoiceConversion | None
) -> AsyncGenerator[ConvertedEvent, None]:
    spoken = engine.speak(text, utterance)
    return spoken if conversion is None else conversion.events(spoken)


def _source(engine: Engine, utterance: Utterance, conversion: VoiceConversion | None) -> Source:
    name = f"{engine.name}/{utterance.voice}"
    return Source(
        name=name if conversion is None else f"{name} as {conversion.name}",
        engine=engine.name,
        format=engine.native_format(utterance) if conversion is None else conversion.target,
        settings=utterance.settings,
        can=engine.capabilities_of(utterance.voice, utterance.settings),
        live=conversion is not None,
    )


def _consent(who: str, where: str) -> str:
    return (
        f"{who} may be a real person. If that person agreed, say so: `consent: true` {where}, or --consent on the command line."
    )


def _note(event: ReplyEvent, audio: AudioFormat, progress: Progress) -> None:
    if isinstance(event, bytes):
        progress.heard(audio.seconds(len(event)))
    elif isinstance(event, Waiting):
        progress.position = event.position
    elif isinstance(event, Notice):
        progress.notice = event


async def _spoken_text(text: AsyncIterable[str], progress: Progress, *, speakable: bool) -> AsyncGenerator[str, None]:
    """The text in slices, without what only an eye can use if it is to be `speakable`.

    Slices, so that the first sentence of a long text need not wait for the last, nor other replies for any of it.
    """
    cleaner = SpeakableText() if speakable else _AsItIs()
    looked_at = 0
    async for fragment in text:
        for start in range(0, len(fragment), SLICE):
            piece = fragment[start : start + SLICE]
            if cleaned := cleaner.push(piece):
                progress.characters += len(cleaned)
                yield cleaned
            looked_at += len(piece)
            if looked_at > SLICE:
                looked_at = 0
                await asyncio.sleep(0)
        if fragment == PAUSE:
            if cleaned := cleaner.flush():
                progress.characters += len(cleaned)
                yield cleaned
            yield PAUSE
    if cleaned := cleaner.flush():
        progress.characters += len(cleaned)
        yield cleaned


class _AsItIs:
    """For voices that read everything."""

    def push(self, text: str) -> str:
        return text

    def flush(self) -> str:
        return ""
