"""One Herald behind another, as whole servers: voices, audio, interruption and failures pass through both."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from wyoming_server.server import Running

from ...serving import Client, ended, serving, tone, tone_of, until
from ...standstill import awake

ESPEAK = """
wyoming: {uri: "unix://SOCKET"}
http: {enabled: false}
default_voice: en-GB
"""
TONE = """
wyoming: {uri: "unix://SOCKET"}
http: {enabled: false}
engines: {tone: {per_character: 0.01}, espeak: {enabled: false}}
default_voice: tone/tone
"""
SLOW = """
wyoming: {uri: "unix://SOCKET"}
http: {enabled: false}
engines: {tone: {pace: 1}, espeak: {enabled: false}}
default_voice: tone/tone
"""
FRONT = """
wyoming: {uri: "tcp://127.0.0.1:0"}
http: {enabled: false}
engines: {espeak: {enabled: false}, up: {type: wyoming, uri: "unix://SOCKET", refresh: 1, streaming: STREAMING}}
"""
TEXT = "The kettle is boiling now. Somebody should take it off the stove."

both_ways = pytest.mark.parametrize("streaming", ["auto", "false"])


@asynccontextmanager
async def herald(folder: Path, yaml: str, **values: str) -> AsyncIterator[Running]:
    """One server, with its files in a folder of its own; all of a test share the socket."""
    for name, value in {"SOCKET": f"{folder}/up.sock", **values}.items():
        yaml = yaml.replace(name, value)
    with TemporaryDirectory(dir=folder) as own:
        async with serving(Path(own), yaml) as server:
            yield server


@asynccontextmanager
async def chain(folder: Path, upstream: str, streaming: str = "auto") -> AsyncIterator[tuple[Running, Running, Client]]:
    """The upstream, the server in front of it, and a client of that."""
    async with (
        herald(folder, upstream) as up,
        herald(folder, FRONT, STREAMING=streaming) as front,
        await Client.connect(front) as client,
    ):
        yield up, front, client


async def listed(client: Client) -> list[dict[str, Any]]:
    client.send("describe")
    event = await client.until("info")
    assert event is not None
    return [voice for program in event.data["tts"] for voice in program["voices"]]


async def test_the_voices_of_the_one_are_voices_of_the_other(tmp_path: Path) -> None:
    async with chain(tmp_path, ESPEAK) as (up, _, client):
        offered = {f"up/{voice.name}": list(voice.languages) for voice in up.speech.catalogue.listed()}
        assert {voice["name"]: voice["languages"] for voice in await listed(client)} == offered
        assert offered["up/en-GB"][0] == "en-GB"


@both_ways
async def test_it_speaks_with_them(tmp_path: Path, streaming: str) -> None:
    async with chain(tmp_path, ESPEAK, streaming) as (up, _, client):
        heard = await client.say(TEXT, voice={"name": "up/en-GB"})
        async with await Client.connect(up) as near:
            alone = await near.say(TEXT)
        assert heard.format == alone.format
        assert len(heard.pcm) == pytest.approx(len(alone.pcm), rel=0.05)
        assert heard.types == ["audio-start", "audio-chunk", "audio-stop"]


@both_ways
async def test_a_signal_arrives_whole(tmp_path: Path, streaming: str) -> None:
    async with chain(tmp_path, TONE, streaming) as (_, front, client):
        signal = front.speech.catalogue.find("up/tone/tone")
        assert signal.engine_voice == "tone/tone"
        heard = await client.say("One is here.", voice={"name": "up/tone/tone"})
        assert heard.format is not None
        assert len(heard.pcm) == pytest.approx(len(tone(12)), abs=heard.format.size(0.05))  # a tone may be trimmed


@both_ways
async def test_a_client_that_hangs_up_stops_the_engine_behind_both(tmp_path: Path, streaming: str) -> None:
    async with chain(tmp_path, SLOW, streaming) as (up, front, client):
        client.send("synthesize", text=TEXT, voice={"name": "up/tone/tone"})
        assert await client.until("audio-chunk") is not None
        begun = awake()
        client.writer.close()
        await ended(tone_of(up), "cancelled")
        assert awake() - begun < 0.5
        await until(lambda: front.wyoming.clients == 0)


async def test_an_interrupt_reaches_espeak(tmp_path: Path) -> None:
    async with chain(tmp_path, ESPEAK) as (up, _, client):
        client.send("synthesize", text=TEXT * 50, voice={"name": "up/en-GB"})
        assert await client.until("audio-chunk") is not None
        begun = awake()
        client.writer.close()
        await up.wyoming.sessions.until_idle()
        assert awake() - begun < 1


@both_ways
async def test_an_error_of_the_one_is_told_by_the_other(tmp_path: Path, streaming: str) -> None:
    failing = TONE.replace("per_character: 0.01", "fail_at: 0, fail_with: engine_timeout")
    async with chain(tmp_path, failing, streaming) as (_, _, client):
        heard = await client.say(TEXT, voice={"name": "up/tone/tone"})
        assert heard.types == ["error"]
        assert heard.error is not None
        assert heard.error["code"] == "engine_timeout"
        assert "as its script says" in heard.error["text"]


async def test_voices_are_read_again_when_they_change(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        espeak = await stack.enter_async_context(AsyncExitStack())
        await espeak.enter_async_context(herald(tmp_path, ESPEAK))
        front = await stack.enter_async_context(herald(tmp_path, FRONT, STREAMING="auto"))
        client = await stack.enter_async_context(await Client.connect(front))
        assert "up/en-GB" in {voice["name"] for voice in await listed(client)}
        await espeak.aclose()
        await stack.enter_async_context(herald(tmp_path, TONE))
        revision = front.speech.catalogue.revision
        await until(lambda: front.speech.catalogue.revision != revision)
        assert [voice["name"] for voice in await listed(client)] == ["up/tone/tone"]


async def test_an_upstream_that_comes_later_brings_its_voices(tmp_path: Path) -> None:
    async with herald(tmp_path, FRONT, STREAMING="auto") as front, await Client.connect(front) as client:
        assert await listed(client) == []
        async with herald(tmp_path, TONE):
            await until(lambda: bool(front.speech.catalogue.listed()))
            assert [voice["name"] for voice in await listed(client)] == ["up/tone/tone"]
