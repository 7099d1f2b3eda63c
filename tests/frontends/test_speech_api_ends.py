"""How a reply on /api/tts/stream ends before its time: a failure shows, an interrupt does not, and the engine knows at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wyoming_server.audio.encode import Container
from wyoming_server.engines.base import EngineEvent, Utterance
from wyoming_server.models import AudioFormat
from wyoming_server.server import Running
from wyoming_server.sessions import Session

from ..audio.containers import read_back
from ..serving import TONE, ended, serving, tone, tone_of, until
from ..standstill import awake
from .flowing_client import END
from .flowing_client import connected as flowing_to
from .flowing_serving import make_slow, replace_engine
from .openai_serving import body_of, head_of
from .openai_serving import post as openai_post
from .speech_serving import FAILS, HALF, LONG, NATIVE, STALLS, alone, asked, begun, connected, interrupted, post, said, said_to

FORMATS = {
    "mp3": Container.MP3,
    "wav": Container.WAV,
    "flac": Container.FLAC,
    "ogg": Container.OGG_OPUS,
    "pcm": Container.PCM,
}
OK = {"ok": True}
AT_ONCE = 0.1
"""Seconds, on a busy machine."""
ONE = TONE.replace("per_character: 0.01", "per_character: 0.01, concurrency: 1")
"""The tone, which speaks one sentence at a time."""


def ends_softly(pcm: bytes) -> bool:
    """Whether it goes down to zero within the last milliseconds, without a jump."""
    samples = np.frombuffer(pcm, "<i2").astype(int)
    return bool(abs(samples[-1]) < 50 and np.max(np.abs(np.diff(samples[-400:]))) < 2_500)


def is_silence(body: bytes, name: str) -> bool:
    """Whether it is a whole file, with next to nothing in it."""
    read = read_back(body, FORMATS[name], AudioFormat(rate=22_050))
    return read.frames / read.rate < 0.1 and not np.abs(read.samples).max(initial=0) > 10


# Failures


@pytest.mark.parametrize("name", FORMATS)
async def test_a_failure_in_the_middle_is_never_a_whole_file(server: Running, name: str) -> None:
    answer = await said(server, **{**FAILS, "format": name})
    assert answer.body
    assert not answer.whole
    await ended(tone_of(server), "failed")


async def test_what_was_made_before_a_failure_is_sent(server: Running) -> None:
    assert (await said(server, **FAILS)).body == HALF


async def test_a_failure_shows_to_http_1_0_too(server: Running) -> None:
    async with await connected(server) as client:
        client.writer.write(post(FAILS, version="1.0"))
        with pytest.raises(ConnectionResetError):
            await client.reader.read()


async def test_a_failure_is_logged_without_the_text(server: Running, caplog: pytest.LogCaptureFixture) -> None:
    await asked(server, post({"options": {"fail_at": 0}}))
    assert "engine_failed: The engine tone failed at 0.00 s" in caplog.text
    assert LONG not in caplog.text


async def test_a_failure_ends_the_session(server: Running) -> None:
    await said(server, **FAILS, session_id="demo")
    assert (await interrupted(server, "demo")).status == 404
    assert (await said(server, **NATIVE, session_id="demo")).body == tone(200)


async def test_a_shutdown_breaks_off(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        client = await connected(server)
        await begun(client, STALLS)
    async with client:
        assert await body_of(client) == (b"", False)


# Interrupts


@pytest.mark.parametrize("name", FORMATS)
async def test_an_interrupt_ends_a_whole_file(server: Running, name: str) -> None:
    async with await connected(server) as client:
        before = await begun(client, {"session_id": "demo", "format": name, "options": {"stall_at": 0.5}}, 500)
        told = await interrupted(server, "demo")
        assert (told.json, told.headers["cache-control"]) == (OK, "no-store")
        rest, whole = await body_of(client)
    assert whole
    read = read_back(before + rest, FORMATS[name], AudioFormat(rate=22_050))
    assert 0.3 <= read.frames / read.rate <= 0.7
    assert abs(read.samples[-1]) < 2_000
    await ended(tone_of(server), "cancelled")


async def test_an_interrupt_of_a_stalled_engine_is_at_once_and_fades(server: Running) -> None:
    async with await connected(server) as client:
        assert await begun(client, {**STALLS, "session_id": "demo"}) == HALF
        asked_at = awake()
        assert (await interrupted(server, "demo")).json == OK
        rest, whole = await body_of(client)
        assert awake() - asked_at < AT_ONCE
    assert whole
    assert 0 < AudioFormat(rate=22_050).seconds(len(rest)) < 0.02
    assert ends_softly(HALF + rest)
    await ended(tone_of(server), "cancelled")
    assert awake() - asked_at < AT_ONCE


async def test_an_interrupt_does_not_wait_for_an_engine_that_is_slow_to_stop(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = make_slow(server, monkeypatch)
    async with await connected(server) as client:
        before = await begun(client, {**NATIVE, "session_id": "demo"}, len(tone(10)))
        assert (await interrupted(server, "demo")).json == OK
        async with asyncio.timeout(5):
            rest, whole = await body_of(client)
        assert not taken.is_set()
        assert whole
        assert ends_softly(before + rest)
        assert (await interrupted(server, "demo")).code == "unknown_session"
        taken.set()


@pytest.mark.parametrize("name", FORMATS)
async def test_an_interrupt_before_any_audio_is_an_empty_file(server: Running, name: str) -> None:
    async with await connected(server) as client:
        client.writer.write(post({"session_id": "demo", "format": name, "options": {"delay": 60}}))
        await ended(tone_of(server), "started")
        assert (await interrupted(server, "demo")).json == OK
        assert (await head_of(client))["x-session-id"] == "demo"
        body, whole = await body_of(client)
    assert whole
    assert is_silence(body, name)
    await ended(tone_of(server), "cancelled")


async def test_an_interrupt_in_line_is_an_empty_file_and_asks_the_engine_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path, ONE) as server, await connected(server) as speaking, await connected(server) as waiting:
        await begun(speaking, STALLS)
        waiting.writer.write(post({"session_id": "demo"}))
        await until(lambda: tone_of(server).turns is not None and tone_of(server).turns.contended)  # type: ignore[union-attr]
        assert (await interrupted(server, "demo")).json == OK
        await head_of(waiting)
        body, whole = await body_of(waiting)
        assert [event.what for event in tone_of(server).journal] == ["started"]
    assert whole
    assert is_silence(body, "mp3")


@pytest.mark.parametrize("name", FORMATS)
async def test_an_interrupt_before_it_begins_is_an_empty_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    async with alone(tmp_path) as server:
        opened = server.sessions.open

        def ended_at_once(session_id: str | None = None, **about: str) -> Session:
            session = opened(session_id, **about)
            assert session.interrupt()
            return session

        monkeypatch.setattr(server.sessions, "open", ended_at_once)
        answer = await said(server, format=name)
        assert not server.speech.engines["tone"].journal  # type: ignore[attr-defined]
        assert not list(server.sessions)
    assert answer.whole
    assert is_silence(answer.body, name)


async def test_a_second_interrupt_finds_nothing(server: Running) -> None:
    async with await connected(server) as client:
        await begun(client, {**STALLS, "session_id": "demo"})
        answers = [await interrupted(server, "demo") for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 404]


async def test_after_the_end_there_is_nothing_to_interrupt(server: Running) -> None:
    assert (await said(server, session_id="demo", **NATIVE)).body == tone(200)
    answer = await interrupted(server, "demo")
    assert (answer.status, answer.code) == (404, "unknown_session")
    assert "it has ended, or has not begun" in answer.json["message"]


async def test_an_interrupt_finds_the_session_that_herald_named(server: Running) -> None:
    async with await connected(server) as client:
        client.writer.write(post(STALLS))
        session_id = (await head_of(client))["x-session-id"]
        assert (await interrupted(server, session_id)).json == OK
        assert (await body_of(client))[1]


async def test_only_the_named_session_is_interrupted(server: Running) -> None:
    paced = {**NATIVE, "options": {"pace": 4}}
    async with await connected(server) as one, await connected(server) as other:
        await begun(one, {**paced, "session_id": "one"}, len(tone(10)))
        before = await begun(other, {**paced, "session_id": "other"}, len(tone(10)))
        assert (await interrupted(server, "one")).json == OK
        rest, whole = await body_of(other)
    assert whole
    assert before + rest == tone(200)


async def test_a_connection_is_good_for_the_next_reply_after_an_interrupt(server: Running) -> None:
    async with await connected(server) as client:
        await begun(client, {**STALLS, "session_id": "demo"})
        await interrupted(server, "demo")
        assert (await body_of(client))[1]
        assert (await said_to(client, **NATIVE)).body == tone(200)


async def test_an_interrupt_of_one_that_is_kept_at_a_pace_is_at_once(server: Running) -> None:
    async with await connected(server) as client:
        before = await begun(client, {**NATIVE, "pace": 0.1, "session_id": "demo"}, len(tone(10)))
        assert (await interrupted(server, "demo")).json == OK
        rest, whole = await body_of(client)
    assert whole
    assert len(before + rest) < len(tone(50))
    assert ends_softly(before + rest)


# The same session again


@pytest.mark.parametrize("name", FORMATS)
async def test_a_session_that_is_started_anew_ends_the_one_before_as_a_whole_file(server: Running, name: str) -> None:
    async with await connected(server) as client:
        before = await begun(client, {"session_id": "demo", "format": name, "options": {"stall_at": 0.5}}, 500)
        answer = await said(server, session_id="demo", **NATIVE)
        rest, whole = await body_of(client)
    assert whole
    assert (answer.headers["x-session-id"], answer.body) == ("demo", tone(200))
    assert 0.3 <= read_back(before + rest, FORMATS[name], AudioFormat(rate=22_050)).frames / 22_050 <= 1.6  # Opus: 48000 Hz


async def test_an_interrupt_after_a_restart_silences_the_new_one(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old one's clean-up took the new one's entry, in the seed's service: 404, and it spoke to its end."""
    async with await connected(server) as old, await connected(server) as new:
        taken = make_slow(server, monkeypatch)
        await begun(old, {**NATIVE, "session_id": "demo"}, len(tone(10)))
        replace_engine(server, monkeypatch, _endless)
        before = await begun(new, {**NATIVE, "session_id": "demo"}, len(tone(10)))
        assert (await body_of(old))[1]
        taken.set()  # only now the old one cleans up
        old.writer.write(post({**NATIVE, "session_id": "another"}))
        await head_of(old)  # it has
        assert (await interrupted(server, "demo")).json == OK
        async with asyncio.timeout(5):
            rest, whole = await body_of(new)
    assert whole
    assert ends_softly(before + rest)


async def _endless(text: str, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
    yield tone(10)
    await asyncio.Event().wait()


async def test_restarts_in_a_row_leave_the_last_one(server: Running) -> None:
    clients = [await connected(server) for _ in range(5)]
    for number, client in enumerate(clients):
        await begun(client, {**STALLS, "session_id": "demo", "text": "a" * (100 + number)})
    ends = await asyncio.gather(*(body_of(client) for client in clients[:-1]))
    assert [whole for _, whole in ends] == [True] * 4
    assert (await interrupted(server, "demo")).json == OK
    assert (await body_of(clients[-1]))[1]
    for client in clients:
        client.writer.close()
    journal = [event.what for event in tone_of(server).journal]
    assert sorted(journal) == ["cancelled"] * 5 + ["started"] * 5


# One namespace with the others


async def test_a_session_on_a_websocket_can_be_interrupted_here(server: Running) -> None:
    async with flowing_to(server) as flowing:
        await flowing.start(session_id="demo", options={"stall_at": 0.5})
        await flowing.run(LONG)
        await flowing.heard("audio")
        assert (await interrupted(server, "demo")).json == OK
        assert (await flowing.heard(*END)).last["payload"]["reason"] == "interrupted"


async def test_a_session_of_openais_address_can_be_interrupted_here(server: Running) -> None:
    async with await connected(server) as client:
        client.writer.write(openai_post({"session_id": "demo", "options": {"stall_at": 0.5}}))
        await head_of(client)
        assert (await interrupted(server, "demo")).json == OK
        assert (await body_of(client))[1]


# One synthesis for several


async def test_requests_that_share_are_spoken_once_and_interrupted_alone(server: Running) -> None:
    async with await connected(server) as one, await connected(server) as other:
        first = await begun(one, {**STALLS, "share": "morning", "session_id": "one"})
        second = await begun(other, {**STALLS, "share": "morning", "session_id": "other", "format": "wav"}, 44 + len(HALF))
        assert second[44:] == first == HALF
        assert (await interrupted(server, "one")).json == OK
        assert (await body_of(one))[1]
        assert [event.what for event in tone_of(server).journal] == ["started"]
        assert (await asked(server, post({**STALLS, "text": "Another.", "share": "morning"}))).code == "share_conflict"
        assert (await interrupted(server, "other")).json == OK
        assert (await body_of(other))[1]
    assert await ended(tone_of(server), "cancelled")


# Clients that leave


@pytest.mark.parametrize("options", [{"delay": 60}, {"stall_at": 0.5}, {"pace": 1}], ids=["before audio", "stalled", "in audio"])
async def test_a_client_that_leaves_stops_the_engine(server: Running, options: dict[str, Any]) -> None:
    async with await connected(server) as client:
        client.writer.write(post({"session_id": "demo", "options": options}))
        await ended(tone_of(server), "started")
    left_at = awake()
    await ended(tone_of(server), "cancelled")
    assert awake() - left_at < AT_ONCE
    assert (await interrupted(server, "demo")).status == 404


async def test_a_client_that_leaves_the_line_frees_its_place(tmp_path: Path) -> None:
    async with serving(tmp_path, ONE) as server, await connected(server) as speaking:
        turns = tone_of(server).turns
        assert turns is not None
        await begun(speaking, {**STALLS, "session_id": "demo"})
        async with await connected(server) as waiting:
            waiting.writer.write(post({}))
            await until(lambda: turns.contended)
        await until(lambda: not turns.contended)
        await interrupted(server, "demo")
        assert (await said(server, **NATIVE)).body == tone(200)


async def test_a_client_that_reads_no_more_stops_the_engine(tmp_path: Path) -> None:
    async with alone(tmp_path, write_timeout=0.2) as server, await connected(server) as client:
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        client.writer.write(post({**NATIVE, "text": 50 * LONG, "options": {"per_character": 1, "piece": 1}}))
        await ended(server.speech.engines["tone"], "cancelled", within=5)  # type: ignore[arg-type]
        async with asyncio.timeout(5):
            await server.sessions.until_idle()
