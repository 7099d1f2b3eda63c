"""API v1: one sentence, one request, one connection. The only cancel that it knows is to close the connection."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from functools import partial

from ...errors import EngineUnavailable, ProtocolError, TextTooLong, TooLarge, Unspeakable
from ...models import Mark, MarkKind, Sentence, TextFormat
from ...protocols.openspeech_frame import Compression, Failure
from ...protocols.openspeech_v1 import Audio, FrontEnd, ServerMessage, decode_server, encode_request
from ...text.sentences import SentenceSplitter, is_speakable
from ...upstream.attempts import Failed, FirstAudioClock, persistent
from ...upstream.failures import Late
from ...upstream.websocket import EngineSocket, HandshakeRefused, open_websocket
from ..base import EngineEvent
from ..places import Word
from .account import V1_PATH
from .failures import Asked, broken, failed, late, log_id, refused
from .job import Job
from .sound import Sound
from .timestamps import words

_LOGGER = logging.getLogger(__name__)

MESSAGE_MAX = 17 << 20
"""Bytes: a `query` brings all audio of a sentence in one message."""
SPLIT_MIN = 32
"""Code points of a text that is not made shorter still: if this is too long for the service, something else is wrong."""


async def speak(job: Job, text: str, limit: float) -> AsyncGenerator[EngineEvent, None]:
    """One sentence, tried again where that may help, and in ever smaller parts where the service finds it too long.

    `limit`: seconds until first audio, of each part. Raises HeraldError.
    """
    parts = [Sentence(text=text, start=0)]
    clock = FirstAudioClock(limit)
    spoken = 0.0
    while parts:
        part, before = parts.pop(0), spoken
        try:
            async with aclosing(persistent(partial(attempt, job, part, before, clock), clock)) as events:
                async for event in events:
                    spoken += job.format.seconds(len(event)) if isinstance(event, bytes) else 0
                    yield event
        except TextTooLong:
            smaller = _smaller(part, job)
            if spoken > before or not smaller:
                raise
            parts[:0] = smaller
        else:
            clock = FirstAudioClock(limit)


def _smaller(part: Sentence, job: Job) -> list[Sentence]:
    """Its parts, where it can have any."""
    if len(part.text) <= SPLIT_MIN or job.utterance.text_format is not TextFormat.TEXT:
        return []
    splitter = SentenceSplitter(hard_limit=len(part.text) // 2 + 1)
    found = [*splitter.push(part.text), *splitter.flush()]
    return [Sentence(text=piece.text, start=part.start + piece.start) for piece in found if is_speakable(piece.text)]


async def attempt(job: Job, part: Sentence, begin: float, clock: FirstAudioClock) -> AsyncGenerator[EngineEvent, None]:
    """One request: PCM, and word marks if timestamps were asked for, `begin` seconds into the sentence. Raises Failed."""
    message = encode_request(job.v1_request(part.text), compression=Compression.GZIP)
    clock.start()
    async with _connected(job, message, clock) as socket:
        answer = _Answer(job, part, begin, job.asked(log_id(socket.headers)))
        while not answer.over:
            for event in answer.events_of(await _next(socket, answer, clock, job.values["gap_timeout"])):
                yield event
        for event in answer.rest():
            yield event


class _Answer:
    """What the service makes of one request."""

    def __init__(self, job: Job, part: Sentence, begin: float, asked: Asked) -> None:
        self.asked = asked
        self.heard = False
        """Audio has come."""
        self.over = False
        self._format = job.format
        self._sound = Sound(job)
        self._part = part
        self._begin = begin
        self._seconds = 0.0
        """Of audio told."""
        self._words: list[Word] = []
        """Not told yet: they may come long before their audio."""
        self._place = 0
        """In the part's text, behind the last word."""

    def events_of(self, message: ServerMessage | Failure) -> Iterator[EngineEvent]:
        if isinstance(message, Failure):
            raise failed(message, self.asked, sent=self._part.text)
        if isinstance(message, Audio):
            self.heard = self.heard or bool(message.data)
            self.over = message.last
            for piece in self._sound.pieces(message.data):
                yield from self._told(piece)
        elif isinstance(message, FrontEnd):
            self._words += words(message.payload)

    def rest(self) -> Iterator[EngineEvent]:
        """After the last message."""
        if not self.heard:
            msg = f"OpenSpeech made no audio of this text ({self.asked})."
            raise Failed(Unspeakable(msg))
        if rest := self._sound.flush():
            yield from self._told(rest)
        while self._words:
            yield from self._mark(self._words.pop(0))

    def _told(self, pcm: bytes) -> Iterator[EngineEvent]:
        """Audio, behind the marks of the words that begin in it."""
        end = self._seconds + self._format.seconds(len(pcm))
        while self._words and self._words[0].begin < end:
            yield from self._mark(self._words.pop(0), end)
        self._seconds = end
        yield pcm

    def _mark(self, word: Word, latest: float | None = None) -> Iterator[Mark]:
        """None for a word that does not stand in the text: numbers are told as they are read."""
        place = self._part.text.find(word.text, self._place)
        if place >= 0:
            self._place = place + len(word.text)
            time = self._begin + min(max(word.begin, 0), self._seconds if latest is None else latest)
            start, end = self._part.start + place, self._part.start + self._place
            yield Mark(kind=MarkKind.WORD, time=time, start=start, end=end, text=word.text)


async def _next(socket: EngineSocket, answer: _Answer, clock: FirstAudioClock, gap: float) -> ServerMessage | Failure:
    """The next message, in time."""
    asked, heard = answer.asked, answer.heard
    try:
        async with asyncio.timeout(gap if heard else max(0, clock.left)):
            return decode_server(await socket.receive())
    except TimeoutError:
        raise late(Late.MORE_AUDIO if heard else Late.FIRST_AUDIO, gap if heard else clock.limit, asked) from None
    except (ProtocolError, TooLarge) as error:
        raise broken(error, asked) from error
    except EngineUnavailable as error:
        raise Failed(EngineUnavailable(f"{error} The speech is not complete ({asked})."), retries=2) from error


@asynccontextmanager
async def _connected(job: Job, message: bytes, clock: FirstAudioClock) -> AsyncIterator[EngineSocket]:
    """A connection that the request was sent on."""
    account, connect = job.account, job.values["connect_timeout"]
    within = min(connect, clock.left)
    try:
        async with asyncio.timeout(max(0, within)):
            socket = await open_websocket(
                account.url + V1_PATH, account.v1_headers(message), peer="OpenSpeech", message_max=MESSAGE_MAX
            )
    except TimeoutError:
        limit = connect if within == connect else clock.limit
        raise late(Late.CONNECT, limit, job.asked()) from None
    except HandshakeRefused as error:
        raise refused(error, job.asked()) from error
    except EngineUnavailable as error:
        raise Failed(error, retries=2) from error
    asked = job.asked(log_id(socket.headers))
    _LOGGER.debug("Request to OpenSpeech: %s", asked)
    try:
        await _send(socket, message, asked)
        yield socket
    except BaseException:
        await socket.leave()
        raise
    await socket.leave(within=0)  # all has come: neither the next sentence nor the reply's end waits for the answer


async def _send(socket: EngineSocket, message: bytes, asked: Asked) -> None:
    try:
        await socket.send(message)
    except EngineUnavailable as error:
        raise Failed(EngineUnavailable(f"{error} Nothing was spoken ({asked})."), retries=2) from error
