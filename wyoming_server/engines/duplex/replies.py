"""Replies whose text goes up in fragments: session after session, each in its turn, tried again while nothing has been heard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from functools import partial

from ...errors import HeraldError, ProtocolError, TooLarge
from ...models import Sentence
from ...upstream.attempts import Failed, FirstAudioClock
from ...upstream.failures import broken
from ..base import EngineEvent
from ..fragmented import FragmentedReplies, FragmentedReply
from ..turns import Turns
from .hearing import Hearing
from .job import Job
from .line import Line
from .lines import Lines
from .session import Session

LOOK_AHEAD = 10.0
"""Seconds of paid speech that an interrupt may find unheard."""
SESSION_MAX = 90_000
"""Code points after which a session ends with its sentence: services take 200,000 characters, and count a Han one twice."""


class Replies:
    """Of one engine. `gap`: seconds that audio may be late, once it has begun; `first_audio`: seconds until it must."""

    def __init__(self, engine: str, lines: Lines, turns: Turns | None, *, first_audio: float, gap: float) -> None:
        self._lines = lines
        self._first_audio = first_audio
        self._gap = gap
        self._replies = FragmentedReplies(engine, turns, look_ahead=LOOK_AHEAD, first_audio=first_audio)

    def close(self, error: HeraldError) -> None:
        """Whoever waits for text, or will, gets the error."""
        self._replies.close(error)

    async def speak(self, job: Job, text: AsyncIterable[str]) -> AsyncGenerator[EngineEvent, None]:
        self._lines.warm(job.asked)  # while the text is still being written
        async with aclosing(self._replies.speak(text, job.utterance, job.format, partial(self._session, job))) as events:
            async for event in events:
                yield event

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

    async def _session(self, job: Job, reply: FragmentedReply, fresh: bool) -> AsyncGenerator[EngineEvent, None]:
        line = await self._lines.take(job.asked, reply.clock, fresh=fresh)
        session = Session(line, job, reply.clock, self._gap)
        try:
            async with aclosing(_heard(session, job, reply, line)) as events:
                async for event in events:
                    yield event
        finally:
            if session.over:
                self._lines.give_back(line)
            else:
                reply.endings.append(self._lines.leave(line))
                await asyncio.sleep(0)  # the service is told before anybody hears of it


async def _heard(session: Session, job: Job, reply: FragmentedReply, line: Line) -> AsyncGenerator[EngineEvent, None]:
    hearing = Hearing(session, job, reply.feed, reply.places)
    writer = _Writer(reply, line.service.pause_max)
    async with aclosing(session.events(writer.write)) as told:
        async for event in told:
            try:
                for heard in hearing.events_of(event):
                    yield heard
            except (ProtocolError, TooLarge) as error:
                raise broken(error, session.asked) from error


class _Writer:
    """Sends one session its text, up to where it pauses, ends, grows too long, or should make way for others."""

    def __init__(self, reply: FragmentedReply, pause_max: float | None) -> None:
        self._reply = reply
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
        return self._reply.contended or self._size >= SESSION_MAX
