"""What the tests of the cache share: the test tone behind a cache in a folder, and what is heard of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from wyoming_server.converters.base import Converter
from wyoming_server.engines.base import Engine
from wyoming_server.engines.tone import ToneEngine
from wyoming_server.models import AudioFormat, FormatWish, Mark, MarkKind, TextFormat, Voice
from wyoming_server.progress import Progress
from wyoming_server.roster import Roster
from wyoming_server.synthesis import ReplyEvent, Synthesizer
from wyoming_server.synthesis.cache.entry import Finished, Placed
from wyoming_server.synthesis.cache.replies import Caching
from wyoming_server.synthesis.cache.store import DiskStore
from wyoming_server.synthesis.loudness import LoudnessStore

from ...engines.cases import new_engine
from ..converting import TONE, pcm, text_of

TEXT = "One sentence. And another."
KEY = "a" * 64
SPOKEN_ONCE = {"started": 2, "finished": 2}
"""Two sentences."""
MEBIBYTE = 1 << 20
NATIVE = FormatWish()
MAX_TEXT = 100


class Kitchen:
    """One engine behind one cache."""

    def __init__(self, store: DiskStore, engine: Engine, *converters: Converter, max_text: int = MAX_TEXT) -> None:
        self.store = store
        self.engine = engine
        others = Roster.of({converter.name: converter for converter in converters})
        engines, self.loudness = Roster.of({engine.name: engine}), LoudnessStore()
        self.synthesizer = Synthesizer(engines, self.loudness, others, caching=Caching(store, max_text))

    async def heard(  # noqa: PLR0913  # all that a call may say
        self,
        text: AsyncIterable[str] | str = TEXT,
        *,
        voice: Voice = TONE,
        wish: FormatWish = NATIVE,
        text_format: TextFormat = TextFormat.TEXT,
        progress: Progress | None = None,
        written: bool = True,
        **options: Any,
    ) -> list[ReplyEvent]:
        """A whole reply; what is to be kept of it is written when it returns."""
        request = self.synthesizer.request(voice, options, wish=wish, text_format=text_format)
        words = text_of([text]) if isinstance(text, str) else text
        async with asyncio.timeout(20):
            events = [event async for event in self.synthesizer.speak(request, words, progress)]
            if written:
                await self.store.written()
        return events

    @property
    def tally(self) -> Counter[str]:
        """What the engine was asked for, by sentences."""
        assert isinstance(self.engine, ToneEngine)
        return Counter(event.what for event in self.engine.journal)


@asynccontextmanager
async def kitchen(folder: Path, *converters: Converter, limit: int = 8 * MEBIBYTE, **options: Any) -> AsyncIterator[Kitchen]:
    async with stored(folder, limit) as store:
        yield Kitchen(store, new_engine("tone", **{"per_character": 0.02, **options}), *converters)


@asynccontextmanager
async def stored(folder: Path, limit: int = 8 * MEBIBYTE, *, rest: float = 60) -> AsyncIterator[DiskStore]:
    store = DiskStore(folder, limit, rest=rest)
    try:
        yield store
    finally:
        await store.aclose()


def seconds_of(events: list[ReplyEvent]) -> float:
    return AudioFormat(rate=22_050).seconds(len(pcm(events)))


def finished(size: int = 40_000, *, rate: int = 22_050, channels: int = 1, seed: int = 1) -> Finished:
    """A reply that looks like no other of another seed, with a mark at each end and one between."""
    audio = AudioFormat(rate=rate, channels=channels)
    noise = (seed * 7919 + 1).to_bytes(3, "little") * (size // 3 + 1)
    size -= size % audio.frame_size
    marks = [
        Placed(0, Mark(kind=MarkKind.SENTENCE_START, time=0, start=0, end=3, text="One")),
        Placed(size // 2 // 4 * 4, Mark(kind=MarkKind.WORD, time=0.5, start=0, end=3, text="Uno")),
        Placed(size, Mark(kind=MarkKind.SENTENCE_END, time=1, start=0, end=3, text="One")),
    ]
    return Finished(format=audio, pcm=noise[:size], marks=marks)


def keep(store: DiskStore, key: str = KEY, reply: Finished | None = None, **whose: str) -> None:
    who: Mapping[str, str] = {"voice": "anna", "engine": "tone", **whose}
    store.keep(key, reply or finished(), "One", voice=who["voice"], engine=who["engine"])


def all_files(folder: Path, pattern: str = "*") -> list[Path]:
    return [*folder.glob(pattern)]


def entry_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.reply"))
