"""The service's v3: a connection, and the sessions on it one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from wyoming_server.errors import ProtocolError
from wyoming_server.protocols.openspeech_v3 import RUNNING, Event, Order, State

from ..common.codes import Refused, Told
from ..common.line import Line
from ..speech.audio import compact
from .codes import OK
from .codes import V3 as CODES
from .faults import How
from .frames import ANSWER, AUDIO, Reader, Request
from .session import Session, wish
from .talk import Talk
from .world import World

INVALID = CODES["invalid"]
UNKNOWN_EVENT = 777
OLD_SESSION = "0" * 32
"""The id of stale audio where no session came before."""


class V3(Talk):
    """A connection of `/api/v3/tts/bidirection`."""

    JSON_ERRORS = True

    def __init__(self, world: World, line: Line) -> None:
        super().__init__(world, line)
        self._order = Order()
        self._session: Session | None = None
        self._old = OLD_SESSION

    async def take(self, message: str | bytes) -> None:
        request: Request | None = None
        try:
            request = Reader(message, INVALID).v3()
            self._check_order(request)
            ACTIONS[request.event](self, request)
        except Refused as refused:
            await self._refuse(refused.told, request)

    def _check_order(self, request: Request) -> None:
        if request.event is Event.TASK_REQUEST and self._order.state is State.STARTING:
            return  # a silent session
        try:
            self._order.sent(request.event, request.session)
        except ProtocolError as error:
            raise Refused(INVALID.because(str(error))) from error

    # what the client asks for

    def _connect(self, request: Request) -> None:
        self.work(self._connected)

    async def _connected(self) -> None:
        await self.strike("connection")
        if self.options.latency:
            await asyncio.sleep(self.options.latency)
        self.note("connected")
        await self.answer(Event.CONNECTION_STARTED, self._connection_id, {})

    def _disconnect(self, request: Request) -> None:
        self.work(self.answer, Event.CONNECTION_FINISHED, self._connection_id, {})

    def _start(self, request: Request) -> None:
        if request.session in self.world.session_ids:
            raise Refused(INVALID.because("this session id was used before"))
        self.world.session_ids.add(request.session)
        http = self.line.request
        assert http is not None
        wished = wish(request, http.headers["X-Api-Resource-Id"], self.options.account)
        if self.world.is_full:
            raise Refused(CODES["parallel"])
        self.note("session", id=request.session, body=request.payload)
        self._session = session = Session(self, request.session, wished, self.begin(wished.manner))
        session.task = self.work(session.run)

    def _text(self, request: Request) -> None:
        session = self._running(request)
        if not session.is_started:
            session.is_silent = True
            self.note("refused", code=0, message="text before SessionStarted: the session stays silent")
        session.add(request)

    def _finish(self, request: Request) -> None:
        self._running(request).finish()

    def _cancel(self, request: Request) -> None:
        if self._session is not None and self._session.name == request.session:
            self.note("cancelled", self._session.speaking.characters, by="CancelSession", session=request.session)
            self.work(self._cancelled, self._session)

    async def _cancelled(self, session: Session) -> None:
        await self.strike("cancel")
        if self._session is not session:
            return  # it came to its end meanwhile
        assert session.task is not None
        session.task.cancel()
        self.end(session.speaking)
        await self.strike("stopped")
        self.over(session)
        await self.answer(Event.SESSION_CANCELED, session.name, {})
        await self.strike("cancelled")

    def _running(self, request: Request) -> Session:
        if self._session is None or self._session.name != request.session:
            raise Refused(INVALID.because("no such session"))
        return self._session

    # what it is told

    @property
    def _connection_id(self) -> str:
        http = self.line.request
        assert http is not None
        return http.headers.get("X-Api-Connect-Id") or str(uuid4())

    async def answer(self, event: Event, name: str, payload: dict[str, Any] | memoryview) -> None:
        self._order.received(event, name)
        if isinstance(payload, memoryview):
            frame = self.style.event(event, name, payload, AUDIO)
        else:
            frame = self.style.event(event, name, compact(payload), ANSWER)
        await self.line.tell(frame)

    def over(self, session: Session) -> None:
        """Its end is about to be told."""
        if self._session is session:
            self._session = None
            self._old = session.name
        self.end(session.speaking)

    async def fail(self, told: Told, how: How) -> None:
        """Ends the session with SessionFailed; the connection, where there is none or where it is told in another way."""
        session, state = self._session, self._order.state
        self.stop()
        if session is not None:
            self.over(session)
        if how in ("", "event") and session is not None:
            await self._tell_failed(Event.SESSION_FAILED, session.name, told)
            return
        if how in ("", "event") and state is State.CONNECTING:
            await self._tell_failed(Event.CONNECTION_FAILED, self._connection_id, told)
        else:
            await self.tell_error(told, how)
        await self.line.hang_up(1000)

    async def end_early(self, told: Told) -> None:
        session = self._session
        assert session is not None
        self.stop()
        self.over(session)
        told_as = {"header": {"code": str(told.code), "message": told.message}} if told.code else {"code": str(OK)}
        await self.answer(Event.SESSION_FINISHED, session.name, told_as)

    async def _tell_failed(self, event: Event, name: str, told: Told) -> None:
        await self.answer(event, name, {"status_code": told.code, "message": told.message})

    async def _refuse(self, told: Told, request: Request | None) -> None:
        """SessionFailed for the session that broke the rule, though it be none; an error frame where no session can be named."""
        self.note("refused", code=told.code, message=told.message)
        is_running = request is not None and self._session is not None and request.session == self._session.name
        is_open = self._order.state is State.READY or self._order.state in RUNNING
        if request is None or not request.session or not is_open:
            await self.fail(told, "frame")
        elif is_running:
            await self.fail(told, "event")
        else:
            await self._tell_failed(Event.SESSION_FAILED, request.session, told)

    def stray(self, audio: bytes) -> bytes:
        return self.style.event(Event.AUDIO, self._old, audio, AUDIO)

    def unknown(self) -> bytes:
        name = self._session.name if self._session is not None else self._old
        return self.style.event(UNKNOWN_EVENT, name, b"{}")


ACTIONS: Mapping[Event, Callable[[V3, Request], None]] = {
    Event.START_CONNECTION: V3._connect,  # noqa: SLF001  # its own table
    Event.FINISH_CONNECTION: V3._disconnect,  # noqa: SLF001
    Event.START_SESSION: V3._start,  # noqa: SLF001
    Event.TASK_REQUEST: V3._text,  # noqa: SLF001
    Event.FINISH_SESSION: V3._finish,  # noqa: SLF001
    Event.CANCEL_SESSION: V3._cancel,  # noqa: SLF001
}
