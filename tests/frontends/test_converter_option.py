"""`converter`, the one option that all front ends have: who asks hears another voice, or is told in words why not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from wyoming_server.converters.gain import GainConverter
from wyoming_server.server import Running

from ..serving import TONE, Client, serving, tone
from .flowing_client import END, connected
from .openai_serving import asked, client_of, post

GAIN = f"{TONE}converters: {{gain: }}\n"
TEN = "Ten chars."
HALF = {"converter": "gain/half"}
NOBODY = {"converter": {"type": "gain", "speaker": "somebody", "consent": True}}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    async with serving(tmp_path, GAIN) as server:
        yield server


def is_half(pcm: bytes) -> bool:
    heard, wanted = np.frombuffer(pcm, "<i2"), np.frombuffer(tone(len(TEN)), "<i2") / 2
    return len(heard) == len(wanted) and bool(np.abs(heard - wanted).max() <= 1)


def conversions(server: Running) -> list[str]:
    converter = server.speech.converters["gain"]
    assert isinstance(converter, GainConverter)
    return [event.what for event in converter.journal]


async def test_it_stands_in_the_context_of_wyoming(server: Running) -> None:
    async with await Client.connect(server) as client:
        assert is_half((await client.say(TEN, context=HALF)).pcm)
        client.stream([TEN], context=HALF)
        assert is_half((await client.heard("synthesize-stopped")).pcm)
        assert (await client.say(TEN)).pcm == tone(len(TEN))
        assert conversions(server) == ["started", "finished"] * 2
        refused = (await client.say(TEN, context=NOBODY)).error
    assert refused is not None
    assert "consent" in refused["text"]


async def test_it_stands_in_the_options_of_a_flowing_session(server: Running) -> None:
    async with connected(server) as client:
        await client.start(voice="tone/tone", format="PCM", sample_rate=22_050, options=HALF)
        await client.run(TEN)
        await client.stop()
        heard = await client.heard(*END)
    assert is_half(heard.audio)
    assert conversions(server) == ["started", "finished"]
    async with connected(server) as client:
        await client.start(voice="tone/tone", format="PCM", options=NOBODY)
        heard = await client.heard(*END)
    assert heard.names == ["TaskFailed"]
    assert "consent" in json.dumps(heard.messages[-1])


async def test_it_stands_in_the_options_of_openais_speech(server: Running) -> None:
    options = {"response_format": "pcm", "extra_body": {"sample_rate": 22_050, "options": HALF}}
    async with client_of(server) as client:
        answer = await client.audio.speech.create(model="tts-1", voice="tone/tone", input=TEN, **options)  # type: ignore[arg-type]
    assert is_half(answer.content)
    assert conversions(server) == ["started", "finished"]
    refused = await asked(server, post({"voice": "tone/tone", "input": TEN, "options": NOBODY}))
    assert refused.status == 400
    assert "consent" in json.loads(refused.body)["error"]["message"]


async def test_every_front_end_goes_on_with_a_voice_that_could_not_be_converted(server: Running) -> None:
    failing = {"converter": {"type": "gain", "speaker": "half", "fail_at": 0}}
    async with await Client.connect(server) as wyoming:
        assert (await wyoming.say(TEN, context=failing)).pcm == tone(len(TEN))
    async with connected(server) as flowing:
        await flowing.start(voice="tone/tone", format="PCM", sample_rate=22_050, options=failing)
        await flowing.run(TEN)
        await flowing.stop()
        assert (await flowing.heard(*END)).audio == tone(len(TEN))
    options = {"response_format": "pcm", "extra_body": {"sample_rate": 22_050, "options": failing}}
    async with client_of(server) as client:
        answer = await client.audio.speech.create(model="tts-1", voice="tone/tone", input=TEN, **options)  # type: ignore[arg-type]
    assert answer.content == tone(len(TEN))
    assert conversions(server) == ["started", "failed"] * 3
