"""Replies whose text goes up in fragments: session after session, each in its turn, tried again while nothing has been heard.

What a session is, its engine knows: it speaks what the reply's feed gives it, until that pauses or ends, or until others should
have their turn.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field

from ..errors import HeraldError, Unspeakable
from ..models import AudioFormat
from ..upstream.attempts import Dead, FirstAudioClock, persistent
from .base import CONCURRENCY_MAX, EngineEvent, Utterance
from .fragments import Fragments, fragments
from .places import Places
from .turns import Turn, Turns

_LOGGER = logging.getLogger(__name__)


@dataclass(kw_only=True)
class FragmentedReply:
    """What the attempts at one session share, and, but for the clock and the endings, all sessions of one reply."""

    utterance: Utterance
    feed: Fragments
    places: Places
    clock: FirstAudioClock
    turns: Turns
    endings: list[asyncio.Task[None]] = field(default_factory=list)
    """Of attempts that were left: the service is busy with each until its task is done, and the turn lasts as long."""

    @property
    def contended(self) -> bool:
        """Others wait, so that the session should end with this sentence."""
        return self.turns.contended


Session = Callable[[FragmentedReply, bool], AsyncGenerator[EngineEvent, None]]
"""One attempt at a session, from the reply's place on. Whether it needs a fresh connection: those that had served are dead."""


class FragmentedReplies:
    """Of one engine.

    `look_ahead`: seconds of paid speech that an interrupt may find unheard. `first_audio`: seconds until some must be there, if
    the utterance does not say. `whole`: what cannot be spoken of a text that was begun fails the reply, since nobody knows what
    is missing; otherwise it is left out, as is a text of which nothing can be.
    """

    def __init__(self, engine: str, turns: Turns | None, *, look_ahead: float, first_audio: float, whole: bool = False) -> None:
        self._engine = engine
        self._turns = turns or Turns(CONCURRENCY_MAX)
        self._look_ahead = look_ahead
        self._first_audio = first_audio
        self._whole = whole
        self._feeds: set[Fragments] = set()

    def close(self, error: HeraldError) -> None:
        """Whoever waits for text, or will, gets the error."""
        for feed in self._feeds:
            feed.close(error)

    async def speak(
        self, text: AsyncIterable[str], utterance: Utterance, audio: AudioFormat, session: Session
    ) -> AsyncGenerator[EngineEvent, None]:
        """Session after session: each ends where the writer pauses, or where others should have their turn."""
        places = Places(audio)
        async with fragments(text, look_ahead=self._look_ahead, speed=utterance.settings.speed) as feed:
            with self._open(feed):
                while await feed.speakable():
                    clock = FirstAudioClock(utterance.first_audio or self._first_audio)
                    reply = FragmentedReply(utterance=utterance, feed=feed, places=places, clock=clock, turns=self._turns)
                    async with aclosing(self._in_turn(reply, session)) as events:
                        async for event in events:
                            yield event
                    feed.session_over()
                    places.forget()

    @contextmanager
    def _open(self, feed: Fragments) -> Iterator[None]:
        self._feeds.add(feed)
        try:
            yield
        finally:
            self._feeds.discard(feed)

    async def _in_turn(self, reply: FragmentedReply, session: Session) -> AsyncGenerator[EngineEvent, None]:
        """One session, once it is its turn, which lasts until the service has really ended."""
        heard = False
        with self._turn(reply) as turn:
            async for waiting in turn.waiting():
                yield waiting
            try:
                async with aclosing(persistent(lambda: _attempt(reply, session), reply.clock)) as events:
                    async for event in events:
                        heard = True
                        yield event
            except Unspeakable as error:
                if heard and self._whole:
                    raise
                _LOGGER.warning("%s left out a text: %s", self._engine, error)

    @contextmanager
    def _turn(self, reply: FragmentedReply) -> Iterator[Turn]:
        turn = self._turns.ask(reply.utterance, reply.utterance.client)
        try:
            yield turn
        finally:
            if reply.endings:
                asyncio.gather(*reply.endings, return_exceptions=True).add_done_callback(lambda _: turn.leave())
            else:
                turn.leave()


async def _attempt(reply: FragmentedReply, session: Session) -> AsyncGenerator[EngineEvent, None]:
    """One try, and where it met a connection that had died meanwhile, one more on a new one, of which nobody need know."""
    for fresh in (False, True):
        reply.feed.rewind()
        reply.places.forget()
        reply.clock.start()
        try:
            async with aclosing(session(reply, fresh)) as events:
                async for event in events:
                    yield event
        except Dead:
            if fresh:
                raise
        else:
            return
