"""A real server in the test's own event loop, on free loopback ports, and a client that reads whole replies."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from wyoming.audio import AudioChunk
from wyoming.event import Event

from wyoming_server.config import Config, load_config
from wyoming_server.engines.tone import ToneEngine, sine
from wyoming_server.models import AudioFormat
from wyoming_server.protocols.wyoming import WyomingReader, encode
from wyoming_server.server import Running, running
from wyoming_server.state.credentials import FILE as CREDENTIALS
from wyoming_server.state.credentials import CredentialStore, Stored
from wyoming_server.state.tokens import PairingToken

TONE = """
wyoming: {uri: "tcp://127.0.0.1:0"}
http: {host: 127.0.0.1, port: 0}
engines: {tone: {per_character: 0.01}, espeak: {enabled: false}}
default_voice: tone/tone
cache: {enabled: false}
"""
"""Only the test tone: 10 ms a character, as fast as it is read; every reply is its own, whatever was said before."""


@asynccontextmanager
async def serving(
    folder: Path, yaml: str = TONE, *, environ: Mapping[str, str] | None = None, **wyoming: Any
) -> AsyncIterator[Running]:
    """Its herald.yaml and what it keeps are in `folder`; who writes another herald.yaml there may have it reloaded.

    `wyoming`: settings of that section beyond what a user may choose, such as a time limit that a test can wait for.
    """

    def load(stored: Stored) -> Config:
        config = load_config(path, environ or {}, stored)
        return replace(config, wyoming=replace(config.wyoming, **wyoming))

    path = folder / "herald.yaml"
    path.write_text(textwrap.dedent(yaml))
    config = load(CredentialStore(folder / CREDENTIALS).read())
    async with running(config, folder, PairingToken.load(folder, {}), load=load) as server:
        yield server


def tone(characters: int) -> bytes:
    """What that engine makes of so many characters."""
    return sine(22_050, 440, 0, AudioFormat(rate=22_050).size(characters * 0.01))


def tone_of(server: Running) -> ToneEngine:
    engine = server.speech.engines["tone"]
    assert isinstance(engine, ToneEngine)
    return engine


async def ended(engine: ToneEngine, what: str, *, within: float = 10) -> float:
    """When (loop time) the engine's journal first told `what`."""
    await until(lambda: any(event.what == what for event in engine.journal), within=within)
    return next(event.time for event in engine.journal if event.what == what)


async def until(condition: Callable[[], object], *, within: float = 10) -> None:
    """Wait for something that tells nobody when it happens."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110  # there is nothing else to wait for
            await asyncio.sleep(0.001)


@dataclass(kw_only=True)
class Heard:
    """One reply as a client heard it."""

    format: AudioFormat | None = None
    pcm: bytes = b""
    chunks: list[int] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    """Event types in order, runs of audio-chunk as one."""
    error: dict[str, Any] | None = None


class Client:
    """A Wyoming client over any stream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self._codec = WyomingReader()

    @classmethod
    async def connect(cls, server: Running) -> Self:
        parts = urlsplit(server.wyoming.uris[0])
        if parts.scheme == "unix":
            return cls(*await asyncio.open_unix_connection(parts.path))
        return cls(*await asyncio.open_connection(parts.hostname, parts.port))

    @classmethod
    async def connect_or_none(cls, server: Running) -> Self | None:
        try:
            return await cls.connect(server)
        except ConnectionError:
            return None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.writer.close()

    def send(self, event_type: str, **data: Any) -> None:
        self.writer.write(encode(Event(event_type, data)))

    async def receive(self) -> Event | None:
        """The next event, or None at the end of the connection."""
        async with asyncio.timeout(10):
            while (event := self._codec.next_event()) is None:
                data = await self._reader.read(1 << 16)
                if not data:
                    return None
                self._codec.feed(data)
            return event

    async def until(self, *types: str) -> Event | None:
        while (event := await self.receive()) is not None and event.type not in types:
            pass
        return event

    async def heard(self, *ends: str) -> Heard:
        """Everything up to an event of `ends`, an error's close, or the end of the connection."""
        heard = Heard()
        while (event := await self.receive()) is not None:
            if heard.types[-1:] != [event.type] or event.type != "audio-chunk":
                heard.types.append(event.type)
            if event.type == "audio-start":
                heard.format = AudioFormat(rate=event.data["rate"], width=event.data["width"], channels=event.data["channels"])
            elif event.type == "audio-chunk":
                chunk = AudioChunk.from_event(event)
                heard.pcm += chunk.audio
                heard.chunks.append(len(chunk.audio))
            elif event.type == "error":
                heard.error = event.data
            if event.type in ends:
                break
        return heard

    async def say(self, text: str, **data: Any) -> Heard:
        self.send("synthesize", text=text, **data)
        return await self.heard("audio-stop")

    def stream(self, fragments: Iterable[str], **data: Any) -> None:
        """A streamed text as Home Assistant sends it, the whole text for older servers included."""
        fragments = list(fragments)
        self.send("synthesize-start", **data)
        for fragment in fragments:
            self.send("synthesize-chunk", text=fragment)
        self.send("synthesize", text="".join(fragments), **data)
        self.send("synthesize-stop")
