"""API v3: one session, which speaks what the writer brings until he pauses or ends, and can be cancelled at any moment."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any

from ...channel import Channel
from ...errors import EngineUnavailable, HeraldError, Unspeakable
from ...models import Mark, Sentence
from ...protocols.openspeech_frame import Failure
from ...protocols.openspeech_v3 import Event, Message
from ...text.sentences import is_speakable
from ...upstream.attempts import Dead, Failed, FirstAudioClock
from ...upstream.failures import Late
from ..base import EngineEvent
from ..fragments import Fragments
from ..places import Places
from .connection import ENDS, Connection, SessionMessage, failure_of
from .failures import failed, late
from .job import PCM, Job
from .sound import Sound
from .timestamps import words

ANSWER_WITHIN = 1.0
"""Seconds for SessionStarted on a connection that was idle: one that has died silently is found out, and replaced, in time."""
OK = 20_000_000
EARLY = 0.2
"""Seconds by which the first word of a sentence may be told to begin before it."""


@dataclass(kw_only=True)
class Reply:
    """What the sessions of one reply share."""

    job: Job
    feed: Fragments
    places: Places
    clock: FirstAudioClock
    gap: float
    """Seconds that audio may be late, once it has begun."""
    give_way: Callable[[], bool]
    """Whether others wait, so that the session should end with this sentence."""


class Session:
    """Use `events`; `over` tells afterwards whether the service has ended it itself. Whoever leaves it before cancels it."""

    def __init__(self, connection: Connection, reply: Reply) -> None:
        self.over = False
        self._connection = connection
        self._reply = reply
        self._job = reply.job
        self._asked = reply.job.asked(connection.log_id)
        self._id = str(uuid.uuid4())
        self._used = connection.used or connection.waited
        self._messages: Channel[SessionMessage] = connection.begin(self._id)
        self._sound = Sound(reply.job)
        self._begin = reply.places.seconds
        """Seconds of the reply's audio before this session."""
        self._sentences = ("", "")
        """As the service told the one that is spoken, and the one before."""
        self._heard = False
        self._tells = self._begun = self._in_sentence = False
        """The service tells its sentences; one has begun, and audio of it came, but it has not told its end."""
        self._answered = False
        """Audio came after the last text that was sent."""
        self._owed = False
        """It is the service's turn: only then does its time run."""
        self._finished = False
        """All text has been sent."""
        self._early = False
        """The service has ended it before."""
        self._moved_at = 0.0
        """When the service last sent something."""
        self._waiting: asyncio.Timeout | None = None

    async def events(self) -> AsyncGenerator[EngineEvent, None]:
        """PCM and marks. Raises Failed, or the error of whoever writes the text."""
        await self.start()
        try:
            async with self._writing():
                while not self.over:
                    for event in self._events_of(await self._next()):
                        yield event
            for event in self._rest():
                yield event
        except Failed as failure:
            if not isinstance(failure.error, Unspeakable):
                raise
            for mark in self._ended():
                yield mark
            if not self._taken_apart():
                raise

    async def start(self) -> None:
        """One round trip. Raises Failed."""
        clock = self._reply.clock
        clock.start()
        try:
            async with asyncio.timeout(min(ANSWER_WITHIN, clock.left) if self._used else max(0, clock.left)):
                await self._send(Event.START_SESSION, self._job.v3_session())
                while not self._started(await anext(self._messages)):
                    pass
        except TimeoutError:
            error = late(Late.START, clock.limit, self._asked)
            raise Dead(error.error, error.retries) if self._used else error from None
        except HeraldError as error:
            raise self._lost(error) from error

    def _started(self, message: SessionMessage) -> bool:
        if isinstance(message, Failure) and self._used:  # it may be about what was before on this connection
            error = failed(message, self._asked)
            raise Dead(error.error, error.retries)
        return self._check(message).event == Event.SESSION_STARTED

    # What goes up

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[None]:
        """Sends the text while the block runs."""
        self._owe(False)
        writing = asyncio.create_task(self._write())
        writing.add_done_callback(self._written)
        try:
            yield
        finally:
            writing.cancel()
            await asyncio.wait([writing])

    def _written(self, writing: asyncio.Task[None]) -> None:
        """Its error, maybe the one of whoever writes the text, is the listener's."""
        error = None if writing.cancelled() else writing.exception()
        if isinstance(error, Exception):
            self._messages.push(error)

    async def _write(self) -> None:
        """Send the text, up to where it pauses, ends, or should make way for others."""
        feed, places = self._reply.feed, self._reply.places
        while (piece := await feed.piece(self._reply.give_way)) is not None and await self._room():
            feed.sent()
            places.sent(piece)
            self._answered = self._answered and not is_speakable(piece.text)
            await self._send(Event.TASK_REQUEST, self._job.v3_text(piece.text))
        self._finished = True
        self._owe(True)
        await self._send(Event.FINISH_SESSION)

    async def _room(self) -> bool:
        """Whether the session takes more text, once that is known. What keeps it waiting is first audio, if none has come."""
        self._owe(True)
        try:
            return await self._reply.feed.room(self._reply.give_way)
        finally:
            self._owe(False)

    async def _send(self, event: Event, payload: dict[str, Any] | None = None) -> None:
        try:
            await self._connection.send(event, self._id, payload)
        except EngineUnavailable as error:
            raise self._lost(error) from error

    def _owe(self, owed: bool) -> None:
        self._owed = owed
        self._moved_at = monotonic()
        if not self._heard:
            (self._reply.clock.start if owed else self._reply.clock.stop)()
        if self._waiting is not None and not self._waiting.expired():
            self._waiting.reschedule(self._deadline())

    def _deadline(self) -> float | None:
        """Loop time of the next message. None is due while it is the writer's turn, or the look-ahead's."""
        if not self._owed or (self._heard and not self._finished):
            return None
        left = self._moved_at + self._reply.gap - monotonic() if self._heard else self._reply.clock.left
        return asyncio.get_running_loop().time() + left

    # What comes down

    async def _next(self) -> Message:
        """The next message, in time."""
        try:
            async with asyncio.timeout_at(self._deadline()) as self._waiting:
                message = await anext(self._messages)
        except TimeoutError:
            what, limit = (Late.MORE_AUDIO, self._reply.gap) if self._heard else (Late.FIRST_AUDIO, self._reply.clock.limit)
            raise late(what, limit, self._asked) from None
        except HeraldError as error:
            raise self._lost(error) from error
        finally:
            self._waiting = None
        self._moved_at = monotonic()
        return self._check(message)

    def _check(self, message: SessionMessage) -> Message:
        """Raises what the message tells of: Failed, or the text's own error."""
        if isinstance(message, Exception):
            raise message
        if isinstance(message, Failure):
            raise failed(message, self._asked, sent=self._reply.places.text)
        if message.event in ENDS:
            self.over = True
            told = failure_of(message)
            if message.event != Event.SESSION_FINISHED or told.code not in (0, OK):
                raise failed(told, self._asked, sent=self._reply.places.text)
            self._early = not self._finished
        return message

    def _lost(self, error: HeraldError) -> Failed:
        """The connection ended. One that had waited unused may have died long ago."""
        kind = Dead if self._used and not self._heard else Failed
        return kind(EngineUnavailable(f"{error} The speech is not complete ({self._asked})."), retries=2)

    def _events_of(self, message: Message) -> Iterator[EngineEvent]:
        if message.event == Event.AUDIO and isinstance(message.payload, bytes):
            for piece in self._sound.pieces(message.payload):
                yield from self._pcm(piece)
        elif isinstance(message.payload, dict):
            yield from self._told(message.event, message.payload)

    def _told(self, event: int, payload: Mapping[str, Any]) -> Iterator[Mark]:
        """What the service says about its audio."""
        places = self._reply.places
        if event == Event.SENTENCE_START:
            self._tells, self._begun, self._in_sentence = True, True, False
            self._sentences = (_text(payload), self._sentences[0])
            yield from places.begins(_text(payload))
        elif event in (Event.SENTENCE_END, Event.SUBTITLE):
            yield from self._words(payload)
        if event == Event.SENTENCE_END:
            self._begun = self._in_sentence = False
            self._reply.feed.unspoken(places.unspoken)
            if not self._ends_late:
                yield from places.ends()

    @property
    def _ends_late(self) -> bool:
        """A sentence ends only with the next: a decoder still holds audio of it, or its words may be told after its end."""
        return self._job.encoding != PCM or bool(self._job.values.get("timestamps"))

    def _words(self, payload: Mapping[str, Any]) -> Iterator[Mark]:
        sentence, before = self._sentences
        found = words(payload)
        if not found or sentence != _text(payload) == before:
            return  # a subtitle that is too late
        places = self._reply.places
        # Some count from the sentence, some from the session: no word is spoken before its sentence.
        by_session = self._begin + found[0].begin >= places.sentence_begin - EARLY
        yield from places.words(found, self._begin if by_session else places.sentence_begin)

    def _pcm(self, pcm: bytes) -> Iterator[EngineEvent]:
        if pcm:
            self._heard = self._answered = True
            self._in_sentence = self._begun
            self._reply.feed.heard(self._job.format.seconds(len(pcm)))
            yield from self._reply.places.heard(pcm)
            yield pcm

    def _rest(self) -> Iterator[EngineEvent]:
        """When the service has ended the session."""
        yield from self._pcm(self._sound.flush())
        yield from self._reply.places.ends()
        if not self._heard:
            raise self._unspoken()
        if self._early or not self._answered:  # the last text may have crossed with the end
            self._save_the_rest()

    def _unspoken(self) -> Failed:
        if self._early:
            msg = f"OpenSpeech ended the session before it was sent all of its text ({self._asked})."
            return Failed(EngineUnavailable(msg), retries=2)
        return Failed(Unspeakable(f"OpenSpeech made no audio of this text ({self._asked})."))

    def _save_the_rest(self) -> None:
        """What was not heard is for another session, if it is known. Nothing is said twice."""
        text = self._reply.places.text
        if (rest := self._unheard()) is not None:
            self._reply.feed.give_back(rest)
        elif self._in_sentence or (is_speakable(text) if self._tells else not self._answered):
            if not self._early:
                raise Failed(Unspeakable(f"OpenSpeech made no audio of the end of this text ({self._asked})."))
            msg = f"OpenSpeech's session ended before all text was spoken ({self._asked})."
            raise Failed(EngineUnavailable(msg))

    def _ended(self) -> Iterator[Mark]:
        """Of a session that fails: the end of a sentence that was spoken to its end."""
        if self._heard and not self._in_sentence:
            yield from self._reply.places.ends()

    def _taken_apart(self) -> bool:
        """Whether other sentences may be spoken without the one that cannot be: each gets a session of its own."""
        feed, rest = self._reply.feed, self._unheard()
        return feed.take_apart(rest) if rest is not None else not self._heard and feed.take_apart()

    def _unheard(self) -> Sentence | None:
        """What was sent and not spoken, of a session that was heard and told exactly what. `None`: nothing, or who knows."""
        rest = self._reply.places.rest
        known = self._heard and self._tells and not self._in_sentence and rest is not None and is_speakable(rest.text)
        return rest if known else None


def _text(payload: Mapping[str, Any]) -> str:
    text = payload.get("text")
    return text if isinstance(text, str) else ""
