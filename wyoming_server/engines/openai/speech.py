"""One request: text in, PCM out as it comes. Its end, early or not, is the end of its connection's work for it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from ...errors import ProtocolError, TooLarge, Unspeakable
from ...models import AudioFormat
from ...upstream.attempts import Failed, FirstAudioClock
from ...upstream.failures import Asked, Late, broken, late
from ..base import EngineEvent
from ..promise import Promises
from . import failures
from .events import Told
from .line import Line
from .sound import Expected, NotAudio, Sound

if TYPE_CHECKING:
    from aiohttp import ClientResponse

RETRY_AFTER = "Retry-After"
LONGEST_PAUSE = 3600.0
"""Seconds; a longer time is none that anybody means."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One sentence, as it is asked for."""

    text: str = field(repr=False)
    body: bytes = field(repr=False)
    """Of the request."""
    asked: Asked
    format: str
    """That was asked for, as in `profiles.FORMATS`."""
    rate: int
    """Hz of PCM that comes without saying."""
    promised: AudioFormat
    secrets: Collection[str] = field(repr=False)
    """That no message may tell."""
    gap: float
    """Seconds that audio may fail to come, once some has."""


async def attempt(job: Job, line: Line, promises: Promises, clock: FirstAudioClock) -> AsyncGenerator[EngineEvent, None]:
    """Raises Failed."""
    clock.start()
    heard = False
    async with line.posted(job.body, job.asked, clock) as answer:
        if answer.status != failures.OK:
            raise await _refused(answer, job, clock)
        expected = Expected(answer.headers.get("Content-Type", ""), job.format, job.rate)
        sound = Sound(expected, promises.keep(job.asked.voice, job.promised))
        with _explained(answer, job), _Body(answer, job, clock) as body:
            while data := await body.next(heard=heard):
                for pcm in sound.pieces(data):
                    heard = True
                    yield pcm
            for pcm in sound.flush():
                heard = True
                yield pcm
    if not heard:
        msg = f"{job.asked.peer} made no audio of this text ({job.asked})."
        raise Failed(Unspeakable(msg))


@contextmanager
def _explained(answer: ClientResponse, job: Job) -> Iterator[None]:
    """What came of a body that is not the audio which was asked for."""
    try:
        yield
    except (NotAudio, Told) as words:
        raise failures.failed(answer.status, words.body, job.asked, sent=job.text, secrets=job.secrets) from words
    except (ProtocolError, TooLarge) as error:
        raise broken(error, job.asked) from error


class _Body:
    """The bytes of an answer, in time: one timer for all of them, as setting it anew for each costs more than reading them."""

    def __init__(self, answer: ClientResponse, job: Job, clock: FirstAudioClock) -> None:
        self._content = answer.content
        self._job = job
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._due = math.inf
        """When what is waited for is late."""
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    async def next(self, *, heard: bool) -> bytes:
        """What has come; nothing at the end."""
        self._due = self._loop.time() + (self._job.gap if heard else max(0, self._clock.left))
        if self._timer is None or self._due < self._timer.when():
            self._arm()
        try:
            return await self._content.readany()
        except TimeoutError:
            what, limit = (Late.MORE_AUDIO, self._job.gap) if heard else (Late.FIRST_AUDIO, self._clock.limit)
            raise late(what, limit, self._job.asked) from None
        finally:
            self._due = math.inf

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._due, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._due <= self._loop.time():
            self._content.set_exception(TimeoutError())
        elif self._due < math.inf:
            self._arm()


async def _refused(answer: ClientResponse, job: Job, clock: FirstAudioClock) -> Failed:
    """An error, once the time has passed that the server asks to wait before the next attempt."""
    body = b""
    with _Body(answer, job, clock) as answered:
        while len(body) < failures.BODY_MAX and (more := await answered.next(heard=False)):
            body += more
    failed = failures.failed(answer.status, body, job.asked, sent=job.text, secrets=job.secrets)
    pause = _pause(answer.headers.get(RETRY_AFTER, ""))
    if not failed.retries or not pause:
        return failed
    if pause >= clock.left:
        return Failed(failed.error)
    answer.close()
    await asyncio.sleep(pause)
    return failed


def _pause(told: str) -> float:
    """Seconds that a server asks for; 0 for a date, or what is no number."""
    return min(float(told), LONGEST_PAUSE) if told.isascii() and told.replace(".", "", 1).isdigit() else 0.0
