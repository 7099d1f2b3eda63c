"""A client for the command line: what a server offers, and one reply at a time, with a server's errors as Herald's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

from wyoming.event import Event
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeVoice

from ...errors import EngineTimeout, ProtocolError
from ...models import AudioFormat, TextFormat, Voice
from .failures import told_error
from .link import Link
from .offer import OfferedVoice, read_offer
from .sound import audio_format

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

    def __init__(self, link: Link) -> None:
        self._link = link
        self._in_reply = False

    @classmethod
    @asynccontextmanager
    async def connected(cls, uri: str) -> AsyncIterator[Self]:
        """A client while the block runs; leaving it in the middle of a reply ends that reply at the server.

        `uri`: tcp://HOST:PORT or unix:///PATH. Raises EngineUnavailable.
        """
        link = await Link.open(uri, within=CONNECT_TIMEOUT)
        client = cls(link)
        try:
            yield client
        finally:
            (link.cut if client._in_reply else link.close)()
            await link.closed()

    async def describe(self) -> ServerInfo:
        """Raises HeraldError."""
        event = await self._link.describe(within=CONNECT_TIMEOUT)
        _check(event)
        offer = read_offer(event.data, who=self._link.uri)
        voices = tuple(_voice(voice) for voice in offer.voices if voice.speaker is None)
        return ServerInfo(voices=voices, streaming_text=offer.streaming_text)

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
        self._in_reply = True
        sending = asyncio.create_task(self._send_stream(start, text) if streaming else self._send_whole(start, text))
        sending.add_done_callback(self._sent)
        try:
            async for item in self._reply(sending, "synthesize-stopped" if streaming else "audio-stop"):
                yield item
            self._in_reply = False
        finally:
            sending.cancel()
            await asyncio.wait([sending])

    # Sending

    async def _send_stream(self, start: SynthesizeStart, text: AsyncIterable[str]) -> None:
        self._link.send(start)
        async for fragment in text:
            self._link.send(SynthesizeChunk(text=fragment))
            await self._link.drain()
        self._link.send(SynthesizeStop())

    async def _send_whole(self, start: SynthesizeStart, text: AsyncIterable[str]) -> None:
        """For servers that can't stream."""
        whole = "".join([fragment async for fragment in text])
        self._link.send(Synthesize(text=whole, voice=start.voice, text_format=start.text_format, context=start.context))

    def _sent(self, sending: asyncio.Task[None]) -> None:
        """Where the text fails, the reply does: whoever reads it gets the error."""
        if not sending.cancelled() and (error := sending.exception()) is not None and isinstance(error, Exception):
            self._link.fail(error)

    # Receiving

    async def _reply(self, sending: asyncio.Task[None], end: str) -> AsyncGenerator[AudioFormat | bytes, None]:
        audio: AudioFormat | None = None
        while (event := await self._receive_while(sending)).type != end:
            if event.type not in ("audio-start", "audio-chunk"):
                continue
            found = audio_format(event.data, self._link.uri)
            if audio is None:
                audio = found
                yield audio
            elif found != audio:
                msg = (
                    f"{self._link.uri} changes the audio's format in the middle of a reply, from {audio.rate} to {found.rate} Hz."
                )
                raise ProtocolError(msg)
            if event.payload:
                yield event.payload

    async def _receive_while(self, sending: asyncio.Task[None]) -> Event:
        """The next event. A server may be silent as long as its text is not whole."""
        while True:
            try:
                async with asyncio.timeout(STALL_TIMEOUT):
                    return _check(await self._link.receive())
            except TimeoutError as error:
                if sending.done():
                    msg = f"{self._link.uri} has stalled: nothing came for {STALL_TIMEOUT:g} s."
                    raise EngineTimeout(msg) from error


def _check(event: Event) -> Event:
    """Any event but an error, which is raised."""
    if event.type == "error":
        raise told_error(event.data.get("code"), event.data.get("text"))
    return event


def _voice(voice: OfferedVoice) -> Voice:
    return Voice(
        name=voice.name,
        engine=voice.maker,
        engine_voice=voice.name,
        languages=voice.languages or ("",),
        description=voice.description,
    )
