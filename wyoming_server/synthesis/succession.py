"""What one listener hears of voices that follow each other in a reply: one format, no click between them, marks that go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from ..audio.level import decay_tail
from ..models import FormatWish, Mark, Notice, SynthesisRequest, Waiting
from .loudness import LoudnessStore
from .making import Begun, SourceEvent
from .shaping import Shaper

T = TypeVar("T", bytes | Mark, bytes | Mark | Waiting | Notice)


class Succession:
    """Shapes a reply's events. `speaks` is told who speaks, at first and whenever somebody else does."""

    def __init__(self, request: SynthesisRequest, begun: Begun, loudness: LoudnessStore, speaks: Callable[[Begun], None]) -> None:
        self.begun = begun
        """Who speaks now."""
        self._loudness = loudness
        self._speaks = speaks
        self._shaper = Shaper(replace(begun.request, format=request.format), begun.source, loudness)
        self.target = self._shaper.target
        """The format of all of it."""
        self._bytes = 0
        self._before = 0.0
        """Seconds of those who spoke before."""
        self._last_frame = b""
        speaks(begun)

    def shape(self, event: SourceEvent) -> Iterator[bytes | Mark | Waiting | Notice]:
        """As the listener gets it."""
        if isinstance(event, Begun):
            yield from self._follow(event)
        else:
            yield from map(self._noted, self._shaper.shape(event))

    def finish(self) -> Iterator[bytes | Mark]:
        """What is still held; a moment of silence where nothing was said at all."""
        yield from map(self._noted, self._shaper.finish(is_empty=not self._bytes))

    def close(self) -> None:
        """Free what a stage holds outside Python. Twice is fine."""
        self._shaper.close()

    def _follow(self, begun: Begun) -> Iterator[bytes | Mark]:
        """All that the one before made, a short fade where it was broken off, and then somebody else."""
        yield from map(self._noted, self._shaper.break_off())
        self._shaper.close()
        if tail := decay_tail(self._last_frame, self.target):
            yield self._noted(tail)
        self.begun, self._before = begun, self.target.seconds(self._bytes)
        wish = FormatWish(rate=self.target.rate, channels=self.target.channels)
        self._shaper = Shaper(replace(begun.request, format=wish), begun.source, self._loudness)
        self._speaks(begun)

    def _noted(self, event: T) -> T:
        """At its place in the reply."""
        if isinstance(event, bytes):
            self._bytes += len(event)
            self._last_frame = event[-self.target.frame_size :] or self._last_frame
        elif isinstance(event, Mark) and self._before:
            return replace(event, time=self._before + event.time)
        return event
