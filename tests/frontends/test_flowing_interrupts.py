"""Silence, at any time, by whoever asks for it on /ws/v1/tts: what is heard is whole, and the engine knows at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from uuid import uuid4

import numpy as np
import pytest

from wyoming_server.audio.encode import Container
from wyoming_server.engines.base import EngineEvent, Utterance
from wyoming_server.models import AudioFormat
from wyoming_server.server import Running

from ..audio.containers import read_back
from ..serving import ended, tone, tone_of
from ..standstill import awake
from .flowing_client import END, FlowingClient, connected
from .flowing_serving import LONG, make_slow, replace_engine, speaking

RATE = AudioFormat(rate=22_050)


@pytest.fixture
async def client(server: Running) -> AsyncIterator[FlowingClient]:
    async with connected(server) as client:
        yield client


def ends_softly(pcm: bytes) -> bool:
    """Whether it goes down to zero within the last milliseconds, without a jump."""
    samples = np.frombuffer(pcm, "<i2").astype(int)
    return bool(abs(samples[-1]) < 50 and np.max(np.abs(np.diff(samples[-400:]))) < 2_500)


async def test_a_cancel_ends_the_audio_softly_and_completes(server: Running, client: FlowingClient) -> None:
    await speaking(client, format="WAV", session_id="s")
    asked = awake()
    await client.cancel()
    heard = await client.heard(*END)
    await ended(tone_of(server), "cancelled")
    assert awake() - asked < 0.1
    assert heard.last["payload"]["reason"] == "interrupted"
    assert heard.last["payload"]["session_id"] == "s"
    assert ends_softly(heard.audio)


@pytest.mark.parametrize("given", ["PCM", "WAV", "MP3", "FLAC", "OGG_OPUS", "WEBM_OPUS", "MKA", "WAV_F32"])
async def test_a_file_that_is_cut_short_is_whole(client: FlowingClient, given: str) -> None:
    await client.start(format=given, options={"stall_at": 0.5}, sample_rate=24_000)
    await client.run("a" * 100)
    before = await client.heard("audio")
    await client.cancel()
    heard = await client.heard(*END)
    read = read_back(before.audio + heard.audio, Container[given], AudioFormat(rate=24_000))
    assert heard.last["payload"]["reason"] == "interrupted"
    assert 0.02 <= read.frames / read.rate <= 0.62
    assert abs(read.samples[-1]) < 2_000


async def test_a_cancel_while_pieces_are_still_to_be_coded_adds_no_silence(
    server: Running, client: FlowingClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def speak(text: str, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        yield tone(100)
        await asyncio.Event().wait()

    replace_engine(server, monkeypatch, speak)
    await client.start(pace=0.1)
    await client.run("Hello.")
    begun = await client.heard("audio")
    await client.cancel()
    heard = await client.heard(*END)
    pcm = begun.audio + heard.audio
    assert RATE.seconds(len(pcm)) < 0.5
    assert ends_softly(pcm)


async def test_a_cancel_may_come_before_any_text(server: Running, client: FlowingClient) -> None:
    await client.start()
    await client.cancel()
    heard = await client.heard(*END)
    assert heard.names == ["SynthesisStarted", "SynthesisCompleted"]
    assert heard.last["payload"]["reason"] == "interrupted"
    assert not tone_of(server).journal
    assert (await client.say("Hello.")).audio == tone(6)


async def test_a_cancel_may_come_before_any_audio(server: Running, client: FlowingClient) -> None:
    await client.start(options={"delay": 60}, format="FLAC")
    await client.run("Hello.")
    await ended(tone_of(server), "started", within=5)
    await client.cancel()
    assert (await client.heard(*END)).names == ["SynthesisStarted", "SynthesisCompleted"]
    await ended(tone_of(server), "cancelled")


async def test_a_cancel_may_come_behind_the_stop(server: Running, client: FlowingClient) -> None:
    await client.start(options=LONG)
    await client.run("a" * 200)
    await client.stop()
    await client.heard("audio")
    await client.cancel()
    assert (await client.heard(*END)).last["payload"]["reason"] == "interrupted"
    await ended(tone_of(server), "cancelled")


async def test_a_cancel_may_come_twice_and_where_nothing_speaks(client: FlowingClient) -> None:
    await client.send("CancelSynthesis", task_id=uuid4().hex)
    await speaking(client)
    await client.cancel()
    await client.cancel()
    assert (await client.heard(*END)).last["payload"]["reason"] == "interrupted"
    await client.cancel()
    assert (await client.say("Hello.")).audio == tone(6)


async def test_text_that_crosses_a_cancel_is_ignored(client: FlowingClient) -> None:
    await client.start()
    await client.cancel()
    await client.run("Too late.")
    await client.stop()
    assert (await client.heard(*END)).names == ["SynthesisStarted", "SynthesisCompleted"]
    assert (await client.say("Hello.")).audio == tone(6)


async def test_the_same_session_elsewhere_replaces_it(server: Running, client: FlowingClient) -> None:
    await speaking(client, session_id="kitchen")
    async with connected(server) as other:
        heard = await other.say("Hello.", session_id="kitchen")
        assert heard.names[-1] == "SynthesisCompleted"
        assert heard.audio == tone(6)
        assert "reason" not in heard.last["payload"]
    before = await client.heard(*END)
    assert before.last["payload"]["reason"] == "interrupted"
    assert ends_softly(before.audio)
    await ended(tone_of(server), "cancelled")


async def test_a_replaced_client_that_still_writes_is_not_at_fault(server: Running, client: FlowingClient) -> None:
    await speaking(client, session_id="kitchen")
    async with connected(server) as other:
        await other.say("Hello.", session_id="kitchen")
    await client.run("It does not know yet.")
    await client.stop()
    assert (await client.heard(*END)).last["payload"]["reason"] == "interrupted"
    assert (await client.say("Hello.")).audio == tone(6)


async def test_other_sessions_go_on(server: Running, client: FlowingClient) -> None:
    await speaking(client, session_id="kitchen")
    async with connected(server) as other:
        await speaking(other, session_id="bath")
        await other.cancel()
        await other.heard(*END)
        await client.stop()
        assert "reason" not in (await client.heard(*END)).last["payload"]


async def test_a_listener_hears_of_an_interrupt_before_a_slow_engine_does(
    server: Running, client: FlowingClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = make_slow(server, monkeypatch)
    await client.start()
    await client.run("Hello.")
    await client.heard("audio")
    await client.cancel()
    assert (await client.heard(*END)).names == ["audio", "SynthesisCompleted"]
    taken.set()
    assert (await client.say("")).names[-1] == "SynthesisCompleted"


async def test_a_slow_client_that_is_interrupted_hears_the_next_session(server: Running, client: FlowingClient) -> None:
    await client.start(session_id="s", options={"piece": 0.5, "per_character": 1})
    await client.run("a" * 1000)
    await client.heard("audio")
    client.transport.pause_reading()
    await asyncio.sleep(0.3)
    async with connected(server) as other:
        await other.say("Hello.", session_id="s")
    client.transport.resume_reading()
    assert (await client.heard(*END)).last["payload"]["reason"] == "interrupted"
    assert len((await client.say("a" * 1000)).audio) == len(tone(1000))
