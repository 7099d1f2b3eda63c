"""One sentence: one request, one WAV, in time. Tried again only before its WAV is here, so nobody hears anything twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from time import monotonic

from ...audio.wav import WavReader
from ...errors import ProtocolError, TooLarge
from ...models import AudioFormat
from ...protocols.indextts import Audio, Ended, Queued, Request, ServerMessage, Started
from ...protocols.indextts import Failed as Told
from ...upstream.attempts import FirstAudioClock, persistent
from ...upstream.failures import Asked, Late, broken, lost
from ...upstream.websocket import Lost
from ..base import EngineEvent
from ..promise import Keeper
from . import failures
from .line import Line, Lines

SLICE = 1.0
"""Seconds of audio that are made another format before others have their turn."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """In seconds."""

    total: float
    """From the first request for a sentence until its WAV, with all attempts."""
    counts_connecting: bool
    """The first connection too, which is a wait for whoever else the service makes speech for."""
    stall: float
    """Without progress, which is that the service starts, or has done."""
    end: float
    """For the `end` behind a WAV."""


async def speak(
    request: Request, lines: Lines, keeper: Keeper, limits: Limits, asked: Asked
) -> AsyncGenerator[EngineEvent, None]:
    """Its PCM, as the keeper promised it. Raises HeraldError."""
    clock = FirstAudioClock(limits.total)

    async def attempt() -> AsyncGenerator[EngineEvent, None]:
        wav = await _wav(request, lines, limits, clock, asked)
        yield await _pcm(wav, keeper, asked)

    async with aclosing(persistent(attempt, clock)) as events:
        async for event in events:
            yield event


async def _wav(request: Request, lines: Lines, limits: Limits, clock: FirstAudioClock, asked: Asked) -> bytes:
    """What the service makes of it. A connection that was kept and has died since is replaced. Raises Failed."""
    while True:
        if limits.counts_connecting:
            clock.start()
        line = await lines.take(asked, clock if limits.counts_connecting else None)
        answer = _Answer(line, request, limits, clock, asked)
        try:
            wav = await answer.wav()
        except BaseException as error:
            lines.leave(line)
            await asyncio.sleep(0)  # the service is told before anybody hears of it
            if not (line.used and answer.silent and isinstance(error.__cause__, Lost)):
                raise
        else:
            if answer.is_named:
                lines.give_back(line, end_within=limits.end)
            else:
                lines.leave(line)
            return wav


class _Answer:
    """Of one request on one connection."""

    def __init__(self, line: Line, request: Request, limits: Limits, clock: FirstAudioClock, asked: Asked) -> None:
        self.silent = True
        """Nothing has come."""
        self._line = line
        self._request = request
        self._limits = limits
        self._clock = clock
        self._asked = asked
        self._started = False

    @property
    def is_named(self) -> bool:
        """The service has told which task it made of the request."""
        return bool(self._asked.task_id)

    async def wav(self) -> bytes:
        """Raises Failed."""
        self._clock.start()
        try:
            return await self._awaited()
        except Lost as error:
            raise lost(error, self._asked) from error
        except (ProtocolError, TooLarge) as error:
            raise broken(error, self._asked) from error

    async def _awaited(self) -> bytes:
        await self._line.ask(self._request)
        stalls_at = monotonic() + self._limits.stall
        while True:
            message = await self._next(stalls_at)
            if self._is_leftover(message):
                continue
            self.silent = False
            if isinstance(message, Audio):
                return message.data
            if isinstance(message, Told):
                raise failures.failed(message, self._of_task(message.task_id), self._request)
            if isinstance(message, Ended):
                raise failures.silent(self._of_task(message.task_id))
            if isinstance(message, Queued | Started):
                self._asked = self._of_task(message.task_id)
            if isinstance(message, Started) and not self._started:
                self._started = True
                stalls_at = monotonic() + self._limits.stall

    def _is_leftover(self, message: ServerMessage) -> bool:
        """It is of the request before: what ends a request comes behind its name, and never behind another's."""
        if isinstance(message, Ended) and self.is_named:
            return message.task_id not in ("", self._asked.task_id)
        is_end = isinstance(message, Audio | Ended) or (isinstance(message, Told) and bool(message.task_id))
        return is_end and self._line.used and not self.is_named

    async def _next(self, stalls_at: float) -> ServerMessage:
        patience = stalls_at - monotonic()
        stalls = patience < self._clock.left
        try:
            async with asyncio.timeout(max(0, min(patience, self._clock.left))):
                return await self._line.receive()
        except TimeoutError:
            what = Late.FIRST_AUDIO if self._started or not stalls else Late.START
            raise failures.late(what, self._limits.stall if stalls else self._limits.total, self._asked) from None

    def _of_task(self, task_id: str) -> Asked:
        return replace(self._asked, task_id=task_id or self._asked.task_id)


async def _pcm(wav: bytes, keeper: Keeper, asked: Asked) -> bytes:
    """Raises Failed."""
    reader = WavReader()
    try:
        pcm = reader.push(wav)
        reader.flush()
    except (ProtocolError, TooLarge) as error:
        raise broken(error, asked) from error
    if not pcm or reader.format is None:
        raise failures.silent(asked)
    return await as_promised(pcm, reader.format, keeper)


async def as_promised(pcm: bytes, actual: AudioFormat, keeper: Keeper) -> bytes:
    """All of it; others have their turn in between."""
    step = actual.size(SLICE)
    made = []
    for start in range(0, len(pcm), step):
        made.append(keeper.push(pcm[start : start + step], actual))
        await asyncio.sleep(0)
    made.append(keeper.flush())
    return b"".join(made)
