"""What a service tells in one session of a reply → audio, and marks at their places in the reply's text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import singledispatchmethod

from ...models import Mark
from ...protocols.flowing_events import Audio, Completed, SentenceBegin, SentenceEnd, ServerEvent, Subtitles
from ...protocols.flowing_events import Word as ToldWord
from ..base import EngineEvent
from ..fragments import Fragments
from ..places import Places, Word
from .job import Job
from .session import Session
from .sound import Sound

EARLY = 0.2
"""Seconds by which the first word of a sentence may be told to begin before it."""


class Hearing:
    """One session, as its reply hears it."""

    def __init__(self, session: Session, job: Job, feed: Fragments, places: Places) -> None:
        self._session = session
        self._job = job
        self._feed = feed
        self._places = places
        self._sound = Sound(job.format)
        self._begin = places.seconds
        """Seconds of the reply's audio before this session."""
        self._last = -1.0
        """Milliseconds: when the last word of this sentence begins. Services tell words again, and all of them at the end."""
        self._since: float | None = None
        """Seconds of the reply's audio from which this sentence's words count, once that is known."""
        self._heard = False

    @singledispatchmethod
    def events_of(self, event: ServerEvent) -> Iterator[EngineEvent]:
        """Audio and marks. Sentences end late: audio and words may come behind the message of their end."""
        yield from ()

    @events_of.register
    def _(self, event: Audio) -> Iterator[EngineEvent]:
        if pcm := self._sound.pcm(event.data):
            self._heard = True
            self._feed.heard(self._job.format.seconds(len(pcm)))
            yield from self._places.heard(pcm)
            yield pcm

    @events_of.register
    def _(self, event: SentenceBegin) -> Iterator[EngineEvent]:
        self._last, self._since = -1.0, None
        yield from self._places.begins(event.text)

    @events_of.register
    def _(self, event: Subtitles) -> Iterator[EngineEvent]:
        yield from self._words(event.words)

    @events_of.register
    def _(self, event: SentenceEnd) -> Iterator[EngineEvent]:
        yield from self._words(event.words)
        self._feed.unspoken(self._places.unspoken)

    @events_of.register
    def _(self, event: Completed) -> Iterator[EngineEvent]:
        yield from self._words(event.words)
        yield from self._places.ends()
        if not self._heard:
            raise self._session.silent()

    def _words(self, told: Iterable[ToldWord]) -> Iterator[Mark]:
        for word in told:
            if word.begin_time is not None and word.begin_time > self._last and not word.sentence:
                self._last = word.begin_time
                begin = word.begin_time / 1000
                yield from self._places.words([Word(text=word.text, begin=begin)], self._counted_from(begin))

    def _counted_from(self, begin: float) -> float:
        """Some services count from the sentence, some from the session: no word is spoken before its sentence."""
        if self._since is None:
            by_session = self._begin + begin >= self._places.sentence_begin - EARLY
            self._since = self._begin if by_session else self._places.sentence_begin
        return self._since
