"""What one front end had spoken, every other hears from the cache, as it wants it: the engine is asked once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from wyoming_server.audio.decode import Codec, Decoder
from wyoming_server.server import Running
from wyoming_server.synthesis.cache import whole
from wyoming_server.synthesis.cache.store import DiskStore

from ..serving import TONE, Client, serving, tone, tone_of, until
from .flowing_client import END
from .flowing_client import connected as flowing
from .indextts_client import connected as indextts
from .openai_serving import client_of
from .speech_serving import said

TEXT = "There is somebody at the door."
KEPT = TONE.replace("cache: {enabled: false}", "cache: {enabled: true}")


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    """Somebody had the text spoken there. A busy machine has more than a moment between a text and its end."""
    monkeypatch.setattr(whole, "MOMENT", 5)
    async with serving(tmp_path, KEPT) as server:
        assert (await said(server, text=TEXT, format="pcm")).body == tone(len(TEXT))
        await until(lambda: cache(server).counts.entries)
        yield server
        counts = cache(server).counts
        assert (counts.misses, counts.entries, counts.failures) == (1, 1, 0)
        assert [event.what for event in tone_of(server).journal] == ["started", "finished"]


def cache(server: Running) -> DiskStore:
    assert server.speech.cache is not None
    return server.speech.cache


def is_hit(server: Running) -> bool:
    return cache(server).counts.hits == 1


async def test_the_speech_api_hits_in_every_format(server: Running) -> None:
    flac = Decoder(Codec.FLAC, None, None)
    body = (await said(server, text=TEXT, format="flac")).body
    assert flac.push(body) + flac.flush() == tone(len(TEXT))
    assert is_hit(server)


async def test_wyoming_hits(server: Running) -> None:
    async with await Client.connect(server) as client:
        assert (await client.say(TEXT)).pcm == tone(len(TEXT))
    assert is_hit(server)


async def test_wyoming_hits_with_a_text_that_is_streamed_as_home_assistant_does(server: Running) -> None:
    async with await Client.connect(server) as client:
        client.send("synthesize-start")
        for event, data in (("synthesize-chunk", {"text": TEXT}), ("synthesize", {"text": TEXT}), ("synthesize-stop", {})):
            await client.writer.drain()
            client.send(event, **data)
        assert (await client.heard("synthesize-stopped")).pcm == tone(len(TEXT))
    assert is_hit(server)


async def test_openais_speech_hits(server: Running) -> None:
    options = {"response_format": "pcm", "extra_body": {"sample_rate": 22_050}}
    async with client_of(server) as client:
        answer = await client.audio.speech.create(model="tts-1", voice="tone/tone", input=TEXT, **options)  # type: ignore[arg-type]
    assert answer.content == tone(len(TEXT))
    assert is_hit(server)


async def test_a_flowing_session_hits(server: Running) -> None:
    async with flowing(server) as client:
        await client.start(voice="tone/tone", format="PCM", sample_rate=22_050)
        await client.run(TEXT)
        await client.stop()
        assert (await client.heard(*END)).audio == tone(len(TEXT))
    assert is_hit(server)


async def test_indextts_hits(server: Running) -> None:
    async with indextts(server) as client:
        assert (await client.say(TEXT, prompt_audio="tone/tone")).pcm == tone(len(TEXT))
    assert is_hit(server)
