"""Replies whose text goes up in fragments: one text stream after the other, each on a connection of its own, each in its turn.

The server splits the text by itself and tells nothing of its sentences, so the marks are Herald's own sentences, as far as
they had been sent when their audio began.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterator
from contextlib import aclosing
from functools import partial

from ...errors import HeraldError
from ...models import Mark, Sentence
from ...text.sentences import SentenceSplitter
from ..base import EngineEvent
from ..fragmented import FragmentedReplies, FragmentedReply
from ..places import SENTENCE_MAX, Places
from ..promise import Promises
from ..turns import Turns
from .links import Ahead, Links
from .sound import Sound
from .talk import Job, Talk

STREAM_MAX = 20_000
"""Code points after which a stream ends with its sentence: servers have limits, Herald's own is 50,000."""


class Streams:
    """Of one engine. `first_audio`: seconds until it must be there."""

    def __init__(self, engine: str, links: Links, turns: Turns | None, promises: Promises, *, first_audio: float) -> None:
        self._links = links
        self._promises = promises
        # No look-ahead: it is a server of one's own, and waits for the begin of a sentence to speak the one before.
        self._replies = FragmentedReplies(engine, turns, look_ahead=math.inf, first_audio=first_audio, whole=True)

    def close(self, error: HeraldError) -> None:
        """Whoever waits for text, or will, gets the error."""
        self._replies.close(error)

    async def speak(
        self, job: Job, text: AsyncIterable[str], *, ended: Callable[[bool], None]
    ) -> AsyncGenerator[EngineEvent, None]:
        """Each stream ends where the writer pauses: a server speaks what it takes for unfinished only at the end of one.

        `ended` is called with whether the server told that end, or said no more.
        """
        ahead = Ahead(self._links)
        try:
            stream = partial(self._stream, job, ahead, ended)
            async with aclosing(self._replies.speak(text, job.utterance, job.format, stream)) as events:
                async for event in events:
                    yield event
        finally:
            await ahead.aclose()

    async def _stream(
        self, job: Job, ahead: Ahead, ended: Callable[[bool], None], reply: FragmentedReply, _: bool
    ) -> AsyncGenerator[EngineEvent, None]:
        link = await ahead.take(reply.clock, job.asked)  # always fresh
        sound = Sound(self._promises, job.utterance.voice, job.format, job.asked.peer)
        talk = Talk(link, job, sound, reply.clock, streamed=True)
        writer = _Writer(reply)
        try:
            async with aclosing(talk.audio(writer.write)) as pieces:
                async for pcm in pieces:
                    reply.feed.heard(job.format.seconds(len(pcm)))
                    for mark in writer.heard(pcm):
                        yield mark
                    yield pcm
            for mark in reply.places.ends():
                yield mark
        finally:
            self._links.leave(link, whole=talk.over)
        if talk.told_end or talk.unended:
            ended(talk.told_end)


class _Writer:
    """Sends one stream its text, up to where it pauses, ends, grows too long, or should make way for others."""

    def __init__(self, reply: FragmentedReply) -> None:
        self._reply = reply
        self._sentences = _Sentences(reply.places)
        self._size = 0
        """Code points sent."""

    async def write(self, talk: Talk) -> None:
        talk.begin()
        sent: list[str] = []
        while (piece := await self._reply.feed.piece(self._give_way)) is not None:
            self._reply.feed.sent()
            self._sentences.sent(piece)
            self._size += len(piece.text)
            sent.append(piece.text)
            await talk.add(piece.text)
        self._sentences.complete()
        talk.end("".join(sent))

    def heard(self, pcm: bytes) -> Iterator[Mark]:
        return self._sentences.heard(pcm)

    def _give_way(self) -> bool:
        return self._reply.contended or self._size >= STREAM_MAX


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
