"""Replies whose text goes up in fragments: one text stream after the other, each on a connection of its own, each in its turn.

The server splits the text by itself and tells nothing of its sentences, so the marks are Herald's own sentences, as far as
they had been sent when their audio began.
"""

from __future__ import annotations

import logging
import math
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass

from ...errors import HeraldError, Unspeakable
from ...models import Mark, Sentence
from ...text.sentences import SentenceSplitter
from ...upstream.attempts import FirstAudioClock, persistent
from ..base import CONCURRENCY_MAX, EngineEvent
from ..fragments import Fragments, fragments
from ..places import SENTENCE_MAX, Places
from ..promise import Promises
from ..turns import Turns
from .links import Ahead, Links
from .sound import Sound
from .talk import Job, Talk

_LOGGER = logging.getLogger(__name__)

STREAM_MAX = 20_000
"""Code points after which a stream ends with its sentence: servers have limits, Herald's own is 50,000."""


@dataclass(kw_only=True)
class _Reply:
    """What the streams of one reply share."""

    job: Job
    feed: Fragments
    places: Places
    clock: FirstAudioClock
    ahead: Ahead
    ended: Callable[[bool], None]


class Streams:
    """Of one engine."""

    def __init__(self, engine: str, links: Links, turns: Turns | None, promises: Promises) -> None:
        self._engine = engine
        self._links = links
        self._turns = turns or Turns(CONCURRENCY_MAX)
        self._promises = promises
        self._feeds: set[Fragments] = set()

    def close(self, error: HeraldError) -> None:
        """Whoever waits for text, or will, gets the error."""
        for feed in self._feeds:
            feed.close(error)

    async def speak(
        self, job: Job, text: AsyncIterable[str], *, ended: Callable[[bool], None]
    ) -> AsyncGenerator[EngineEvent, None]:
        """Each stream ends where the writer pauses: a server speaks what it takes for unfinished only at the end of one.

        `ended` is called with whether the server told that end, or said no more.
        """
        ahead = Ahead(self._links)
        places = Places(job.format)
        try:
            # No look-ahead: it is a server of one's own, and waits for the begin of a sentence to speak the one before.
            async with fragments(text, look_ahead=math.inf, speed=None) as feed:
                self._feeds.add(feed)
                try:
                    while await feed.speakable():
                        clock = FirstAudioClock(job.first_audio)
                        reply = _Reply(job=job, feed=feed, places=places, clock=clock, ahead=ahead, ended=ended)
                        async with aclosing(self._in_turn(reply)) as events:
                            async for event in events:
                                yield event
                        feed.session_over()
                        places.forget()
                finally:
                    self._feeds.discard(feed)
        finally:
            await ahead.aclose()

    async def _in_turn(self, reply: _Reply) -> AsyncGenerator[EngineEvent, None]:
        with self._turns.ask(reply.job.utterance, reply.job.utterance.client) as turn:
            async for waiting in turn.waiting():
                yield waiting
            heard = False
            try:
                async with aclosing(persistent(lambda: self._attempt(reply), reply.clock)) as events:
                    async for event in events:
                        heard = True
                        yield event
            except Unspeakable as error:
                if heard:
                    raise
                _LOGGER.warning("%s left out a text: %s", self._engine, error)

    async def _attempt(self, reply: _Reply) -> AsyncGenerator[EngineEvent, None]:
        job, feed = reply.job, reply.feed
        feed.rewind()
        reply.places.forget()
        reply.clock.start()
        link = await reply.ahead.take(reply.clock, job.asked)
        sound = Sound(self._promises, job.utterance.voice, job.format, job.asked.peer)
        talk = Talk(link, job, sound, reply.clock, streamed=True)
        writer = _Writer(reply, self._turns)
        try:
            async with aclosing(talk.audio(writer.write)) as pieces:
                async for pcm in pieces:
                    feed.heard(job.format.seconds(len(pcm)))
                    for mark in writer.heard(pcm):
                        yield mark
                    yield pcm
            for mark in reply.places.ends():
                yield mark
        finally:
            self._links.leave(link, whole=talk.over)
        if talk.told_end or talk.unended:
            reply.ended(talk.told_end)


class _Writer:
    """Sends one stream its text, up to where it pauses, ends, grows too long, or should make way for others."""

    def __init__(self, reply: _Reply, turns: Turns) -> None:
        self._feed = reply.feed
        self._turns = turns
        self._sentences = _Sentences(reply.places)
        self._size = 0
        """Code points sent."""

    async def write(self, talk: Talk) -> None:
        talk.begin()
        sent: list[str] = []
        while (piece := await self._feed.piece(self._give_way)) is not None:
            self._feed.sent()
            self._sentences.sent(piece)
            self._size += len(piece.text)
            sent.append(piece.text)
            await talk.add(piece.text)
        self._sentences.complete()
        talk.end("".join(sent))

    def heard(self, pcm: bytes) -> Iterator[Mark]:
        return self._sentences.heard(pcm)

    def _give_way(self) -> bool:
        return self._turns.contended or self._size >= STREAM_MAX


class _Sentences:
    """Tells `places` of the text in whole sentences, though it goes to the server as it is written."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._splitter = SentenceSplitter(first_min=10 * SENTENCE_MAX, soft_limit=SENTENCE_MAX, hard_limit=SENTENCE_MAX)
        self._first: int | None = None
        """Place of this stream's first character in the reply's text."""
        self._begin = 0
        self._rest = ""
        """What was sent and is not told yet; it begins at `_begin`."""

    def sent(self, piece: Sentence) -> None:
        if self._first is None:
            self._first = self._begin = piece.start
        self._rest += piece.text
        for sentence in self._splitter.push(piece.text):
            self._tell(self._first + sentence.end)

    def complete(self) -> None:
        self._tell(self._begin + len(self._rest))

    def heard(self, pcm: bytes) -> Iterator[Mark]:
        """Where the server speaks before a sentence is whole, it is marked as far as it goes."""
        if not self._places.text:
            self.complete()
        yield from self._places.heard(pcm)

    def _tell(self, end: int) -> None:
        if (size := end - self._begin) > 0:
            self._places.sent(Sentence(text=self._rest[:size], start=self._begin))
            self._begin, self._rest = end, self._rest[size:]
