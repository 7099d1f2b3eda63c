"""One client: a task that reads and a task that speaks, so that describe, ping, a cancel and the end are seen at once.

Everything that is asked for is answered: with audio, or with `error` and the end of the connection; never with a quiet end, which
Home Assistant would take for the whole reply.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass

from wyoming.error import Error
from wyoming.event import Event
from wyoming.ping import Ping, Pong
from wyoming.tts import SynthesizeStopped

from ...channel import Channel
from ...config import WyomingConfig
from ...errors import Busy, HeraldError, Interrupted, ProtocolError, TextTooLong
from ...models import ReplyStart
from ...protocols.wyoming import MAX_DATA, WyomingReader, encode
from ...sessions import REPLACED, Sessions
from ...synthesis import ReplyEvent, Synthesizer
from ...voices import Catalogue
from ..text import as_it_comes
from .info import InfoSource
from .reply import Reply
from .requests import Wish, read_text, read_wish, synthesis_request

_LOGGER = logging.getLogger(__name__)

READ_SIZE = 64 * 1024
MAX_QUEUED = 16
"""Requests that may wait on one connection behind the one being spoken."""
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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Request:
    """One reply that a client asked for, and the text for it, which may still be coming."""

    wish: Wish
    text: Channel[str]
    streamed: bool
    """The client opened a text stream, and waits for synthesize-stopped."""


class Connection:
    """See `run`."""

    def __init__(self, services: Services, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, client: str) -> None:
        self._services = services
        self._reader = reader
        self._writer = writer
        self._client = client
        self._requests: Channel[_Request] = Channel()
        self._waiting = 0
        self._stream: _Request | None = None
        self._characters = 0
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
                await self._read_events()
                speaking.cancel()
        except* HeraldError as errors:
            # Both tasks may fail at once: the client is told one reason.
            await self._tell_and_close(next(error for error in errors.exceptions if isinstance(error, HeraldError)))
        except* (OSError, TimeoutError):
            _LOGGER.info("%s: reads no more, given up", self._client)

    # Reading

    async def _read_events(self) -> None:
        reader = WyomingReader(max_data=max(MAX_DATA, 16 * self._services.config.max_text))
        with contextlib.suppress(ConnectionError):  # a client that leaves without good-bye has left too
            while data := await self._reader.read(READ_SIZE):
                reader.feed(data)
                while (event := reader.next_event()) is not None:
                    self._handle(event)
                    await self._relieve()
        if reader.mid_event:
            _LOGGER.info("%s: left in the middle of an event", self._client)

    async def _relieve(self) -> None:
        """Read no further while the client leaves too many answers unread. Raises TimeoutError when it goes on doing so."""
        if self._writer.transport.get_write_buffer_size() > MAX_UNREAD:
            async with asyncio.timeout(self._services.config.write_timeout):
                await self._writer.drain()

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
        request = self._open_request(read_wish(event), streamed=False)
        self._push_text(request, read_text(event))
        request.text.end()

    def _start_text(self, event: Event) -> None:
        wish = read_wish(event)
        if self._stream is not None and self._stream.wish.session_id != (wish.session_id or ""):
            msg = "A synthesize-start before the synthesize-stop of the text before."
            raise ProtocolError(msg)
        self._stream = self._open_request(wish, streamed=True)

    def _add_text(self, event: Event) -> None:
        self._push_text(self._open_stream(event), read_text(event))

    def _stop_text(self, event: Event) -> None:
        self._open_stream(event).text.end()
        self._stream = None

    def _open_stream(self, event: Event) -> _Request:
        if self._stream is None:
            msg = f"A {event.type} without a synthesize-start before it."
            raise ProtocolError(msg)
        return self._stream

    def _open_request(self, wish: Wish, *, streamed: bool) -> _Request:
        """Line up a reply. One of the same session that still speaks ends now."""
        if self._waiting >= MAX_QUEUED:
            msg = f"{self._waiting} requests wait on this connection already; {MAX_QUEUED} are allowed."
            raise Busy(msg)
        if wish.session_id is not None:
            self._services.sessions.interrupt(wish.session_id, Interrupted(REPLACED))
        request = _Request(wish=wish, text=Channel(), streamed=streamed)
        self._waiting += 1
        self._characters = 0
        self._requests.push(request)
        return request

    def _push_text(self, request: _Request, text: str) -> None:
        self._characters += len(text)
        limit = self._services.config.max_text
        if self._characters > limit:
            msg = f"A text of {self._characters} characters; {limit} are allowed (wyoming.max_text)."
            raise TextTooLong(msg)
        request.text.push(text)

    # Speaking

    async def _speak_requests(self) -> None:
        async for request in self._requests:
            self._waiting -= 1
            try:
                await self._speak(request)
            except Interrupted as error:
                # The one that replaced it may wait on this very connection.
                if not self._waiting:
                    raise
                self._tell(error)

    async def _speak(self, request: _Request) -> None:
        wish, services = request.wish, self._services
        synthesis = synthesis_request(wish, services.catalogue, services.synthesizer, services.config.rate)
        async with services.sessions.open(wish.session_id, voice=synthesis.voice.name, client=self._client):
            text = as_it_comes(request.text, limit=services.config.text_timeout, setting="wyoming.text_timeout")
            async with aclosing(services.synthesizer.speak(synthesis, text)) as events:
                await self._write_reply(events)
        if request.streamed:
            self._writer.write(encode(SynthesizeStopped().event()))

    async def _write_reply(self, events: AsyncGenerator[ReplyEvent, None]) -> None:
        with contextlib.ExitStack() as stack:
            async for event in events:
                if isinstance(event, ReplyStart):
                    services = self._services
                    reply = Reply(self._writer, event.format, timeout=services.config.write_timeout, turns=services.turns)
                    stack.callback(reply.cut)  # nothing, where it has finished
                elif isinstance(event, bytes):
                    await reply.send(event)
            reply.finish()

    # The end

    def _tell(self, error: HeraldError) -> None:
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
