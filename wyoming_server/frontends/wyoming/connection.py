"""One client: a task that reads and a task that speaks, so that describe, ping, a cancel and the end are seen at once.

Everything that is asked for is answered: with audio, or with `error` and the end of the connection; never with a quiet end, which
Home Assistant would take for the whole reply.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field

from wyoming.error import Error
from wyoming.event import Event
from wyoming.ping import Ping, Pong
from wyoming.tts import SynthesizeStopped

from ...channel import Channel
from ...config import WyomingConfig
from ...errors import Busy, HeraldError, Interrupted, ProtocolError, TextTooLong
from ...models import Notice, ReplyStart, SynthesisRequest
from ...protocols.wyoming import MAX_DATA, WyomingReader, encode
from ...sessions import ListenerGone, Session, Sessions
from ...synthesis import ReplyEvent, Synthesizer
from ...voices import Catalogue
from ..text import as_it_comes
from .info import InfoSource
from .reply import Reply, drained
from .requests import read_text, read_wish, synthesis_request

_LOGGER = logging.getLogger(__name__)

READ_SIZE = 64 * 1024
MAX_QUEUED = 16
"""Requests of one connection that are not answered yet."""
MAX_UNREAD = 1 << 20
"""Bytes of answers that may wait for a client that asks and does not read."""
LINGER = 2.0
"""Seconds that a client has to read the last event before the connection is cut."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """What every connection of the front end works with."""

    config: WyomingConfig
    catalogue: Catalogue
    synthesizer: Synthesizer
    sessions: Sessions
    info: InfoSource
    turns: asyncio.Semaphore
    """See reply.TURNS."""


@dataclass(kw_only=True, slots=True, eq=False)
class _Request:
    """One reply that a client asked for, in line on its connection, and the text for it, which may still be coming."""

    streamed: bool
    """The client opened a text stream, and waits for synthesize-stopped."""
    text: Channel[str] = field(default_factory=Channel)
    characters: int = 0
    session_id: str | None = None
    """As the client named it."""
    synthesis: SynthesisRequest | None = None
    session: Session | None = None
    refusal: HeraldError | None = None
    """Why it can't be spoken; told in its turn."""


class Connection:
    """See `run`."""

    def __init__(self, services: Services, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, client: str) -> None:
        self._services = services
        self._reader = reader
        self._writer = writer
        self._client = client
        self._requests: Channel[_Request] = Channel()
        self._unanswered: set[_Request] = set()
        self._stream: _Request | None = None
        self._reply: Reply | None = None
        self._told: HeraldError | None = None
        self._handlers: Mapping[str, Callable[[Event], None]] = {
            "describe": self._describe,
            "ping": self._ping,
            "synthesize": self._synthesize,
            "synthesize-start": self._start_text,
            "synthesize-chunk": self._add_text,
            "synthesize-stop": self._stop_text,
        }

    async def run(self) -> None:
        """Serve the client until it leaves, breaks the protocol, or a reply fails."""
        try:
            async with asyncio.TaskGroup() as tasks:
                speaking = tasks.create_task(self._speak_requests())
                with self._telling_sessions():
                    await self._read_events()
                self._check_answered()
                speaking.cancel()
        except* ListenerGone:
            _LOGGER.info("%s: reads no more, given up", self._client)
        except* Exception as errors:  # noqa: BLE001  # the task's edge: a defect must not end quietly
            await self._tell_and_close(self._reason(errors))
        finally:
            for request in self._unanswered:
                if request.session is not None:
                    request.session.leave()

    @contextlib.contextmanager
    def _telling_sessions(self) -> Iterator[None]:
        """A failure ends all that is in line: not because the listener left."""
        try:
            yield
        except Interrupted:
            raise
        except HeraldError as error:
            for request in self._unanswered:
                if request.session is not None:
                    request.session.fail(error)
            raise

    def _check_answered(self) -> None:
        """Raises Interrupted: a client that only stopped writing still reads."""
        if self._unanswered:
            msg = "The client hung up before its reply was whole."
            raise Interrupted(msg)

    # Reading

    async def _read_events(self) -> None:
        reader = WyomingReader(max_data=max(MAX_DATA, 16 * self._services.config.max_text))
        with contextlib.suppress(ConnectionError):  # a client that leaves without good-bye has left too
            while data := await self._reader.read(READ_SIZE):
                reader.feed(data)
                while (event := reader.next_event()) is not None:
                    self._handle(event)
                    if self._writer.transport.get_write_buffer_size() > MAX_UNREAD:
                        await drained(self._writer, self._services.config.write_timeout)
        if reader.mid_event:
            _LOGGER.info("%s: left in the middle of an event", self._client)

    def _handle(self, event: Event) -> None:
        handler = self._handlers.get(event.type)
        if handler is None:
            _LOGGER.debug("%s: event %s means nothing to a speech server", self._client, event.type)
        else:
            handler(event)

    def _describe(self, _event: Event) -> None:
        self._writer.write(self._services.info.encoded())

    def _ping(self, event: Event) -> None:
        self._writer.write(encode(Pong(text=Ping.from_event(event).text).event()))

    def _synthesize(self, event: Event) -> None:
        if self._stream is not None:
            return  # the copy of the streamed text that is meant for servers that can't stream
        request = self._line_up(event, streamed=False)
        self._push_text(request, event)
        request.text.end()

    def _start_text(self, event: Event) -> None:
        before = self._stream
        self._stream = self._line_up(event, streamed=True)
        if before is None:
            return
        if before.session_id is None or before.session_id != self._stream.session_id:
            msg = "A synthesize-start before the synthesize-stop of the text before."
            raise ProtocolError(msg)
        before.text.end()  # replaced in its session

    def _add_text(self, event: Event) -> None:
        self._push_text(self._streaming(event), event)

    def _stop_text(self, event: Event) -> None:
        self._streaming(event).text.end()
        self._stream = None

    def _streaming(self, event: Event) -> _Request:
        if self._stream is None:
            msg = f"A {event.type} without a synthesize-start before it."
            raise ProtocolError(msg)
        return self._stream

    def _line_up(self, event: Event, *, streamed: bool) -> _Request:
        """Put a reply in line. One of the same session that speaks or waits, on whatever connection, ends now."""
        if len(self._unanswered) >= MAX_QUEUED:
            msg = f"{len(self._unanswered)} requests of this connection wait already; {MAX_QUEUED} are allowed."
            raise Busy(msg)
        request = _Request(streamed=streamed)
        try:
            self._plan(request, event)
        except HeraldError as error:
            request.refusal = error
        self._unanswered.add(request)
        self._requests.push(request)
        return request

    def _plan(self, request: _Request, event: Event) -> None:
        wish, services = read_wish(event), self._services
        request.session_id = wish.session_id
        request.synthesis = synthesis_request(wish, services.catalogue, services.synthesizer, services.config.rate)
        voice = request.synthesis.voice
        request.session = services.sessions.open(
            wish.session_id, voice=voice.name, engine=voice.engine, client=self._client, front_end="wyoming"
        )

    def _push_text(self, request: _Request, event: Event) -> None:
        text, limit = read_text(event), self._services.config.max_text
        request.characters += len(text)
        if request.characters > limit:
            msg = f"A text of {request.characters} characters; {limit} are allowed (wyoming.max_text)."
            request.text.end(TextTooLong(msg))
        elif text:
            request.text.push(text)

    # Speaking

    async def _speak_requests(self) -> None:
        async for request in self._requests:
            try:
                with self._telling_sessions():
                    await self._speak(request)
            except Interrupted as error:
                if len(self._unanswered) == 1:
                    raise
                self._tell(error)  # others are in line, perhaps the one that replaced it
            self._unanswered.discard(request)

    async def _speak(self, request: _Request) -> None:
        if request.session is None or request.synthesis is None:
            raise request.refusal or HeraldError
        services = self._services
        words = as_it_comes(request.text, limit=services.config.text_timeout, setting="wyoming.text_timeout")
        async with request.session as session, aclosing(words) as text:
            session.on_interrupt = self._cut_short
            async with aclosing(services.synthesizer.speak(request.synthesis, text, session.progress)) as events:
                await self._write_reply(events)
        if request.streamed:
            self._writer.write(encode(SynthesizeStopped().event()))

    async def _write_reply(self, events: AsyncGenerator[ReplyEvent, None]) -> None:
        with contextlib.ExitStack() as stack:
            async for event in events:
                if isinstance(event, ReplyStart):
                    services = self._services
                    reply = Reply(self._writer, event.format, limit=services.config.write_timeout, turns=services.turns)
                    self._reply = reply
                    stack.callback(reply.cut)  # nothing, where it has ended
                elif isinstance(event, bytes):
                    await reply.send(event)
                elif isinstance(event, Notice):
                    reply.tell(event)
            reply.finish()

    def _cut_short(self, error: HeraldError) -> None:
        """An interrupt: the listener knows before the engine, which may take its time."""
        if self._reply is not None:
            self._reply.cut()
        self._tell(error)

    # The end

    def _reason(self, errors: BaseExceptionGroup[Exception]) -> HeraldError:
        """What the client is told: Herald's own words, or that something is broken here."""
        for error in _leaves(errors):
            if isinstance(error, HeraldError):
                return error
        _LOGGER.error("%s: a reply failed", self._client, exc_info=errors)
        return HeraldError()

    def _tell(self, error: HeraldError) -> None:
        """An `error` event, once."""
        if error is self._told:
            return
        self._told = error
        level = logging.INFO if isinstance(error, Interrupted) else logging.WARNING
        _LOGGER.log(level, "%s: %s: %s", self._client, error.code, error)
        self._writer.write(encode(Error(text=str(error), code=error.code).event()))

    async def _tell_and_close(self, error: HeraldError) -> None:
        """Tell the error and end the connection so that the client can still read it.

        Closing while bytes of the client are unread would reset the connection and lose the error: they are read away first.
        """
        self._tell(error)
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(LINGER):
                await self._writer.drain()
                self._writer.write_eof()
                while await self._reader.read(READ_SIZE):
                    pass


def _leaves(errors: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
