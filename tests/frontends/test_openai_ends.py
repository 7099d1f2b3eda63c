"""How a reply on /v1/audio/speech ends before its time: a failure shows, an interrupt does not, and the engine knows at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import openai
import pytest

from wyoming_server.audio.encode import Container
from wyoming_server.engines.base import EngineEvent, Utterance
from wyoming_server.errors import Interrupted
from wyoming_server.models import AudioFormat, ReplyStart, SynthesisRequest
from wyoming_server.server import Running
from wyoming_server.synthesis import ReplyEvent

from ..audio.containers import read_back
from ..serving import ended, serving, tone, tone_of, until
from ..standstill import awake
from .flowing_client import END, connected
from .flowing_serving import make_slow, replace_engine
from .http_client import RawClient
from .openai_serving import LONG, alone, asked, audio, body_of, client_of, events, head_of, http_of, post

NATIVE = {"sample_rate": 22_050}
FAILS = {**NATIVE, "options": {"fail_at": 0.5}}
STALLS = {**NATIVE, "options": {"stall_at": 0.5}}
STALLED = tone(50)
BROKEN = (openai.APIConnectionError, httpx2.RemoteProtocolError)
"""What the official client raises, the latter where it streams."""
WAITING_MAX = 1_000_000
"""Bytes that may be on their way to a client that reads nothing; the system alone would take four times as much."""
SPEAK: dict[str, Any] = {"model": "tts-1", "voice": "alloy", "input": LONG}


def ends_softly(pcm: bytes) -> bool:
    """Whether it goes down to zero within the last milliseconds, without a jump."""
    samples = np.frombuffer(pcm, "<i2").astype(int)
    return bool(abs(samples[-1]) < 50 and np.max(np.abs(np.diff(samples[-400:]))) < 2_500)


async def begun(client: RawClient, fields: dict[str, Any], size: int = len(STALLED)) -> bytes:
    """A reply whose first `size` bytes have come."""
    client.writer.write(post(fields))
    await head_of(client)
    body = b""
    async with asyncio.timeout(5):
        while len(body) < size:
            chunk = int(await client.reader.readuntil(b"\r\n"), 16)
            body += (await client.reader.readexactly(chunk + 2))[:-2]
    return body


# Failures


@pytest.mark.parametrize("name", ["mp3", "opus", "aac", "flac", "wav", "pcm"])
async def test_a_failure_in_the_middle_is_never_a_whole_file(server: Running, name: str) -> None:
    async with client_of(server) as client:
        with pytest.raises(BROKEN):
            await client.audio.speech.create(**{**SPEAK, "response_format": name}, extra_body=FAILS)
    await ended(tone_of(server), "failed")


async def test_a_failure_in_the_middle_raises_where_the_client_streams(server: Running) -> None:
    received = bytearray()
    async with client_of(server) as client:
        create = client.audio.speech.with_streaming_response.create
        async with create(**SPEAK, response_format="pcm", extra_body=FAILS) as answer:
            with pytest.raises(BROKEN):
                await read_into(received, answer)
    assert received == STALLED


async def read_into(received: bytearray, answer: Any) -> None:
    async for data in answer.iter_bytes():
        received += data


async def test_a_failed_transfer_has_its_audio_and_no_last_chunk(server: Running) -> None:
    async with await RawClient.connect(http_of(server)) as client:
        client.writer.write(post(FAILS))
        await head_of(client)
        assert await body_of(client) == (STALLED, False)


async def test_a_failed_transfer_shows_to_http_1_0_too(server: Running) -> None:
    async with await RawClient.connect(http_of(server)) as client:
        client.writer.write(post(FAILS, version="1.0"))
        with pytest.raises(ConnectionResetError):
            await client.reader.read()


async def test_http_1_0_gets_a_whole_file(server: Running) -> None:
    async with await RawClient.connect(http_of(server)) as client:
        client.writer.write(post(NATIVE, version="1.0"))
        assert "transfer-encoding" not in await head_of(client)
        assert await client.reader.read() == tone(200)


async def test_the_end_of_a_file_shows_to_an_http_1_0_client_that_would_keep_the_connection(server: Running) -> None:
    async with await RawClient.connect(http_of(server)) as client:
        client.writer.write(post(NATIVE, "Connection: keep-alive\r\n", version="1.0"))
        assert "connection" not in await head_of(client)
        async with asyncio.timeout(5):
            assert await client.reader.read() == tone(200)


async def test_a_failure_among_events_is_told_and_breaks_off(server: Running) -> None:
    async with await RawClient.connect(http_of(server)) as client:
        client.writer.write(post({**FAILS, "stream_format": "sse"}))
        await head_of(client)
        body, whole = await body_of(client)
    told = events(body)
    assert not whole
    assert audio(told) == STALLED
    assert told[-1]["type"] == "error"
    assert told[-1]["error"]["code"] == "engine_failed"
    assert "failed at 0.50 s" in told[-1]["error"]["message"]


async def test_a_failure_is_logged(server: Running, caplog: pytest.LogCaptureFixture) -> None:
    await asked(server, post({**NATIVE, "options": {"fail_at": 0}}))
    assert "engine_failed: The engine tone failed at 0.00 s" in caplog.text
    assert LONG not in caplog.text


@pytest.mark.parametrize("early", [True, False])
async def test_a_defect_is_no_whole_file_either(server: Running, monkeypatch: pytest.MonkeyPatch, early: bool) -> None:
    async def speak(text: str, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        if not early:
            yield tone(50)
        raise ZeroDivisionError

    replace_engine(server, monkeypatch, speak)
    if early:
        assert (await asked(server, post(NATIVE))).status == 500
        return
    async with await RawClient.connect(http_of(server)) as client:
        client.writer.write(post(NATIVE))
        await head_of(client)
        assert await body_of(client) == (tone(50), False)


@pytest.mark.parametrize("early", [True, False])
async def test_what_looks_like_a_cancel_and_is_none_fails(server: Running, monkeypatch: pytest.MonkeyPatch, early: bool) -> None:
    async def speak(request: SynthesisRequest, text: object, progress: object) -> AsyncGenerator[ReplyEvent, None]:
        yield ReplyStart(voice=request.voice, format=AudioFormat(rate=22_050))
        if not early:
            yield tone(50)
        raise asyncio.CancelledError

    monkeypatch.setattr(server.speech.synthesizer, "speak", speak)
    if early:
        answer = await asked(server, post(NATIVE))
        assert (answer.status, answer.json["error"]["code"]) == (500, "internal")
        return
    async with await RawClient.connect(http_of(server)) as client:
        client.writer.write(post(NATIVE))
        await head_of(client)
        assert await body_of(client) == (tone(50), False)


# Clients that leave


@pytest.mark.parametrize("options", [{"delay": 60}, {"stall_at": 0.5}, {"pace": 1}], ids=["before audio", "stalled", "in audio"])
async def test_a_client_that_cancels_stops_the_engine(server: Running, options: dict[str, Any]) -> None:
    async with client_of(server) as client:
        speaking = asyncio.create_task(client.audio.speech.create(**SPEAK, extra_body={"options": options}))
        await ended(tone_of(server), "started")
        speaking.cancel()
        asked_at = awake()
        await ended(tone_of(server), "cancelled")
        assert awake() - asked_at < 0.1
        with pytest.raises(asyncio.CancelledError):
            await speaking


async def test_a_client_that_stops_streaming_stops_the_engine(server: Running) -> None:
    async with client_of(server) as client:
        create = client.audio.speech.with_streaming_response.create
        async with create(**SPEAK, response_format="pcm", extra_body={"options": {"pace": 2}}) as answer:
            async for _ in answer.iter_bytes():
                break
        await ended(tone_of(server), "cancelled")


async def test_a_client_that_reads_no_more_stops_the_engine(tmp_path: Path) -> None:
    async with alone(tmp_path, write_timeout=0.2) as server, await RawClient.connect(server.http) as client:
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        client.writer.write(post({"input": 50 * LONG, "options": {"per_character": 1, "piece": 1}}))
        engine = server.speech.engines["tone"]
        await ended(engine, "cancelled")  # type: ignore[arg-type]
        async with asyncio.timeout(5):
            await server.sessions.until_idle()
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        with pytest.raises(ConnectionResetError):
            await client.reader.read()


async def test_a_client_that_is_slow_gets_everything(tmp_path: Path) -> None:
    async with alone(tmp_path) as server, await RawClient.connect(server.http) as client:
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        client.writer.write(post({**NATIVE, "input": LONG, "options": {"per_character": 1, "piece": 1}}))
        await until(lambda: len(list(server.sessions)) == 1)
        await asyncio.sleep(0.3)  # its way is full
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        await head_of(client)
        body, whole = await body_of(client)
    assert whole
    assert len(body) == len(tone(200)) * 100


# Interrupts


@pytest.mark.parametrize("name", ["mp3", "opus", "aac", "flac", "wav", "pcm"])
async def test_a_session_that_is_replaced_ends_as_a_whole_file(server: Running, name: str) -> None:
    container = {"opus": Container.OGG_OPUS}.get(name) or Container(name)
    async with await RawClient.connect(http_of(server)) as client:
        size = 1 if name == "aac" else 500
        before = await begun(client, {"session_id": "kitchen", "response_format": name, "options": {"stall_at": 0.5}}, size)
        async with client_of(server) as other:
            answer = await other.audio.speech.create(**SPEAK, response_format="pcm", extra_body={"session_id": "kitchen"})
        rest, whole = await body_of(client)
    assert whole
    assert answer.response.headers["x-session-id"] == "kitchen"
    read = read_back(before + rest, container, AudioFormat(rate=24_000))
    assert 0.3 <= read.frames / read.rate <= 0.7
    assert abs(read.samples[-1]) < 2_000
    await ended(tone_of(server), "cancelled")


async def test_an_interrupt_fades(server: Running) -> None:
    async with await RawClient.connect(http_of(server)) as client:
        before = await begun(client, {**STALLS, "session_id": "kitchen"}, len(STALLED))
        async with connected(server) as other:
            await other.say("Hello.", session_id="kitchen")
        rest, whole = await body_of(client)
    assert whole
    assert before == STALLED
    assert 0 < AudioFormat(rate=22_050).seconds(len(rest)) < 0.02
    assert ends_softly(before + rest)


async def test_an_interrupt_among_events_is_their_end(server: Running) -> None:
    async with await RawClient.connect(http_of(server)) as client:
        before = await begun(client, {**STALLS, "session_id": "kitchen", "stream_format": "sse"}, len(STALLED))
        async with connected(server) as other:
            await other.say("Hello.", session_id="kitchen")
        rest, whole = await body_of(client)
    told = events(before + rest)
    assert whole
    assert told[-1]["type"] == "speech.audio.done"
    assert ends_softly(audio(told))


async def test_an_http_session_is_one_with_those_of_websockets(server: Running) -> None:
    async with connected(server) as flowing:
        await flowing.start(session_id="kitchen", options={"stall_at": 0.5})
        await flowing.run(LONG)
        await flowing.heard("audio")
        assert (await asked_whole(server, {**NATIVE, "session_id": "kitchen"})) == tone(200)
        assert (await flowing.heard(*END)).last["payload"]["reason"] == "interrupted"


async def asked_whole(server: Running, fields: dict[str, Any]) -> bytes:
    async with await RawClient.connect(http_of(server)) as client:
        client.writer.write(post(fields))
        await head_of(client)
        body, whole = await body_of(client)
    assert whole
    return body


@pytest.mark.parametrize("name", ["mp3", "opus", "wav", "pcm"])
async def test_an_interrupt_before_any_audio_is_an_empty_file(tmp_path: Path, name: str) -> None:
    async with alone(tmp_path) as server, await RawClient.connect(server.http) as client:
        client.writer.write(post({"session_id": "s", "response_format": name, "options": {"delay": 60}}))
        await ended(server.speech.engines["tone"], "started")  # type: ignore[arg-type]
        assert server.sessions.interrupt("s", Interrupted())
        await head_of(client)
        body, whole = await body_of(client)
    container = {"opus": Container.OGG_OPUS}.get(name) or Container(name)
    read = read_back(body, container, AudioFormat(rate=24_000))
    assert whole
    assert read.frames / read.rate < 0.1
    assert not np.abs(read.samples).max(initial=0) > 10


async def test_a_listener_hears_of_an_interrupt_before_a_slow_engine_does(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = make_slow(server, monkeypatch)
    async with await RawClient.connect(http_of(server)) as client:
        before = await begun(client, {**NATIVE, "session_id": "s"}, len(tone(10)))
        replace_engine(server, monkeypatch, _short)
        await asked_whole(server, {"session_id": "s"})
        async with asyncio.timeout(5):
            rest, whole = await body_of(client)
        assert not taken.is_set()
        assert whole
        assert ends_softly(before + rest)
        taken.set()
        client.writer.write(post(NATIVE))
        await head_of(client)
        assert await body_of(client) == (tone(1), True)


async def _short(text: str, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
    yield tone(1)


async def test_a_slow_client_that_is_interrupted_gets_a_whole_file(tmp_path: Path) -> None:
    async with alone(tmp_path) as server, await RawClient.connect(server.http) as client:
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        client.writer.write(post({**NATIVE, "session_id": "s", "options": {"per_character": 1, "piece": 1}}))
        await until(lambda: len(list(server.sessions)) == 1)
        await asyncio.sleep(0.3)  # its way is full
        assert server.sessions.interrupt("s", Interrupted())
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        await head_of(client)
        body, whole = await body_of(client)
    assert whole
    assert len(body) < WAITING_MAX
    assert ends_softly(body)


async def test_a_shutdown_breaks_off(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        client = await RawClient.connect(http_of(server))
        await begun(client, STALLS)
    async with client:
        assert await body_of(client) == (b"", False)


# Beside others


async def test_a_reply_waits_for_its_turn_among_others(tmp_path: Path) -> None:
    turns = asyncio.Semaphore(1)
    async with alone(tmp_path, turns=turns) as server, await RawClient.connect(server.http) as client:
        before = await begun(client, {**NATIVE, "options": {"pace": 10}}, len(tone(10)))
        await turns.acquire()
        rest = asyncio.create_task(body_of(client))
        assert not (await asyncio.wait([rest], timeout=0.4))[0]  # it would take 0.2 s
        turns.release()
        after, whole = await rest
    assert whole
    assert before + after == tone(200)


async def test_the_first_bytes_wait_for_few_others(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    async def speak(text: str, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        yield tone(200)

    replace_engine(server, monkeypatch, speak)
    async with await RawClient.connect(http_of(server)) as client:
        assert await begun(client, NATIVE, 1) == tone(2)
