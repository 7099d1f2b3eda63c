"""API v3: one websocket, on which sessions follow each other. It is read all its life, so that its end is seen when idle too."""

from __future__ import annotations

import asyncio
from typing import Any, Self, TypeAlias

from ...channel import Channel
from ...errors import EngineError, EngineUnavailable, HeraldError, ProtocolError, TooLarge
from ...protocols.openspeech_frame import Failure, find_failure
from ...protocols.openspeech_v3 import Event, Message, decode, encode
from ...upstream.attempts import Failed
from ...upstream.websocket import LEAVE_WITHIN, EngineSocket, HandshakeRefused, open_websocket
from .account import V3_PATH, Account
from .failures import Asked, broken, failed, log_id, refused

MESSAGE_MAX = 4 << 20
"""Bytes."""
SessionMessage: TypeAlias = Message | Failure | Exception
"""What a session's listener reads; an exception is what the session's own writer ran into."""

WAITING_MESSAGES = 8
"""Messages of a session that are read ahead of its listener."""
CANCEL_WITHIN = 0.3
"""Seconds that the service has to confirm a cancel; otherwise the connection is dropped."""

ENDS = (Event.SESSION_CANCELED, Event.SESSION_FINISHED, Event.SESSION_FAILED)


class Connection:
    """Use `Connection.open`; somebody runs `read` while it lives."""

    def __init__(self, socket: EngineSocket, asked: Asked) -> None:
        self.asked = asked
        """What it was opened for."""
        self.log_id = log_id(socket.headers)
        self.used = False
        """A session was held on it before the one that runs."""
        self.waited = False
        """It was ready for a while before: it may have died silently."""
        self.alive = True
        self._socket = socket
        self._session = ""
        """Its id; "" where none runs."""
        self._ended = False
        """The service has told its end, which its listener may not have read yet."""
        self._messages: Channel[SessionMessage] = Channel()

    @property
    def resource_id(self) -> str:
        return self.asked.route.resource_id

    @classmethod
    async def open(cls, account: Account, asked: Asked) -> Self:
        """Handshake and StartConnection. Raises Failed."""
        headers = account.v3_headers(asked.route.resource_id)
        try:
            socket = await open_websocket(account.url + V3_PATH, headers, peer="OpenSpeech", message_max=MESSAGE_MAX)
        except HandshakeRefused as error:
            raise refused(error, asked) from error
        except EngineUnavailable as error:
            raise Failed(error, retries=2) from error
        connection = cls(socket, asked)
        try:
            await connection._greet(Asked(engine=asked.engine, voice=asked.voice, route=asked.route, log_id=connection.log_id))
        except BaseException:
            socket.cut()
            raise
        return connection

    async def _greet(self, asked: Asked) -> None:
        try:
            await self.send(Event.START_CONNECTION)
            while True:
                message = decode(await self._socket.receive())
                if isinstance(message, Failure):
                    raise failed(message, asked)
                if message.event == Event.CONNECTION_FAILED:
                    raise failed(failure_of(message), asked)
                if message.event == Event.CONNECTION_STARTED:
                    return
        except (ProtocolError, TooLarge) as error:
            raise broken(error, asked) from error
        except EngineUnavailable as error:
            raise Failed(error, retries=2) from error

    def begin(self, session_id: str) -> Channel[SessionMessage]:
        """From now on messages of this session come into the channel; of any other they are dropped."""
        self._session, self._ended = session_id, False
        self._messages = Channel(WAITING_MESSAGES)
        if not self.alive:
            self._messages.end(EngineUnavailable("The connection to OpenSpeech was closed."))
        return self._messages

    def end(self) -> None:
        """Its session is over."""
        self._messages.end()
        self._session = ""
        self.used = True

    async def send(self, event: Event, session_id: str = "", payload: dict[str, Any] | None = None) -> None:
        """Raises EngineUnavailable."""
        await self._socket.send(encode(Message(event=event, id=session_id, payload=payload or {})))

    async def cancel(self) -> bool:
        """Tell the service to stop, and wait a little until it has. False: nobody knows what still comes.

        The first step, before anybody else runs, writes the message.
        """
        try:
            async with asyncio.timeout(CANCEL_WITHIN):
                if not self._ended:
                    await self.send(Event.CANCEL_SESSION, self._session)
                async for message in self._messages:
                    if isinstance(message, Message) and message.event in ENDS:
                        return True
        except (TimeoutError, HeraldError):
            pass
        return False

    async def read(self) -> None:
        """Hand every message to the session it is for, until the connection ends."""
        error: HeraldError = EngineUnavailable("The connection to OpenSpeech was closed.")
        try:
            while not self._is_last(message := decode(await self._socket.receive())):
                if self._session and (isinstance(message, Failure) or message.id == self._session):
                    self._ended = self._ended or (isinstance(message, Message) and message.event in ENDS)
                    await self._messages.put(message)
        except EngineUnavailable as lost:
            error = lost
        except (ProtocolError, TooLarge) as unreadable:
            error = EngineError(f"What OpenSpeech sent cannot be read: {unreadable}")
        finally:
            self.alive = False
            self._messages.end(error)
            self.cut()

    def _is_last(self, message: Message | Failure) -> bool:
        """What is told to nobody's session is told of the connection."""
        if isinstance(message, Failure):
            return not self._session
        return message.event in (Event.CONNECTION_FAILED, Event.CONNECTION_FINISHED)

    async def leave(self) -> None:
        """Say goodbye in the protocol's words too."""
        was_alive, self.alive = self.alive, False
        try:
            if was_alive:
                async with asyncio.timeout(LEAVE_WITHIN):
                    await self.send(Event.FINISH_CONNECTION)
                await self._socket.leave()
        except (TimeoutError, EngineUnavailable):
            pass
        finally:
            self.cut()

    def cut(self) -> None:
        self.alive = False
        self._socket.cut()


def failure_of(message: Message) -> Failure:
    """What an event such as SessionFailed tells."""
    return find_failure(message.payload) if isinstance(message.payload, dict) else Failure(code=0, message="")
