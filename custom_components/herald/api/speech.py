"""Speech on `/ws/v1/tts` (docs/flowing.md): text up while it is written, audio down while it is made.

A connection for each reply: it costs a few milliseconds, and the server closes one that nothing is spoken on after a minute.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import aiohttp

from .errors import CannotConnect, HeraldError, Interrupted, NotHerald, Refused, TextTimeout, WrongToken
from .models import Notice
from .wire import CONNECT_TIMEOUT, Wire, failures

MESSAGE_MAX = 4 * 1024 * 1024
"""Bytes of a message from the server."""
AUDIO_MAX = 512 * 1024 * 1024
"""Bytes of a reply, which is kept whole by whoever caches it: an hour and a half of floats, nine of MP3."""
FRAGMENT_MAX = 16_384
"""Characters of a message to it. Of a longer text it counts the messages, and says what it allows."""
TEXT_TIMEOUT = 60.0
"""Seconds without a fragment after which a text is given up: who abandons a text that is still written tells nobody."""
AUDIO_TIMEOUT = 90.0
"""Seconds that the server may be silent in behind the text: it gives up its engines earlier, but a power cut tells nobody."""
INTERRUPT_TIMEOUT = 1.0
"""Seconds that it may take to end a reply that was interrupted; then the reply ends here."""
CLOSE_TIMEOUT = 1.0
VOICES_OWN_RATE = 0
REFUSALS: Mapping[int, tuple[str, str]] = {
    HTTPStatus.FORBIDDEN: ("access_denied", "Herald does not let this address in."),
    HTTPStatus.SERVICE_UNAVAILABLE: ("busy", "Herald has too many clients just now."),
}
"""Of a connection that was not opened, by HTTP; all others are told on it. Code and sentence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What to speak with. The defaults are the server's."""

    voice: str | None = None
    format: str = "PCM"
    """PCM, WAV, WAV_F32, MP3, FLAC, OGG_OPUS, WEBM_OPUS or MKA."""
    rate: int | None = None
    """Hz; None: as the voice has it, or the next one that the format has."""
    channels: int = 1
    session_id: str | None = None
    """None: a new one."""
    pace: float | None = None
    """Seconds of audio that may come ahead of real time; None: no limit."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Settings under Herald's own names, such as speed, and chime, share, cache, fallback."""

    @property
    def payload(self) -> dict[str, Any]:
        told = {
            "voice": self.voice,
            "format": self.format,
            "sample_rate": VOICES_OWN_RATE if self.rate is None else self.rate,
            "channels": self.channels,
            "session_id": self.session_id,
            "pace": self.pace,
            "options": dict(self.options),
        }
        return {name: value for name, value in told.items() if value is not None}


class Reply:
    """One reply. `async with` it, and listen to `audio` once; leaving the block before its end interrupts it."""

    def __init__(self, wire: Wire, order: Order, trusted: Callable[[], AbstractAsyncContextManager[None]]) -> None:
        """`trusted` raises HeraldError unless it is the paired server that is sent the token in its block."""
        self._wire = wire
        self._trusted = trusted
        self._address = wire.address
        self._order = order
        self._task_id = uuid.uuid4().hex
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._open = AsyncExitStack()
        self._silence: float | None = None
        """Seconds that the server may be silent in; None: while text comes it may have nothing to say."""
        self._ends_at: float | None = None
        """When the reply is over, whatever the server says, and why."""
        self._end: Exception | None = None
        self._waiting: asyncio.Timeout | None = None
        self.session_id = order.session_id or uuid.uuid4().hex
        """Anybody who has it can interrupt the reply."""
        self.notice: Notice | None = None
        """Known after the last audio: why another voice spoke."""

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as opening:
            await opening.enter_async_context(self._trusted())
            async with failures(self._address), asyncio.timeout(CONNECT_TIMEOUT):
                self._socket = await self._connected(opening)
            self._open = opening.pop_all()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._socket = None
        # closing is all that an unfinished reply needs: the server cancels its engine
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT):  # in all: aiohttp waits as long from each message that still comes
                await self._open.__aexit__(kind, error, trace)

    async def _connected(self, opening: AsyncExitStack) -> aiohttp.ClientWebSocketResponse:
        connecting = self._wire.session.ws_connect(
            self._address.url / "ws/v1/tts",
            headers=self._wire.headers,
            ssl=self._address.ssl,
            max_msg_size=MESSAGE_MAX,
            timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_TIMEOUT),
        )
        try:
            socket = await opening.enter_async_context(connecting)
        except aiohttp.WSServerHandshakeError as error:
            if refusal := REFUSALS.get(error.status):
                raise Refused(*refusal, error.status) from error
            raise
        if _is_elsewhere(socket):
            msg = f"What answers at {self._address} is no Herald: it sends on to somebody else."
            raise NotHerald(msg)
        return socket

    async def interrupt(self) -> None:
        """Silence, and no more paid work. `audio` raises Interrupted then, unless it was just over. Twice is fine."""
        self._stop(Interrupted(f"The speech was interrupted (session {self.session_id})."), INTERRUPT_TIMEOUT)
        if self._socket is not None:
            with suppress(aiohttp.ClientError, ConnectionError):
                await self._socket.send_str(self._message("CancelSynthesis"))

    async def audio(self, fragments: AsyncIterable[str]) -> AsyncGenerator[bytes]:
        """The audio of the text, one file of the order's format. Raises Interrupted, and HeraldError where it fails.

        What `fragments` raises is raised as it is.
        """
        socket = self._socket
        if socket is None:
            msg = "a reply is listened to inside its block"
            raise RuntimeError(msg)
        if self._end is not None:
            raise self._end
        async with failures(self._address):
            await socket.send_str(self._message("StartSynthesis", {**self._order.payload, "session_id": self.session_id}))
        writing = asyncio.create_task(self._write(socket, fragments), name="text of a reply")
        heard = 0
        try:
            while (piece := await self._next(socket)) is not None:
                heard += len(piece)
                if heard > AUDIO_MAX:
                    msg = f"{self._address} sent more than {AUDIO_MAX} bytes of one reply."
                    raise NotHerald(msg)
                if piece:
                    yield piece
        finally:
            writing.cancel()
            await asyncio.wait({writing})
        if self._end is not None:
            raise self._end

    # The text, in a task of its own

    async def _write(self, socket: aiohttp.ClientWebSocketResponse, fragments: AsyncIterable[str]) -> None:
        """To its end. How it fails is told to whoever listens; that the connection did, the listener sees."""
        try:
            async with aclosing(_pieces(fragments)) as pieces:
                async for piece in pieces:
                    await socket.send_str(self._message("RunSynthesis", {"text": piece}))
            await socket.send_str(self._message("StopSynthesis"))
        except aiohttp.ClientError, ConnectionError:
            return
        except asyncio.CancelledError:
            if _was_asked_for():
                raise
            self._stop(TextTimeout("The text of the speech was abandoned."))
        except Exception as error:  # noqa: BLE001  # the task's edge: raised again by whoever listens
            self._stop(error)
        else:
            self._silence = AUDIO_TIMEOUT
            self._hurry()

    # The audio

    async def _next(self, socket: aiohttp.ClientWebSocketResponse) -> bytes | None:
        """A piece of audio; empty where something else was told. None at the end, or at `_end`."""
        async with failures(self._address):
            message = await self._received(socket)
            if message is not None and message.type is aiohttp.WSMsgType.BINARY:
                return bytes(message.data)
            if message is not None and message.type is aiohttp.WSMsgType.TEXT:
                return None if self._ended(json.loads(message.data)) else b""
            if self._end is None:
                msg = f"{self._address} ended the connection amid the speech."
                raise CannotConnect(msg)
        return None

    async def _received(self, socket: aiohttp.ClientWebSocketResponse) -> aiohttp.WSMessage | None:
        """None where it is over, whatever the server would say."""
        limit = self._limit()
        if self._end is not None and limit is not None and limit <= asyncio.get_running_loop().time():
            return None
        try:
            async with asyncio.timeout_at(limit) as self._waiting:
                return await socket.receive()
        except TimeoutError:
            if self._end is None:
                raise
            return None
        finally:
            self._waiting = None

    def _limit(self) -> float | None:
        """Until when a message is waited for."""
        silence = None if self._silence is None else asyncio.get_running_loop().time() + self._silence
        return min((limit for limit in (self._ends_at, silence) if limit is not None), default=None)

    def _stop(self, end: Exception, within: float = 0.0) -> None:
        """Let it end soon, whatever the server says. Only the first call counts."""
        if self._end is None:
            self._end, self._ends_at = end, asyncio.get_running_loop().time() + within
            self._hurry()

    def _hurry(self) -> None:
        """Have the listener wait no longer than is known now."""
        if self._waiting is not None:
            self._waiting.reschedule(self._limit())

    def _ended(self, told: Any) -> bool:
        try:
            header, payload = told["header"], told.get("payload") or {}
            match header["name"]:
                case "SynthesisCompleted":
                    self._completed(payload)
                    self._end = None  # it was over just before
                    return True
                case "TaskFailed":
                    raise _failure(header)
        except (KeyError, TypeError, AttributeError) as error:
            msg = f"What answers at {self._address} is no Herald."
            raise NotHerald(msg) from error
        return False

    def _completed(self, payload: Mapping[str, Any]) -> None:
        if payload.get("reason") == "interrupted":
            msg = f"The speech was interrupted (session {self.session_id})."
            raise Interrupted(msg)
        if notice := payload.get("notice"):
            code, voice = str(payload.get("notice_code", "")), payload.get("voice")
            self.notice = Notice(code=code, message=str(notice), voice=None if voice is None else str(voice))

    def _message(self, name: str, payload: Mapping[str, Any] | None = None) -> str:
        header = {"message_id": uuid.uuid4().hex, "task_id": self._task_id, "namespace": "FlowingSpeechSynthesizer", "name": name}
        return json.dumps({"header": header, "payload": payload or {}})


async def _pieces(fragments: AsyncIterable[str]) -> AsyncGenerator[str]:
    """What is sent of a text, as it comes. Raises TextTimeout."""
    source = aiter(fragments)
    while True:
        try:
            async with asyncio.timeout(TEXT_TIMEOUT) as patience:
                fragment = await anext(source)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            if not patience.expired():
                raise
            msg = f"The text did not go on for {TEXT_TIMEOUT:g} s, and was given up."
            raise TextTimeout(msg) from error
        for start in range(0, len(fragment), FRAGMENT_MAX):
            yield fragment[start : start + FRAGMENT_MAX]


def _is_elsewhere(socket: aiohttp.ClientWebSocketResponse) -> bool:
    """aiohttp follows redirects here, without the token, and lets only those see it who look into it."""
    return bool(getattr(getattr(socket, "_response", None), "history", ()))


def _was_asked_for() -> bool:
    """Whether somebody cancels this task; a text whose writer was cancelled looks the same."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _failure(header: Mapping[str, Any]) -> HeraldError:
    code, message = str(header.get("code", "engine_failed")), str(header["status_text"])
    return WrongToken(message) if code == "token_required" else Refused(code, message)
