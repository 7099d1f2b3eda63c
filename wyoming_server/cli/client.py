"""A Wyoming text-to-speech client: one connection, one reply at a time. Uses nothing above `protocols`.

Every length that the server controls is bounded by WyomingReader; whatever goes wrong is a HeraldError that names the server.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from wyoming.event import Event, Eventable
from wyoming.info import Describe, Info, TtsProgram, TtsVoice
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeVoice

from ..errors import EngineError, EngineTimeout, EngineUnavailable, HeraldError, ProtocolError
from ..models import RATE_MAX, RATE_MIN, AudioFormat, TextFormat, Voice
from ..protocols.wyoming import WyomingReader, encode

READ_SIZE = 64 * 1024
CONNECT_TIMEOUT = 5.0
"""Seconds for a connection, and for an answer to `describe`."""
STALL_TIMEOUT = 60.0
"""Seconds without an event, once the server has the whole text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerInfo:
    """What a server offers."""

    voices: tuple[Voice, ...]
    streaming_text: bool
    """It takes a text in fragments."""


class WyomingClient:
    """See `connected`."""

    def __init__(self, uri: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._uri = uri
        self._reader = reader
        self._writer = writer
        self._codec = WyomingReader()

    @classmethod
    @asynccontextmanager
    async def connected(cls, uri: str) -> AsyncIterator[Self]:
        """A client while the block runs; leaving it in the middle of a reply ends that reply at the server.

        `uri`: tcp://HOST:PORT or unix:///PATH. Raises EngineUnavailable.
        """
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                reader, writer = await _open(uri)
        except TimeoutError as error:
            msg = f"No Wyoming server answers at {uri} within {CONNECT_TIMEOUT:g} s."
            raise EngineUnavailable(msg) from error
        except OSError as error:
            msg = f"No Wyoming server answers at {uri}: {error.strerror or error}. Is it running there?"
            raise EngineUnavailable(msg) from error
        try:
            yield cls(uri, reader, writer)
        finally:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def describe(self) -> ServerInfo:
        """Raises HeraldError."""
        self._send(Describe())
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                while (event := await self._receive()).type != "info":
                    pass
        except TimeoutError as error:
            msg = f"{self._uri} does not answer `describe`. Is it a Wyoming server?"
            raise EngineTimeout(msg) from error
        return self._server_info(event)

    async def speak(
        self,
        text: AsyncIterable[str],
        *,
        voice: str | None = None,
        language: str | None = None,
        text_format: TextFormat = TextFormat.TEXT,
        context: Mapping[str, Any] | None = None,
    ) -> AsyncGenerator[AudioFormat | bytes, None]:
        """The reply's format, then its PCM, while `text` may still be growing. Raises HeraldError, and what `text` raises."""
        start = SynthesizeStart(
            voice=SynthesizeVoice(name=voice, language=language) if voice or language else None,
            text_format=None if text_format is TextFormat.TEXT else text_format.value,
            context=dict(context) if context else None,
        )
        streaming = (await self.describe()).streaming_text
        sending = asyncio.create_task(self._send_stream(start, text) if streaming else self._send_whole(start, text))
        sending.add_done_callback(self._sent)
        try:
            async for item in self._reply(sending, "synthesize-stopped" if streaming else "audio-stop"):
                yield item
        finally:
            sending.cancel()
            await asyncio.wait([sending])

    # Sending

    async def _send_stream(self, start: SynthesizeStart, text: AsyncIterable[str]) -> None:
        self._send(start)
        async for fragment in text:
            self._send(SynthesizeChunk(text=fragment))
            await self._drain()
        self._send(SynthesizeStop())

    async def _send_whole(self, start: SynthesizeStart, text: AsyncIterable[str]) -> None:
        """For servers that can't stream."""
        whole = "".join([fragment async for fragment in text])
        self._send(Synthesize(text=whole, voice=start.voice, text_format=start.text_format, context=start.context))

    def _send(self, event: Eventable) -> None:
        self._writer.write(encode(event.event()))

    async def _drain(self) -> None:
        with contextlib.suppress(OSError):  # a server that has gone may have said why: whoever reads finds out
            await self._writer.drain()

    def _sent(self, sending: asyncio.Task[None]) -> None:
        """Where the text fails, the reply does: whoever reads it gets the error."""
        if not sending.cancelled() and (error := sending.exception()) is not None and isinstance(error, Exception):
            self._reader.set_exception(error)

    # Receiving

    async def _reply(self, sending: asyncio.Task[None], end: str) -> AsyncGenerator[AudioFormat | bytes, None]:
        audio: AudioFormat | None = None
        while (event := await self._receive_while(sending)).type != end:
            if event.type not in ("audio-start", "audio-chunk"):
                continue
            found = self._format(event)
            if audio is None:
                audio = found
                yield audio
            elif found != audio:
                msg = f"{self._uri} changes the audio's format in the middle of a reply, from {audio.rate} to {found.rate} Hz."
                raise ProtocolError(msg)
            if event.payload:
                yield event.payload

    async def _receive_while(self, sending: asyncio.Task[None]) -> Event:
        """The next event. A server may be silent as long as its text is not whole."""
        while True:
            try:
                async with asyncio.timeout(STALL_TIMEOUT):
                    return await self._receive()
            except TimeoutError as error:
                if sending.done():
                    msg = f"{self._uri} has stalled: nothing came for {STALL_TIMEOUT:g} s."
                    raise EngineTimeout(msg) from error

    async def _receive(self) -> Event:
        """The next event that is no error."""
        while (event := self._codec.next_event()) is None:
            try:
                data = await self._reader.read(READ_SIZE)
            except ConnectionError as error:
                msg = f"The connection to {self._uri} broke: {error.strerror or error}."
                raise EngineError(msg) from error
            if not data:
                msg = f"{self._uri} closed the connection before the end of its answer."
                raise EngineError(msg)
            self._codec.feed(data)
        if event.type == "error":
            raise told_error(event.data.get("code"), event.data.get("text"))
        return event

    def _format(self, event: Event) -> AudioFormat:
        rate, width, channels = (event.data.get(key) for key in ("rate", "width", "channels"))
        if not isinstance(rate, int) or not RATE_MIN <= rate <= RATE_MAX or width != 2 or channels not in (1, 2):  # noqa: PLR2004
            msg = (
                f"{self._uri} sends audio of {rate} Hz, {width} bytes a sample, {channels} channels; "
                f"only 16-bit mono or stereo of {RATE_MIN} to {RATE_MAX} Hz is understood."
            )
            raise ProtocolError(msg)
        return AudioFormat(rate=rate, channels=channels)

    def _server_info(self, event: Event) -> ServerInfo:
        try:
            programs = Info.from_event(event).tts
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            msg = f"The `info` of {self._uri} is not as Wyoming has it: {error!r}."
            raise ProtocolError(msg) from error
        if not programs:
            msg = f"The Wyoming server at {self._uri} offers no text-to-speech."
            raise EngineUnavailable(msg)
        return _server_info(programs[0])


async def _open(uri: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = urlsplit(uri)
    if parts.scheme == "unix":
        return await asyncio.open_unix_connection(parts.path, limit=READ_SIZE)
    return await asyncio.open_connection(parts.hostname, parts.port, limit=READ_SIZE)


def _server_info(program: TtsProgram) -> ServerInfo:
    return ServerInfo(
        voices=tuple(_voice(voice) for voice in program.voices if voice.installed),
        streaming_text=program.supports_synthesize_streaming,
    )


def _voice(voice: TtsVoice) -> Voice:
    return Voice(
        name=voice.name,
        engine=voice.attribution.name,
        engine_voice=voice.name,
        languages=tuple(voice.languages) or ("",),
        description=voice.description or "",
    )


def told_error(code: object, text: object) -> HeraldError:
    """An error that a server told, as what it is."""
    kind = _KINDS.get(code, EngineError) if isinstance(code, str) else EngineError
    return kind(text if isinstance(text, str) else None)


def _kinds(root: type[HeraldError]) -> dict[str, type[HeraldError]]:
    """Error classes by code, those below `root` included."""
    below = [kind for child in root.__subclasses__() for kind in _kinds(child).values()]
    return {kind.code: kind for kind in (root, *below)}


_KINDS = _kinds(HeraldError)
