"""What the tests of shared synthesis share: rooms that listen, each in a task of its own, and the engine behind them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from contextlib import aclosing
from typing import Any

from wyoming_server.converters.base import Converter
from wyoming_server.engines.base import Engine
from wyoming_server.engines.tone import ToneEngine
from wyoming_server.models import AudioFormat, FormatWish, ReplyStart, SynthesisRequest, Voice
from wyoming_server.progress import Progress
from wyoming_server.roster import Roster
from wyoming_server.synthesis import ReplyEvent, Synthesizer
from wyoming_server.synthesis.loudness import LoudnessStore
from wyoming_server.synthesis.making import SourceEvent
from wyoming_server.synthesis.sharing.shares import Limits, Shares

from ..engines.cases import new_engine
from .converting import TONE, pcm, text_of

TEXT = "One sentence. And another."
NATIVE = FormatWish()
WISHES = [FormatWish(), FormatWish(rate=16_000), FormatWish(rate=44_100, channels=2), FormatWish(rate=8_000, channels=2)]
SPOKEN_ONCE = {"started": 2, "finished": 2}


class Room:
    """Listens, an event whenever it is let."""

    def __init__(self, events: AsyncGenerator[ReplyEvent, None], progress: Progress) -> None:
        self.progress = progress
        self.heard: list[ReplyEvent] = []
        self._events = events

    async def some(self, count: int = 1) -> None:
        """So many events more."""
        async with asyncio.timeout(5):
            for _ in range(count):
                self.heard.append(await anext(self._events))

    async def audio(self) -> None:
        """Until there is more of it."""
        before = len(self.pcm)
        while len(self.pcm) == before:
            await self.some()

    async def rest(self) -> None:
        """To the end. Raises what the reply raises."""
        async with asyncio.timeout(20), aclosing(self._events) as events:
            async for event in events:
                self.heard.append(event)

    async def leave(self) -> None:
        async with asyncio.timeout(5):
            await self._events.aclose()

    @property
    def pcm(self) -> bytes:
        return pcm(self.heard)

    @property
    def format(self) -> AudioFormat:
        start = self.heard[0]
        assert isinstance(start, ReplyStart)
        return start.format


class House:
    """Rooms around one engine."""

    def __init__(self, engine: Engine, *converters: Converter, limits: Limits | None = None, **more: Any) -> None:
        self.engine = engine
        self.loudness = LoudnessStore()
        self.shares: Shares[SourceEvent] = Shares(limits or Limits())
        others = Roster.of({converter.name: converter for converter in converters})
        self.synthesizer = Synthesizer(Roster.of({engine.name: engine}), self.loudness, others, shares=self.shares, **more)

    def request(
        self, share: str = "dinner", *, voice: Voice = TONE, wish: FormatWish = NATIVE, **options: Any
    ) -> SynthesisRequest:
        return self.synthesizer.request(voice, {"share": share, **options}, wish=wish)

    def room(self, share: str = "dinner", text: AsyncIterable[str] | str = TEXT, **how: Any) -> Room:
        progress = Progress()
        words = text_of([text]) if isinstance(text, str) else text
        return Room(self.synthesizer.speak(self.request(share, **how), words, progress), progress)

    @property
    def told(self) -> list[str]:
        """By the test tone."""
        assert isinstance(self.engine, ToneEngine)
        return [event.what for event in self.engine.journal]

    @property
    def tally(self) -> Counter[str]:
        return Counter(self.told)

    @property
    def running(self) -> int:
        """Sentences that have not come to an end."""
        return 2 * self.told.count("started") - len(self.told)


def tone_house(limits: Limits | None = None, **options: Any) -> House:
    return House(new_engine("tone", **{"per_character": 0.05, **options}), limits=limits)


async def alone(text: str = TEXT, *, wish: FormatWish = NATIVE, **options: Any) -> Sequence[ReplyEvent]:
    """What somebody hears who shares nothing."""
    room = tone_house(**options).room("", text, wish=wish)
    await room.rest()
    return room.heard


def no_task_is_left() -> bool:
    return asyncio.all_tasks() == {asyncio.current_task()}


async def rest(*rooms: Room) -> None:
    async with asyncio.TaskGroup() as tasks:
        for room in rooms:
            tasks.create_task(room.rest())


async def failures(*rooms: Room) -> list[BaseException | None]:
    return await asyncio.gather(*(room.rest() for room in rooms), return_exceptions=True)
