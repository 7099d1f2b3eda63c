"""A server over CosyVoice: one sentence, one session, one connection, as such a server ends its connection with the session.

It speaks whatever it is sent as one sentence, and one failure ends all that was asked of a session: so none is asked for more.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from ...errors import ProtocolError, TooLarge
from ...protocols.flowing_events import Audio
from ...upstream.attempts import FirstAudioClock, persistent
from ...upstream.failures import broken
from ..base import EngineEvent
from ..duplex.job import Job
from ..duplex.lines import Lines
from ..duplex.session import Session
from ..duplex.sound import Sound


async def speak(job: Job, text: str, lines: Lines, *, first_audio: float, gap: float) -> AsyncGenerator[EngineEvent, None]:
    """One sentence, tried again where that may help. Raises HeraldError."""
    clock = FirstAudioClock(first_audio)
    async with aclosing(persistent(lambda: _attempt(job, text, lines, clock, gap), clock)) as events:
        async for event in events:
            yield event


async def _attempt(job: Job, text: str, lines: Lines, clock: FirstAudioClock, gap: float) -> AsyncGenerator[EngineEvent, None]:
    clock.start()
    line = await lines.take(job.asked, clock, fresh=True)
    session = Session(line, job, clock, gap)
    try:
        async with aclosing(_heard(session, job, text)) as events:
            async for event in events:
                yield event
    finally:
        lines.leave(line)
        await asyncio.sleep(0)  # the server is told before anybody hears of it


async def _heard(session: Session, job: Job, text: str) -> AsyncGenerator[bytes, None]:
    async def write(session: Session) -> None:
        await session.say(text)
        await session.finish()

    sound, heard = Sound(job.format), False
    async with aclosing(session.events(write)) as events:
        async for event in events:
            try:
                pcm = sound.pcm(event.data) if isinstance(event, Audio) else b""
            except (ProtocolError, TooLarge) as error:
                raise broken(error, session.asked) from error
            if pcm:
                heard = True
                yield pcm
    if not heard:
        raise session.silent()
