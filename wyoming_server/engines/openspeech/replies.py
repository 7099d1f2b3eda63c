"""API v3: replies whose text goes up in fragments, each session of them on a connection of the pool."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from functools import partial

from ...errors import HeraldError
from ...upstream.attempts import Failed, FirstAudioClock
from ...upstream.failures import Late
from ..base import EngineEvent
from ..fragmented import FragmentedReplies, FragmentedReply
from ..fragments import fragments
from ..places import Places
from ..turns import Turns
from .connection import Connection
from .failures import late
from .job import Job
from .pool import Pool
from .routes import LOOK_AHEAD
from .session import Reply, Session


class Replies:
    """Of one engine. `gap`: seconds that audio may be late, once it has begun; `first_audio`: seconds until it must."""

    def __init__(self, engine: str, pool: Pool, turns: Turns | None, *, first_audio: float, gap: float) -> None:
        self._pool = pool
        self._first_audio = first_audio
        self._gap = gap
        self._replies = FragmentedReplies(engine, turns, look_ahead=LOOK_AHEAD, first_audio=first_audio)

    def close(self, error: HeraldError) -> None:
        """Whoever waits for text, or will, gets the error."""
        self._replies.close(error)

    async def speak(self, job: Job, text: AsyncIterable[str]) -> AsyncGenerator[EngineEvent, None]:
        self._pool.warm(job.asked())  # while the text is still being written
        async with aclosing(self._replies.speak(text, job.utterance, job.format, partial(self._session, job))) as events:
            async for event in events:
                yield event

    async def greet(self, job: Job) -> None:
        """A session that is cancelled before it has a text: nothing is paid. Raises HeraldError."""
        clock = FirstAudioClock(self._first_audio)
        try:
            async with fragments(_no_text(), look_ahead=LOOK_AHEAD, speed=None) as feed:
                connection = await self._connection(job, clock, fresh=True)
                places = Places(job.format)
                try:
                    await Session(
                        connection,
                        Reply(job=job, feed=feed, places=places, clock=clock, gap=self._gap, give_way=lambda: False),
                    ).start()
                    await connection.cancel()
                finally:
                    await connection.leave()
        except Failed as failed:
            raise failed.error from failed

    async def _session(self, job: Job, shared: FragmentedReply, fresh: bool) -> AsyncGenerator[EngineEvent, None]:
        connection = await self._connection(job, shared.clock, fresh=fresh)
        reply = Reply(
            job=job,
            feed=shared.feed,
            places=shared.places,
            clock=shared.clock,
            gap=self._gap,
            give_way=lambda: shared.contended,
        )
        session = Session(connection, reply)
        try:
            async with aclosing(session.events()) as events:
                async for event in events:
                    yield event
        finally:
            if session.over:
                self._pool.give_back(connection)
            else:
                shared.endings.append(self._pool.cancel(connection))
                await asyncio.sleep(0)  # the service is told before anybody hears of it

    async def _connection(self, job: Job, clock: FirstAudioClock, *, fresh: bool) -> Connection:
        """Ready, or opened within the time for first audio. Raises Failed."""
        clock.start()
        asked = job.asked()
        try:
            return await self._pool.take(asked, within=clock.left, fresh=fresh)
        except TimeoutError:
            raise late(Late.CONNECT, clock.limit, asked) from None


async def _no_text() -> AsyncGenerator[str, None]:
    for _ in ():
        yield ""
