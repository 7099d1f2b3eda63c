"""What tests of fallbacks share: tone engines that fail, stall and wait by script, each with one voice of its own name."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

import voluptuous as vol

from wyoming_server.converters.base import Converter
from wyoming_server.engines.base import Engine
from wyoming_server.engines.tone import ToneEngine
from wyoming_server.errors import UnknownVoice
from wyoming_server.models import AudioFormat, FormatWish, Mark, MarkKind, Notice, ReplyStart, SynthesisRequest, Voice
from wyoming_server.progress import Progress
from wyoming_server.roster import Roster
from wyoming_server.synthesis import ReplyEvent, Synthesizer
from wyoming_server.synthesis.fallback.breakers import Breakers
from wyoming_server.synthesis.loudness import LoudnessStore


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Of a breaker."""

    breaker_failures: int = 3
    breaker_seconds: float = 30


def tone(name: str, **script: Any) -> ToneEngine:
    """0.01 s a character."""
    options = {"per_character": 0.01, **script}
    return ToneEngine(name, vol.Schema(dict(ToneEngine.options_schema))(options))


def voice_of(engine: Engine, **more: Any) -> Voice:
    return Voice(name=engine.name, engine=engine.name, engine_voice="tone", languages=("en-US",), **more)


class Troupe:
    """Engines, of which each stands in for the one before; `lead` is the first one's voice."""

    def __init__(
        self,
        *engines: ToneEngine,
        voices: Iterable[Voice] = (),
        converters: Sequence[Converter] = (),
        clock: Callable[[], float] = monotonic,
        terms: Terms | None = None,
        **lead: Any,
    ) -> None:
        self.engines = {engine.name: engine for engine in engines}
        self.voices = {engine.name: voice_of(engine) for engine in engines} | {voice.name: voice for voice in voices}
        first, *others = engines
        self.lead = replace(self.voices[first.name], fallback=tuple(engine.name for engine in others), **lead)
        self.loudness = LoudnessStore()
        self.roster: Roster[Engine] = Roster.of(dict(self.engines))
        self.breakers = Breakers(dict.fromkeys(self.engines, terms) if terms else {}, clock)
        self.synthesizer = Synthesizer(
            self.roster,
            self.loudness,
            Roster.of({one.name: one for one in converters}),
            breakers=self.breakers,
            understudies=self,
        )

    def understudies(self, voice: Voice) -> Sequence[str]:
        return voice.fallback

    def understudy(self, name: str, voice: Voice, text: str) -> Voice:
        if name not in self.voices:
            raise UnknownVoice
        return self.voices[name]

    def request(self, *, rate: int | None = None, **options: Any) -> SynthesisRequest:
        return self.synthesizer.request(self.lead, options, wish=FormatWish(rate=rate))

    async def play(self, *fragments: str, rate: int | None = None, **options: Any) -> Heard:
        return await self.hear(text_of(fragments), self.request(rate=rate, **options))

    async def hear(self, text: AsyncIterable[str], request: SynthesisRequest) -> Heard:
        heard = Heard()
        async with asyncio.timeout(10), aclosing(self.synthesizer.speak(request, text, heard.progress)) as events:
            async for event in events:
                heard.events.append(event)
        return heard

    def tally(self, name: str) -> Counter[str]:
        return Counter(event.what for event in self.engines[name].journal)

    def given(self, name: str) -> list[int]:
        """How long the sentences were that it was asked for."""
        return [event.characters for event in self.engines[name].journal if event.what == "started"]


class Heard:
    """One reply."""

    def __init__(self) -> None:
        self.events: list[ReplyEvent] = []
        self.progress = Progress()

    @property
    def format(self) -> AudioFormat:
        assert isinstance(self.events[0], ReplyStart)
        return self.events[0].format

    @property
    def pcm(self) -> bytes:
        return b"".join(event for event in self.events if isinstance(event, bytes))

    @property
    def seconds(self) -> float:
        return self.format.seconds(len(self.pcm))

    @property
    def notices(self) -> list[Notice]:
        return [event for event in self.events if isinstance(event, Notice)]

    @property
    def sentences(self) -> list[str]:
        """Those that were heard whole."""
        return [event.text for event in self.events if isinstance(event, Mark) and event.kind is MarkKind.SENTENCE_END]


async def text_of(fragments: Iterable[str]) -> AsyncIterator[str]:
    for fragment in fragments:
        yield fragment


def no_task_is_left() -> bool:
    return asyncio.all_tasks() == {asyncio.current_task()}
