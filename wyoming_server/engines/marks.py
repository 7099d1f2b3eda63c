"""Ties audio to text for any engine: counts the audio of a reply, and makes the marks of its sentences."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncGenerator, AsyncIterable

from ..models import AudioFormat, Mark, MarkKind, Sentence, Waiting
from .base import EngineEvent


class Marker:
    """The sentences of one reply, one after the other. `pause`: seconds of silence that go between two of them."""

    def __init__(self, audio: AudioFormat, *, pause: float = 0) -> None:
        self._audio = audio
        self._pause = audio.silence(pause)
        self._bytes = 0

    @property
    def seconds(self) -> float:
        """Audio of the reply so far."""
        return self._audio.seconds(self._bytes)

    async def marked(self, sentence: Sentence, events: AsyncIterable[EngineEvent]) -> AsyncGenerator[EngineEvent, None]:
        """The events of one sentence, which count from its start, at their place in the reply and between its own marks.

        A sentence without an event gets none; a place in line opens none and is passed on. Whoever made `events` closes them.
        """
        begin = self.seconds
        silent = True
        async for event in events:
            if silent and not isinstance(event, Waiting):
                silent = False
                if self._pause and self._bytes:
                    self._bytes += len(self._pause)
                    yield self._pause
                begin = self.seconds
                yield self._mark(MarkKind.SENTENCE_START, sentence)
            if isinstance(event, bytes):
                self._bytes += len(event)
                yield event
            elif isinstance(event, Mark):
                yield dataclasses.replace(
                    event, time=begin + event.time, start=sentence.start + event.start, end=sentence.start + event.end
                )
            else:
                yield event
        if not silent:
            yield self._mark(MarkKind.SENTENCE_END, sentence)

    def _mark(self, kind: MarkKind, sentence: Sentence) -> Mark:
        return Mark(kind=kind, time=self.seconds, start=sentence.start, end=sentence.end, text=sentence.text)
