"""Replies whose text goes up in fragments: session after session, each in its turn, tried again while nothing has been heard."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from dataclasses import dataclass

from ...errors import HeraldError, ProtocolError, TooLarge, Unspeakable
from ...models import Sentence
from ...upstream.attempts import Failed, FirstAudioClock, persistent
from ...upstream.failures import broken
from ..base import CONCURRENCY_MAX, EngineEvent
from ..fragments import Fragments, fragments
from ..places import Places
from ..turns import Turns
from .hearing import Hearing
from .job import Job
from .line import Line
from .lines import Lines
from .session import Dead, Session

_LOGGER = logging.getLogger(__name__)

LOOK_AHEAD = 10.0
"""Seconds of paid speech that an interrupt may find unheard."""
SESSION_MAX = 90_000
"""Code points after which a session ends with its sentence: services take 200,000 characters, and count a Han one twice."""


@dataclass(kw_only=True)
class _Reply:
    """What the sessions of one reply share."""

    job: Job
    feed: Fragments
    places: Places
    clock: FirstAudioClock


class Replies:
    """Of one engine. `gap`: seconds that audio may be late, once it has begun; `first_audio`: seconds until it must."""

    def __init__(self, engine: str, lines: Lines, turns: Turns | None, *, first_audio: float, gap: float) -> None:
        self._engine = engine
        self._lines = lines
        self._turns = turns or Turns(CONCURRENCY_MAX)
        self._first_audio = first_audio
        self._gap = gap
        self._feeds: set[Fragments] = set()

    def close(self, error: HeraldError) -> None:
        """Whoever waits for text, or will, gets the error."""
        for feed in self._feeds:
            feed.close(error)

    async def speak(self, job: Job, text: AsyncIterable[str]) -> AsyncGenerator[EngineEvent, None]:
        """Session after session: each ends where the writer pauses, or where others should have their turn."""
        self._lines.warm(job.asked)  # while the text is still being written
        places = Places(job.format)
        async with fragments(text, look_ahead=LOOK_AHEAD, speed=job.utterance.settings.speed) as feed:
            self._feeds.add(feed)
            try:
                while await feed.speakable():
                    reply = _Reply(job=job, feed=feed, places=places, clock=self._clock(job))
                    async with aclosing(self._in_turn(reply)) as events:
                        async for event in events:
                            yield event
                    feed.session_over()
                    places.forget()
            finally:
                self._feeds.discard(feed)

    def _clock(self, job: Job) -> FirstAudioClock:
        return FirstAudioClock(job.utterance.first_audio or self._first_audio)

    async def greet(self, job: Job) -> None:
        """A session without a text, as the cheapest way to try the credentials. Raises HeraldError."""
        clock = FirstAudioClock(self._first_audio)
        clock.start()
        try:
            line = await self._lines.take(job.asked, clock, fresh=True)
            try:
                await Session(line, job, clock, self._gap).start()
                await line.finish()
            finally:
                await self._lines.leave(line)
        except Failed as failed:
            raise failed.error from failed

    async def _in_turn(self, reply: _Reply) -> AsyncGenerator[EngineEvent, None]:
        """One session, once it is its turn, which lasts until its line is closed."""
        turn = self._turns.ask(reply.job.utterance, reply.job.utterance.client)
        ending: list[asyncio.Task[None]] = []
        try:
            async for waiting in turn.waiting():
                yield waiting
            async with aclosing(persistent(lambda: self._attempt(reply, ending), reply.clock)) as events:
                async for event in events:
                    yield event
        except Unspeakable as error:
            _LOGGER.warning("%s left out a text: %s", self._engine, error)
        finally:
            if ending:
                asyncio.gather(*ending, return_exceptions=True).add_done_callback(lambda _: turn.leave())
            else:
                turn.leave()

    async def _attempt(self, reply: _Reply, ending: list[asyncio.Task[None]]) -> AsyncGenerator[EngineEvent, None]:
        """One try, and where it met a line that had died meanwhile, one more on a new one, of which nobody need know."""
        for fresh in (False, True):
            try:
                async with aclosing(self._session(reply, ending, fresh=fresh)) as events:
                    async for event in events:
                        yield event
            except Dead:
                if fresh:
                    raise
            else:
                return

    async def _session(
        self, reply: _Reply, ending: list[asyncio.Task[None]], *, fresh: bool
    ) -> AsyncGenerator[EngineEvent, None]:
        reply.feed.rewind()
        reply.places.forget()
        reply.clock.start()
        line = await self._lines.take(reply.job.asked, reply.clock, fresh=fresh)
        session = Session(line, reply.job, reply.clock, self._gap)
        try:
            async with aclosing(self._heard(session, reply, line)) as events:
                async for event in events:
                    yield event
        finally:
            if session.over:
                self._lines.give_back(line)
            else:
                ending.append(self._lines.leave(line))
                await asyncio.sleep(0)  # the service is told before anybody hears of it

    async def _heard(self, session: Session, reply: _Reply, line: Line) -> AsyncGenerator[EngineEvent, None]:
        hearing = Hearing(session, reply.job, reply.feed, reply.places)
        writer = _Writer(reply, self._turns, line.service.pause_max)
        async with aclosing(session.events(writer.write)) as told:
            async for event in told:
                try:
                    for heard in hearing.events_of(event):
                        yield heard
                except (ProtocolError, TooLarge) as error:
                    raise broken(error, session.asked) from error


class _Writer:
    """Sends one session its text, up to where it pauses, ends, grows too long, or should make way for others."""

    def __init__(self, reply: _Reply, turns: Turns, pause_max: float | None) -> None:
        self._reply = reply
        self._turns = turns
        self._pause_max = pause_max
        self._size = 0
        """Code points sent."""

    async def write(self, session: Session) -> None:
        feed, places = self._reply.feed, self._reply.places
        session.owe(False)
        while (piece := await self._more(session)) is not None:
            feed.sent()
            places.sent(piece)
            self._size += len(piece.text)
            await session.say(piece.text)
        await session.finish()

    async def _more(self, session: Session) -> Sentence | None:
        """Wait for the next piece, and for room for it. `None`: the session should end here.

        One that gets no text for too long would be ended by the service; what comes later is for another.
        """
        try:
            async with asyncio.timeout(self._pause_max) as pause:
                piece = await self._reply.feed.piece(self._give_way)
                return piece if piece is not None and await self._room(session) else None
        except TimeoutError:
            if not pause.expired():  # it is the writer's own
                raise
            return None

    async def _room(self, session: Session) -> bool:
        """Whether the session takes more text, once that is known. What keeps it waiting is first audio, if none has come."""
        session.owe(True)
        try:
            return await self._reply.feed.room(self._give_way)
        finally:
            session.owe(False)

    def _give_way(self) -> bool:
        return self._turns.contended or self._size >= SESSION_MAX
