"""Speech on `/ws/v1/tts` (docs/flowing.md): text up while it is written, audio down while it is made."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncGenerator, AsyncIterable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import Any, Self

import aiohttp

from .errors import CannotConnect, HeraldError, Interrupted, NotHerald, Refused, WrongToken
from .models import Notice
from .wire import CONNECT_TIMEOUT, Wire, failures

MESSAGE_MAX = 4 * 1024 * 1024
"""Bytes of a message from the server."""
TEXT_TIMEOUT = 60.0
"""Seconds without a fragment after which a text is given up: who abandons a text that is still written tells nobody."""
AUDIO_TIMEOUT = 90.0
"""Seconds that the server may be silent in: it gives up its engines earlier."""
CLOSE_TIMEOUT = 1.0
TOKEN_REQUIRED = 40_100_005


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
            "sample_rate": self.rate,
            "channels": self.channels,
            "session_id": self.session_id,
            "pace": self.pace,
            "options": dict(self.options),
        }
        return {name: value for name, value in told.items() if value is not None}


class Reply:
    """One reply. `async with` it, and listen to `audio` once; leaving the block before its end interrupts it."""

    def __init__(self, wire: Wire, order: Order) -> None:
        self._wire = wire
        self._address = wire.address
        self._order = order
        self._task_id = uuid.uuid4().hex
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._open = AsyncExitStack()
        self.session_id = order.session_id or uuid.uuid4().hex
        """Anybody who has it can interrupt the reply."""
        self.notice: Notice | None = None
        """Known after the last audio: why another voice spoke."""

    async def __aenter__(self) -> Self:
        async with failures(self._address), asyncio.timeout(CONNECT_TIMEOUT), AsyncExitStack() as opening:
            socket = await opening.enter_async_context(
                self._wire.session.ws_connect(
                    self._address.url / "ws/v1/tts",
                    headers=self._wire.headers,
                    ssl=self._address.ssl,
                    max_msg_size=MESSAGE_MAX,
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_TIMEOUT),
                )
            )
            self._open = opening.pop_all()
        self._socket = socket
        return self

    async def __aexit__(self, *_: object) -> None:
        self._socket = None
        # closing is all that an unfinished reply needs: the server cancels its engine
        await self._open.aclose()

    async def interrupt(self) -> None:
        """Silence, and no more paid work. `audio` raises Interrupted then. Nothing happens where nothing is spoken."""
        if self._socket is not None:
            with suppress(aiohttp.ClientError, ConnectionError):
                await self._socket.send_str(self._message("CancelSynthesis"))

    async def audio(self, fragments: AsyncIterable[str]) -> AsyncGenerator[bytes]:
        """The audio of the text, one file of the order's format. Raises Interrupted, and HeraldError where it fails."""
        socket = self._socket
        if socket is None:
            msg = "a reply is listened to inside its block"
            raise RuntimeError(msg)
        async with failures(self._address):
            begin = {**self._order.payload, "session_id": self.session_id}
            await socket.send_str(self._message("StartSynthesis", begin))
            writing = asyncio.create_task(self._write(socket, fragments), name=f"text of {self.session_id}")
            try:
                async for audio in self._received(socket, writing):
                    yield audio
            finally:
                writing.cancel()
                await asyncio.wait({writing})

    async def _write(self, socket: aiohttp.ClientWebSocketResponse, fragments: AsyncIterable[str]) -> None:
        source = aiter(fragments)
        while True:
            try:
                async with asyncio.timeout(TEXT_TIMEOUT):
                    fragment = await anext(source)
            except StopAsyncIteration:
                break
            if fragment:
                await socket.send_str(self._message("RunSynthesis", {"text": fragment}))
        await socket.send_str(self._message("StopSynthesis"))

    async def _received(self, socket: aiohttp.ClientWebSocketResponse, writing: asyncio.Task[None]) -> AsyncGenerator[bytes]:
        while True:
            message = await self._next(socket, writing)
            match message.type:
                case aiohttp.WSMsgType.BINARY:
                    yield message.data
                case aiohttp.WSMsgType.TEXT:
                    if self._ended(json.loads(message.data)):
                        return
                case _:
                    msg = f"{self._address} ended the connection amid the speech."
                    raise CannotConnect(msg)

    async def _next(self, socket: aiohttp.ClientWebSocketResponse, writing: asyncio.Task[None]) -> aiohttp.WSMessage:
        """The next message; while there is text to come, the server may have nothing to say."""
        receiving = asyncio.ensure_future(socket.receive())
        try:
            while not writing.done():
                await asyncio.wait({receiving, writing}, return_when=asyncio.FIRST_COMPLETED)
                if receiving.done():
                    return receiving.result()
            writing.result()
            async with asyncio.timeout(AUDIO_TIMEOUT):
                return await receiving
        finally:
            receiving.cancel()

    def _ended(self, told: Any) -> bool:
        try:
            header, payload = told["header"], told.get("payload") or {}
            match header["name"]:
                case "SynthesisCompleted":
                    self._completed(payload)
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


def _failure(header: Mapping[str, Any]) -> HeraldError:
    message = str(header["status_text"])
    if header["status"] == TOKEN_REQUIRED:
        return WrongToken(message)
    return Refused(str(header.get("code", "engine_failed")), message)
