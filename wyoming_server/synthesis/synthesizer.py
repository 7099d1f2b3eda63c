"""One request: a chime, if one is wanted, and what is made of its text (see `sources`), shaped as its listener wants it.

Several requests may share what is made (see `sharing`). Knows no socket and no session: whoever reads the generator may close it,
or cancel the task that reads, at any moment.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Iterator, Mapping
from contextlib import aclosing, closing
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import Any, TypeAlias

from ..ahead import read_ahead
from ..converters.base import Converter
from ..converters.choice import CONVERTER, read_choice
from ..engines.base import Engine
from ..errors import BadSetting
from ..models import (
    SETTING_NAMES,
    AudioFormat,
    FormatWish,
    Mark,
    Notice,
    ReplyStart,
    SynthesisRequest,
    TextFormat,
    Voice,
    VoiceSettings,
    Waiting,
    shortened,
)
from ..progress import Progress
from ..roster import Roster
from .budget import Budget
from .cache.replies import CachedReplies, Caching
from .chimes import ChimeStore
from .common import WithoutVolume, identity, own
from .fallback.breakers import Breakers
from .fallback.chain import Fallback, Nobody, Understudies
from .fallback.guard import Guard
from .loudness import LoudnessStore
from .making import Begun, Making, SourceEvent, TookBy
from .patience import Patience
from .sharing.shares import Shares
from .sources import Sources
from .spending import Spending
from .succession import Succession

ReplyEvent: TypeAlias = ReplyStart | bytes | Mark | Waiting | Notice
"""First a ReplyStart, then PCM in its format, marks, places in line, and what there is to know."""

ShapedEvent: TypeAlias = bytes | Mark | Waiting | Notice
"""What comes after the start."""

CHIME, SHARE, CACHE, FALLBACK, SPEAKABLE, NONE = "chime", "share", "cache", "fallback", "speakable_text", "none"
SHARE_MAX = 256
"""Characters of a share's id."""
CHIME_STEP = 0.25
"""Seconds of a chime that are handed on at once."""
NOBODY = Nobody()


class Synthesizer:
    """Speaks requests with the configured engines and converters."""

    def __init__(  # noqa: PLR0913  # all that a reply passes
        self,
        engines: Roster[Engine],
        loudness: LoudnessStore,
        converters: Roster[Converter],
        chimes: ChimeStore | None = None,
        shares: Shares[SourceEvent] | None = None,
        *,
        caching: Caching | None = None,
        spending: Spending | None = None,
        breakers: Breakers | None = None,
        understudies: Understudies = NOBODY,
    ) -> None:
        self._sources = Sources(engines, converters)
        self.breakers = Breakers({}) if breakers is None else breakers
        spending = Spending() if spending is None else spending
        budget = Budget(Guard(Patience(self._sources, spending.limits), self.breakers), spending)
        making: Making = budget if caching is None else CachedReplies(budget, self._sources, caching)
        self._making = Fallback(WithoutVolume(making), understudies, self._sources.taken_over)
        self._loudness = loudness
        self._chimes = ChimeStore() if chimes is None else chimes
        self._shares = Shares[SourceEvent]() if shares is None else shares

    def request(
        self,
        voice: Voice,
        options: Mapping[str, Any],
        *,
        wish: FormatWish = FormatWish(),  # noqa: B008  # frozen
        text_format: TextFormat = TextFormat.TEXT,
        consent: bool = False,
    ) -> SynthesisRequest:
        """What a call asks of a voice.

        Its `options` are settings, `converter`, `chime`, `share`, `cache`, `fallback` and `speakable_text`.
        `consent`: the operator states that whoever is heard agreed; no client's word counts for that. Raises HeraldError, in
        words, for what can be known to be wrong before any text has come.
        """
        settings = dict(options)
        choice = read_choice(settings.pop(CONVERTER, None), voice.converter, self._sources.converters)
        chime, share = _read_chime(settings.pop(CHIME, None)), _read_share(settings.pop(SHARE, None))
        cache, fallback, speakable = (_read_flag(name, settings.pop(name, None)) for name in (CACHE, FALLBACK, SPEAKABLE))
        if consent:
            voice, choice = replace(voice, consent=True), choice and replace(choice, consent=True)
        request = SynthesisRequest(
            voice=replace(voice, converter=choice),
            settings=VoiceSettings.parse(settings),
            format=wish,
            text_format=text_format,
            chime=chime,
            share=share,
            cache=cache is not False,
            fallback=fallback is not False,
            speakable_text=speakable,
        )
        self.check(request)
        return request

    def check(self, request: SynthesisRequest) -> None:
        """Raise, in words, what can be known to be wrong before any text has come."""
        self._sources.check(request)
        if request.chime:
            self._chimes.get(request.chime)

    def setting_names(self, voice: Voice) -> frozenset[str]:
        """What may be set for this voice, its engine's extras included; an unknown engine knows the common ones."""
        engine = self._sources.engines.get(voice.engine)
        extras = engine.extra_names() if engine is not None else frozenset()
        return frozenset({*SETTING_NAMES, CONVERTER, CHIME, SHARE, CACHE, FALLBACK, SPEAKABLE}) | extras

    def native_rate(self, request: SynthesisRequest) -> int:
        """Hz of the reply if no rate is asked for. Raises HeraldError."""
        return self._sources.native_rate(request)

    async def speak(
        self, request: SynthesisRequest, text: AsyncIterable[str], progress: Progress | None = None
    ) -> AsyncGenerator[ReplyEvent, None]:
        """The reply to `request`, while `text` may still be growing; `progress` is kept up to date.

        Raises HeraldError; closing it cancels upstream.
        """
        self.check(request)
        progress = progress or Progress()
        request = replace(request, client=progress.client)
        progress.voice, progress.engine = request.voice.name, request.voice.engine
        progress.converter = request.voice.converter.converter if request.voice.converter is not None else ""
        async with aclosing(self._made(request, text, progress)) as made:
            told, begun = await _beginning(made)
            progress.asked = True
            with closing(Succession(request, begun, self._loudness, partial(_speaks, progress))) as voices:
                try:
                    yield ReplyStart(voice=begun.request.voice, format=voices.target)
                    for notice in told:
                        _note(notice, voices.target, progress)
                        yield notice
                    async with aclosing(self._heard(request, made, voices, progress)) as heard:
                        async for event in heard:
                            yield event
                finally:
                    progress.converter_failed = voices.begun.converter_failed

    async def _heard(
        self, request: SynthesisRequest, speech: AsyncGenerator[SourceEvent, None], voices: Succession, progress: Progress
    ) -> AsyncGenerator[ShapedEvent, None]:
        """The chime, and the speech right behind it, whose making begins with the chime: so that its think time is not heard."""
        if not request.chime:
            async with aclosing(_shaped(speech, voices)) as shaped:
                async for event in shaped:
                    _note(event, voices.target, progress)
                    yield event
            return
        async with read_ahead(_watched(_shaped(speech, voices), progress)) as coming:
            chime = await self._chimes.pcm(request.chime, voices.target, request.settings.volume)
            for piece in _cut(chime, voices.target.size(CHIME_STEP)):
                progress.adds(voices.target.seconds(len(piece)))
                yield piece
            before = voices.target.seconds(len(chime))
            async for event in coming:
                _note(event, voices.target, progress)
                yield replace(event, time=before + event.time) if isinstance(event, Mark) else event

    # What is made of the text

    def _made(self, request: SynthesisRequest, text: AsyncIterable[str], progress: Progress) -> AsyncGenerator[SourceEvent, None]:
        if request.share:
            return self._shared(request, text, progress)
        return self._making.events(request, text, progress.took)

    async def _shared(
        self, request: SynthesisRequest, text: AsyncIterable[str], progress: Progress
    ) -> AsyncGenerator[SourceEvent, None]:
        """The same for everybody who shares it, but for the volume, which is each listener's own."""
        is_first = False

        def make(text: AsyncIterable[str], took: TookBy) -> AsyncGenerator[SourceEvent, None]:
            nonlocal is_first
            is_first = True
            return self._making.events(request, text, took)

        async with aclosing(self._shares.listen(request.share, identity(request), text, progress, make)) as events:
            async for event in events:
                if isinstance(event, Begun):
                    progress.shared = not is_first
                    yield own(event, request, learned=is_first)
                else:
                    yield event


def load_stages(*, converted: bool) -> None:
    """Import now what the first reply would wait for: numpy and soxr take a fifth of a second, PyAV half of that.

    `converted`: whether there are converters.
    """
    for name in ("gain", "loudness", "resample", "trim", *(("live",) if converted else ())):
        import_module(f"{__package__.rpartition('.')[0]}.audio.{name}")


# Options


def _read_chime(value: Any) -> str:
    if value in (None, "", NONE, False):
        return ""
    if not isinstance(value, str):
        msg = f"{CHIME} is the SHA-256 of a stored chime, in hex, or {NONE}, not {shortened(value)}."
        raise BadSetting(msg)
    return value


def _read_share(value: Any) -> str:
    if value in (None, ""):
        return ""
    if not isinstance(value, str) or len(value) > SHARE_MAX or not value.isprintable():
        msg = f"{SHARE} is an id of 1 to {SHARE_MAX} printable characters, not {shortened(value)}."
        raise BadSetting(msg)
    return value


def _read_flag(name: str, value: Any) -> bool | None:
    if value is not None and not isinstance(value, bool):
        msg = f"{name} is true or false, not {shortened(value)}."
        raise BadSetting(msg)
    return value


# What is heard


async def _beginning(events: AsyncGenerator[SourceEvent, None]) -> tuple[list[Notice], Begun]:
    """Who speaks, and what there is to know of it already."""
    told: list[Notice] = []
    while not isinstance(event := await anext(events), Begun):
        if isinstance(event, Notice):
            told.append(event)
    return told, event


async def _shaped(events: AsyncIterable[SourceEvent], voices: Succession) -> AsyncGenerator[ShapedEvent, None]:
    async for event in events:
        for shaped in voices.shape(event):
            yield shaped
    for rest in voices.finish():
        yield rest


async def _watched(events: AsyncGenerator[ShapedEvent, None], progress: Progress) -> AsyncGenerator[ShapedEvent, None]:
    """Speech that is made while a chime is heard: its first audio counts from now."""
    async with aclosing(events):
        async for event in events:
            if isinstance(event, bytes):
                progress.speaks()
            yield event


def _cut(pcm: bytes, step: int) -> Iterator[bytes]:
    return (pcm[start : start + step] for start in range(0, len(pcm), step))


def _speaks(progress: Progress, begun: Begun) -> None:
    voice = begun.request.voice
    progress.voice, progress.engine = voice.name, voice.engine
    progress.converter = voice.converter.converter if voice.converter is not None else ""


def _note(event: ReplyEvent, audio: AudioFormat, progress: Progress) -> None:
    if isinstance(event, bytes):
        progress.heard(audio.seconds(len(event)))
    elif isinstance(event, Waiting):
        progress.waits(event.position)
    elif isinstance(event, Notice):
        progress.notice = event
