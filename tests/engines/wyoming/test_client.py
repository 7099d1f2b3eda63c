"""The Wyoming client against a scripted server: transcripts, and every way in which a server can be no good."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from wyoming.event import Event

from wyoming_server.engines.wyoming import client as module
from wyoming_server.engines.wyoming.client import WyomingClient
from wyoming_server.engines.wyoming.failures import told_error
from wyoming_server.errors import (
    CODES,
    BadSetting,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    HeraldError,
    ProtocolError,
    ShuttingDown,
    TooLarge,
)
from wyoming_server.models import AudioFormat, TextFormat
from wyoming_server.protocols.wyoming import WyomingReader, encode

MONO = {"rate": 22_050, "width": 2, "channels": 1}
STREAMING = {"supports_synthesize_streaming": True}


class Server:
    """What a script talks to: one connection, event by event."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self._codec = WyomingReader()

    async def get(self) -> Event | None:
        while (event := self._codec.next_event()) is None:
            if not (data := await self._reader.read(1 << 16)):
                return None
            self._codec.feed(data)
        return event

    async def get_texts(self, until: str) -> list[str]:
        """The texts of all events up to one of a type."""
        texts = []
        while (event := await self.get()) is not None and event.type != until:
            texts.append(event.data.get("text", event.type))
        return texts

    def put(self, event_type: str, data: dict[str, Any] | None = None, payload: bytes | None = None) -> None:
        self.writer.write(encode(Event(event_type, data or {}, payload)))

    async def describe(self, **program: Any) -> None:
        """Answer the `describe` that every client begins with."""
        event = await self.get()
        assert event is not None
        assert event.type == "describe"
        attribution = {"name": "piper", "url": ""}
        voice = {"name": "alan", "languages": ["en_GB"], "installed": True, "attribution": attribution, "description": "Alan"}
        voices = [voice, {**voice, "name": "absent", "installed": False}]
        self.put("info", {"tts": [{"name": "x", "installed": True, "attribution": attribution, "voices": voices, **program}]})

    def audio(self, *chunks: bytes) -> None:
        self.put("audio-start", MONO)
        for chunk in chunks:
            self.put("audio-chunk", MONO, chunk)
        self.put("audio-stop")


Script = Callable[[Server], Awaitable[None]]


@asynccontextmanager
async def connected(folder: Path, script: Script) -> AsyncIterator[WyomingClient]:
    """A client of a server that follows `script` and hangs up. What fails there fails the test."""
    path = folder / "server.sock"
    accepted: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.get_running_loop().create_future()
    server = await asyncio.start_unix_server(lambda *streams: accepted.set_result(streams), path)

    async def serve() -> None:
        reader, writer = await accepted
        try:
            await script(Server(reader, writer))
        finally:
            writer.close()

    try:
        async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
            tasks.create_task(serve())
            async with WyomingClient.connected(f"unix://{path}") as client:
                yield client
    finally:
        server.close()


async def fragments(texts: Iterable[str]) -> AsyncGenerator[str, None]:
    for text in texts:
        yield text


async def spoken(client: WyomingClient, *texts: str, **options: Any) -> list[AudioFormat | bytes]:
    return [item async for item in client.speak(fragments(texts), **options)]


async def test_a_streaming_server_gets_the_text_as_it_comes(tmp_path: Path) -> None:
    heard = asyncio.Event()

    async def script(server: Server) -> None:
        await server.describe(**STREAMING)
        start = await server.get()
        assert start == Event("synthesize-start", {"voice": {"name": "alan"}, "text_format": "ssml", "context": {"rate": 8000}})
        first = await server.get()
        assert first == Event("synthesize-chunk", {"text": "One. "})
        server.audio(b"one.")
        assert await server.get_texts("synthesize-stop") == ["Two."]
        server.audio(b"two.")
        server.put("synthesize-stopped")

    async def text() -> AsyncGenerator[str, None]:
        yield "One. "
        await heard.wait()
        yield "Two."

    found: list[AudioFormat | bytes] = []
    async with connected(tmp_path, script) as client:
        async for item in client.speak(text(), voice="alan", text_format=TextFormat.SSML, context={"rate": 8000}):
            found.append(item)
            if item == b"one.":
                heard.set()
    assert found == [AudioFormat(rate=22_050), b"one.", b"two."]


async def test_a_server_that_cannot_stream_gets_the_text_whole(tmp_path: Path) -> None:
    async def script(server: Server) -> None:
        await server.describe()
        assert await server.get() == Event("synthesize", {"text": "One. Two.", "voice": {"language": "en-GB"}})
        server.audio(b"both")

    async with connected(tmp_path, script) as client:
        assert await spoken(client, "One. ", "Two.", language="en-GB") == [AudioFormat(rate=22_050), b"both"]


async def test_the_voices_are_those_that_are_installed(tmp_path: Path) -> None:
    async def script(server: Server) -> None:
        await server.describe()

    async with connected(tmp_path, script) as client:
        (voice,) = (await client.describe()).voices
    assert (voice.name, voice.languages, voice.engine, voice.description) == ("alan", ("en-GB",), "piper", "Alan")


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (Event("error", {"text": "No.", "code": "bad_setting"}), BadSetting),
        (Event("error", {"text": "No.", "code": "shutting_down"}), ShuttingDown),
        (Event("error", {"text": "No."}), EngineError),
        (Event("error", {"text": "No.", "code": "of-another-server"}), EngineError),
    ],
)
async def test_an_error_in_the_middle_of_a_reply_is_told_after_its_audio(
    tmp_path: Path, event: Event, kind: type[HeraldError]
) -> None:
    async def script(server: Server) -> None:
        await server.describe(**STREAMING)
        await server.get_texts("synthesize-stop")
        server.put("audio-chunk", MONO, b"part")
        server.writer.write(encode(event))

    async with connected(tmp_path, script) as client:
        events = client.speak(fragments(["x"]))
        assert [await anext(events), await anext(events)] == [AudioFormat(rate=22_050), b"part"]
        with pytest.raises(kind) as caught:
            await anext(events)
    assert type(caught.value) is kind
    assert str(caught.value) == "No."


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (b"", EngineError, "closed the connection before the end"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", ProtocolError, "is not JSON"),
        (b'{"type": "audio-chunk", "payload_length": 99999999}\n', TooLarge, "16777216 are allowed"),
        (encode(Event("audio-start", {**MONO, "width": 4})), ProtocolError, "only 16-bit"),
        (encode(Event("audio-start", {**MONO, "rate": "fast"})), ProtocolError, "only 16-bit"),
        (encode(Event("audio-start", {})), ProtocolError, "only 16-bit"),
        (
            encode(Event("audio-start", MONO)) + encode(Event("audio-start", {**MONO, "rate": 16_000})),
            ProtocolError,
            "from 22050 to 16000 Hz",
        ),
        (encode(Event("audio-start", MONO)) + b'{"type": "audio-chunk"', EngineError, "closed the connection before the end"),
    ],
)
async def test_a_bad_answer_is_an_error_in_words(tmp_path: Path, answer: bytes, kind: type[HeraldError], words: str) -> None:
    async def script(server: Server) -> None:
        await server.describe(**STREAMING)
        await server.get_texts("synthesize-stop")
        server.writer.write(answer)

    async with connected(tmp_path, script) as client:
        with pytest.raises(kind, match=words):
            await spoken(client, "x")


@pytest.mark.parametrize(
    ("info", "kind", "words"),
    [
        ({"tts": []}, EngineUnavailable, "offers no text-to-speech"),
        ({"tts": [{"name": "x"}]}, ProtocolError, "is not as Wyoming has it"),
        ({"tts": "x"}, ProtocolError, "is not as Wyoming has it"),
    ],
)
async def test_a_server_that_cannot_speak_is_told(
    tmp_path: Path, info: dict[str, Any], kind: type[HeraldError], words: str
) -> None:
    async def script(server: Server) -> None:
        await server.get()
        server.put("info", info)

    async with connected(tmp_path, script) as client:
        with pytest.raises(kind, match=words):
            await client.describe()


async def test_a_server_that_does_not_answer_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONNECT_TIMEOUT", 0.05)

    async def script(server: Server) -> None:
        await server.get_texts("never")

    async with connected(tmp_path, script) as client:
        with pytest.raises(EngineTimeout, match="Is it a Wyoming server"):
            await client.describe()


async def test_a_stall_counts_only_once_the_text_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STALL_TIMEOUT", 0.05)

    async def script(server: Server) -> None:
        await server.describe(**STREAMING)
        assert await server.get_texts("synthesize-stop") == ["synthesize-start", "slow"]
        assert await server.get() is None

    async def text() -> AsyncGenerator[str, None]:
        await asyncio.sleep(0.2)  # longer than a stall may last
        yield "slow"

    async with connected(tmp_path, script) as client:
        with pytest.raises(EngineTimeout, match="has stalled"):
            async for _ in client.speak(text()):
                pass


async def test_a_text_that_fails_ends_the_reply_with_its_error(tmp_path: Path) -> None:
    async def script(server: Server) -> None:
        await server.describe(**STREAMING)
        assert await server.get_texts("synthesize-stop") == ["synthesize-start", "One. "]

    async def text() -> AsyncGenerator[str, None]:
        yield "One. "
        raise OSError(5, "Input/output error")

    async with connected(tmp_path, script) as client:
        with pytest.raises(OSError, match="Input/output error"):
            async for _ in client.speak(text()):
                pass


async def test_leaving_in_the_middle_of_a_reply_ends_it_at_the_server_at_once(tmp_path: Path) -> None:
    async def script(server: Server) -> None:
        await server.describe(**STREAMING)
        assert (await server.get()) is not None
        server.put("audio-chunk", MONO, b"part")
        while await server.get() is not None:
            pass

    async def endless() -> AsyncGenerator[str, None]:
        yield "One. "
        await asyncio.Event().wait()

    async with connected(tmp_path, script) as client:
        events = client.speak(endless())
        await anext(events)
        await events.aclose()


@pytest.mark.parametrize("uri", ["unix:///nowhere/herald.sock", "tcp://127.0.0.1:1"])
async def test_nobody_there_is_told_with_the_address(uri: str) -> None:
    with pytest.raises(EngineUnavailable, match=f"No Wyoming server answers at {uri}: "):
        async with WyomingClient.connected(uri):
            pass


def test_every_code_is_known_again() -> None:
    assert {told_error(code, "x").code for code in CODES} == set(CODES)
    assert str(told_error("busy", None)) == "Herald is busy."
    assert told_error(None, "x").code == told_error(["busy"], "x").code == "engine_failed"
