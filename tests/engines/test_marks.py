"""Sentences one after the other: where each begins in the audio, and the silence between them."""

from __future__ import annotations

from collections.abc import AsyncIterator

from wyoming_server.engines.base import EngineEvent
from wyoming_server.engines.marks import Marker
from wyoming_server.models import AudioFormat, Mark, MarkKind, Sentence

AUDIO = AudioFormat(rate=16_000)
SECOND = b"\1" * AUDIO.size(1)


async def events(*given: EngineEvent) -> AsyncIterator[EngineEvent]:
    for event in given:
        yield event


async def told(marker: Marker, text: str, *given: EngineEvent) -> list[EngineEvent]:
    return [event async for event in marker.marked(Sentence(text=text, start=0), events(*given))]


async def test_a_pause_goes_between_sentences_and_before_the_mark_of_the_next() -> None:
    marker = Marker(AUDIO, pause=0.5)
    await told(marker, "One.", SECOND)
    silence, start, audio, end = await told(marker, "Two.", SECOND)
    assert (silence, audio) == (AUDIO.silence(0.5), SECOND)
    assert isinstance(start, Mark)
    assert isinstance(end, Mark)
    assert (start.kind, start.time, end.time) == (MarkKind.SENTENCE_START, 1.5, 2.5)


async def test_words_count_from_behind_the_pause() -> None:
    marker = Marker(AUDIO, pause=0.5)
    await told(marker, "One.", SECOND)
    word = Mark(kind=MarkKind.WORD, time=0.25, start=0, end=3, text="Two")
    marks = [event for event in await told(marker, "Two.", word, SECOND) if isinstance(event, Mark)]
    assert [mark.time for mark in marks] == [1.5, 1.75, 2.5]


async def test_a_sentence_without_a_sound_brings_no_pause() -> None:
    marker = Marker(AUDIO, pause=0.5)
    await told(marker, "One.", SECOND)
    assert await told(marker, "…") == []
    assert marker.seconds == 1
