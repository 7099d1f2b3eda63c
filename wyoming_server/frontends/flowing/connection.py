"""One client: a task that reads and a task that speaks, so that a cancel, an error and the end are seen at once.

Every session that was started is ended in words: SynthesisCompleted, or TaskFailed and the end of the connection.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass

from aiohttp import WSCloseCode, WSMsgType, web

from ...channel import Channel
from ...config import HttpConfig
from ...engines.base import Engine
from ...errors import HeraldError, Interrupted, ProtocolError, TextTimeout, TextTooLong
from ...protocols.flowing import NAMES, decode_client, encode_server
from ...protocols.flowing_events import Cancel, ClientEvent, Completed, Failed, Finish, ServerEvent, Start, Started, Text
from ...protocols.flowing_order import ServerOrder, State
from ...protocols.json_messages import MESSAGE_MAX, shown
from ...sessions import ListenerGone, Session, Sessions
from ...synthesis import Synthesizer
from ...voices import Catalogue
from ..http.wire import Wire
from ..text import as_it_comes
from .requests import read_wish
from .session import Speaking

_LOGGER = logging.getLogger(__name__)

BYTES_MAX = 4 * MESSAGE_MAX
"""Of one message: what MESSAGE_MAX characters may have. Of more than that a client is told no number, only a close code."""
WRITE_TIMEOUT = 30.0
"""Seconds that a client may take nothing of what it is sent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """What every connection of the front end works with."""

    config: HttpConfig
    catalogue: Catalogue
    synthesizer: Synthesizer
    engines: Mapping[str, Engine]
    sessions: Sessions
    turns: asyncio.Semaphore
    """See Pacing."""
    write_timeout: float = WRITE_TIMEOUT


class Conversation:
    """A websocket, and the sessions on it, one after the other. See `run`."""

    def __init__(self, services: Services, socket: web.WebSocketResponse, request: web.Request) -> None:
        self._services = services
        self._socket = socket
        self._client = request.remote or "a client"
        self._wire = Wire(socket, request, limit=services.write_timeout)
        self._order = ServerOrder(NAMES, reusable=True)
        self._tasks = asyncio.TaskGroup()
        self._patience = asyncio.timeout(services.config.text_timeout)
        """For a client that nothing is spoken to."""
        self._text: Channel[str] = Channel()
        self._characters = 0
        self._speaking: Speaking | None = None
        self._session: Session | None = None
        self._task: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Serve the client until it leaves, says nothing, breaks the protocol, or a session fails."""
        code = WSCloseCode.OK
        try:
            await self._converse()
        except asyncio.CancelledError:
            code = WSCloseCode.GOING_AWAY
            raise
        finally:
            await self._wire.close(code)

    async def _converse(self) -> None:
        try:
            async with self._tasks:
                await self._listen()
        except* ListenerGone:
            if not self._wire.closed:
                _LOGGER.info("%s: reads no more, given up", self._client)
                self._wire.abort()
        except* Exception as errors:  # noqa: BLE001  # the task's edge: a defect must not end quietly
            self._fail(self._reason(errors))

    # Reading

    async def _listen(self) -> None:
        try:
            async with self._patience:
                await self._read()
        except TimeoutError:
            if self._order.state is State.IDLE:
                msg = f"Nothing was started for {self._services.config.text_timeout:g} s (http.text_timeout)."
                raise TextTimeout(msg) from None
        except HeraldError as error:
            self._fail(error)  # now, not when the engine has ended too
            if self._session is not None:
                self._session.fail(error)
            raise
        finally:
            self._hush()

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type is WSMsgType.BINARY:
                msg = f"A binary message of {len(message.data)} bytes; text comes as JSON, in text messages."
                raise ProtocolError(msg)
            if message.type is not WSMsgType.TEXT:
                return
            event = decode_client(message.data, text_max=self._services.config.max_text)
            if not self._is_late(event) and self._received(event):
                self._heed(event)

    def _is_late(self, event: ClientEvent) -> bool:
        """Whether it is text for a session that was cut short, perhaps by somebody else: the two crossed."""
        cut = self._speaking is not None and self._speaking.was_cut
        return cut and isinstance(event, Text | Finish) and event.task_id in {"", self._order.task_id}

    def _received(self, event: ClientEvent) -> bool:
        """False for what is to be ignored."""
        try:
            return self._order.received(event)
        except HeraldError as error:
            self._fail(error, task_id=event.task_id)
            raise

    def _heed(self, event: ClientEvent) -> None:
        match event:
            case Start():
                self._start(event)
            case Text():
                self._add_text(event.text)
            case Finish():
                self._text.end()
            case Cancel() if self._session is not None and self._speaking is not None:
                self._session.interrupt(Interrupted("The client cancelled the synthesis."))
                self._speaking.cut()  # also where its task has not begun yet

    def _start(self, event: Start) -> None:
        """Raises HeraldError for what can be known to be wrong before any text has come."""
        services = self._services
        wish = read_wish(event.payload, services.catalogue, services.synthesizer)
        voice = wish.request.voice
        session = services.sessions.open(
            wish.session_id, voice=voice.name, engine=voice.engine, client=self._client, front_end="websocket"
        )
        self._speaking = Speaking(
            wish, task_id=event.task_id, session_id=session.id, tell=self._tell, wire=self._wire, turns=services.turns
        )
        self._session, self._text, self._characters = session, Channel(), 0
        self._patience.reschedule(None)
        self._tell(Started(task_id=event.task_id, session_id=session.id))
        self._task = self._tasks.create_task(self._speak(session, self._speaking, self._text))
        self._task.add_done_callback(lambda _: session.leave())  # also where it was cancelled before it began

    def _add_text(self, text: str) -> None:
        self._characters += len(text)
        limit = self._services.config.max_text
        if self._characters > limit:
            msg = f"The text has {self._characters} characters so far; {limit} are allowed (http.max_text)."
            raise TextTooLong(msg)
        if text:
            self._text.push(text)

    # Speaking

    async def _speak(self, session: Session, speaking: Speaking, text: Channel[str]) -> None:
        """One session to its end, which is always told."""
        words = as_it_comes(text, limit=self._services.config.text_timeout, setting="http.text_timeout", whatever=True)
        session.on_interrupt = lambda error: self._cut_short(speaking, error)
        try:
            async with session, aclosing(words) as fragments:
                await speaking.speak(self._services.synthesizer, fragments, session.progress)
            speaking.complete()
        except Interrupted:
            speaking.cut()  # where it had not begun yet
        except HeraldError as error:
            self._fail(error)
            raise
        except asyncio.CancelledError as error:
            if _was_asked_for():
                raise
            raise HeraldError from error
        finally:
            speaking.close()

    def _cut_short(self, speaking: Speaking, error: HeraldError) -> None:
        """An interrupt: the listener knows before the engine, which may take its time."""
        if isinstance(error, Interrupted):
            speaking.cut()
        else:
            self._fail(error)

    def _hush(self) -> None:
        """Nobody listens any more, or nobody may be told anything more."""
        if self._session is not None and self._task is not None:
            self._session.on_interrupt = None
            self._task.cancel()

    # Telling

    def _tell(self, event: ServerEvent) -> None:
        self._order.sent(event)
        self._wire.send(encode_server(event))
        if isinstance(event, Completed):
            self._patience.reschedule(asyncio.get_running_loop().time() + self._services.config.text_timeout)

    def _fail(self, error: HeraldError, task_id: str = "") -> None:
        """TaskFailed, once. The vendor's own client then waits for the close."""
        if self._order.state is State.FAILED or self._wire.closed:
            return
        _LOGGER.warning("%s: %s: %s", self._client, error.code, shown(str(error)))
        task_id = self._order.task_id or task_id
        self._tell(Failed(task_id=task_id, status=error.flowing_status, code=error.code, text=shown(str(error))))

    def _reason(self, errors: BaseExceptionGroup[Exception]) -> HeraldError:
        """What the client is told: Herald's own words, or that something is broken here."""
        known: BaseException | None = errors.subgroup(HeraldError)
        while isinstance(known, BaseExceptionGroup):
            known = known.exceptions[0]
        if isinstance(known, HeraldError):
            return known
        _LOGGER.error("%s: a session failed", self._client, exc_info=errors)
        return HeraldError()


def _was_asked_for() -> bool:
    """Whether somebody cancels this task, and no defect somewhere below looks like it."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
