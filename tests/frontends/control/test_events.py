"""Events: what is told, in which order, to how many; and readers that are slow, too many, or gone."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from wyoming_server.frontends.control import events as control_events
from wyoming_server.monitoring.hub import UNREAD_MAX

from ...serving import Client, until
from ...standstill import awake
from .serving import TEXT, Served, served, speaking, with_cloud


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path) as all_of_it:
        yield all_of_it


async def test_a_reader_is_greeted_with_the_server(server: Served) -> None:
    async with server.api.events() as events:
        hello = await events.next()
        assert hello is not None
        assert (hello.name, hello.data) == ("hello", await server.api.get("/api/server"))


async def test_a_reply_is_told_from_its_start_to_its_end(server: Served) -> None:
    async with server.api.events() as events:
        answer = await server.api.ask("POST", "/api/tts/stream", {"text": TEXT, "session_id": "kitchen", "format": "pcm"})
        assert answer.status == 200
        assert (await events.names("session_started"))[-1] == "session_started"
        spoken = await events.until("session_speaking")
        assert (spoken.data["id"], spoken.data["state"], spoken.data["engine"]) == ("kitchen", "speaking", "tone")
        end = await events.until("session_ended")
        assert (end.data["id"], end.data["outcome"], end.data["code"]) == ("kitchen", "completed", None)
        assert (end.data["characters"], round(end.data["audio_seconds"], 3)) == (200, 2.0)


async def test_an_interrupt_is_told_with_its_time(server: Served) -> None:
    async with server.api.events() as events, speaking(server, "kitchen"):
        await server.api.delete("/api/sessions/kitchen")
        end = await events.until("session_ended")
        assert (end.data["outcome"], end.data["code"]) == ("interrupted", "interrupted")
        assert 0 <= end.data["interrupt_seconds"] < 1


async def test_a_session_that_starts_anew_ends_first(server: Served) -> None:
    async with server.api.events() as events, speaking(server, "kitchen"), speaking(server, "kitchen"):
        told = [await events.until("session_started", "session_ended") for _ in range(3)]
        # The newer one interrupts the older, whose engine is then told; its end comes when that has stopped.
        assert sorted(event.name for event in told) == ["session_ended", "session_started", "session_started"]
        assert told[0].name == "session_started"
        end = next(event for event in told if event.name == "session_ended")
        assert end.data["message"] == "Another text was started in this session."


async def test_a_failure_is_told_in_words_and_kept(server: Served) -> None:
    async with server.api.events() as events:
        await server.api.ask("POST", "/api/tts/stream", {"text": TEXT, "session_id": "x", "options": {"fail_at": 0}})
        end = await events.until("session_ended")
        assert (end.data["outcome"], end.data["code"]) == ("failed", "engine_failed")
    (error,) = (await server.api.get("/api/errors"))["errors"]
    assert {key: error[key] for key in ("code", "message", "session", "engine", "front_end")} == {
        "code": "engine_failed",
        "message": end.data["message"],
        "session": "x",
        "engine": "tone",
        "front_end": "api",
    }


async def test_a_wyoming_reply_is_told_too(server: Served) -> None:
    async with server.api.events() as events, await Client.connect(server.server) as satellite:
        await satellite.say("Hello.")
        assert (await events.until("session_ended")).data["front_end"] == "wyoming"


async def test_credentials_and_the_voices_they_bring_are_told(tmp_path: Path) -> None:
    async with with_cloud(tmp_path) as (server, _), server.api.events() as events:
        before = await server.api.get("/api/server")
        await server.api.put("/api/engines/openspeech/credentials", {"credentials": {"api_key": "api-key"}})
        state = await events.until("engine")
        assert (state.data["name"], state.data["state"]) == ("openspeech", "untried")
        assert state.data == await server.api.get("/api/engines/openspeech")
        await server.api.post("/api/engines/openspeech/verify", {})
        assert (await events.until("engine")).data["state"] == "ready"
        await server.api.delete("/api/engines/openspeech/credentials")
        assert (await events.until("engine")).data["state"] == "not_set"
        assert (await server.api.get("/api/server"))["id"] == before["id"]


async def test_voices_that_come_by_a_reload_are_told_with_the_new_revision(server: Served) -> None:
    before = await server.api.get("/api/server")
    async with server.api.events() as events:
        server.config.write_text(server.config.read_text() + "voices: {Anna: {engine: tone, voice: tone, language: de}}\n")
        reloaded = await server.api.post("/api/config/reload")
        told = [await events.until("voices", "config") for _ in range(2)]
        assert [event.name for event in told] == ["voices", "config"]
        assert told[0].data == {"revision": (await server.api.get("/api/voices"))["revision"], "count": 2}
        assert told[0].data["revision"] != before["revision"]
        assert told[1].data == reloaded


async def test_engines_that_come_and_go_by_a_reload_are_told(server: Served) -> None:
    before = server.config.read_text()
    async with server.api.events() as events:
        server.config.write_text(before.replace("engines: {", "engines: {beeps: {type: tone}, "))
        await server.api.post("/api/config/reload")
        come = await events.until("engine")
        assert (come.data["name"], come.data["type"], come.data["configured"]) == ("beeps", "tone", True)
        server.config.write_text(before)
        await server.api.post("/api/config/reload")
        gone = await events.until("engine")
        assert (gone.data["name"], gone.data["configured"], gone.data["state"]) == ("beeps", False, "not_set")


async def test_two_readers_are_told_the_same(server: Served) -> None:
    async with server.api.events() as first, server.api.events() as second:
        async with speaking(server, "kitchen"):
            await server.api.delete("/api/sessions")
        assert await first.names("session_ended") == await second.names("session_ended")


async def test_a_reader_is_no_session(server: Served) -> None:
    async with server.api.events() as events:
        await events.next()
        assert await server.api.get("/api/sessions") == {"sessions": []}
        assert await server.api.delete("/api/sessions") == {"interrupted": 0}


async def test_a_quiet_line_is_kept_alive_by_comments(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_events, "QUIET", 0.01)
    async with server.api.events() as events:
        await events.next()
        assert await events.comment() == ": alive"
        assert await events.comment() == ": alive"
        async with speaking(server, "kitchen"):
            assert (await events.until("session_started")).data["id"] == "kitchen"


async def test_readers_are_told_goodbye_when_the_server_ends(tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as readers:
        async with served(tmp_path) as server:
            all_of_them = [await readers.enter_async_context(server.api.events()) for _ in range(3)]
            for events in all_of_them:
                await events.until("hello")
            began = awake()
        assert awake() - began < 1
        for events in all_of_them:
            assert await events.names("bye") == ["bye"]
            assert await events.next() is None


async def test_a_reader_that_stops_reading_is_cut_off_and_delays_nobody(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_events, "PATIENCE", 0.2)
    hub = server.server.monitor.hub
    async with server.api.events() as slow, server.api.events() as quick:
        await slow.next()
        await quick.until("hello")
        slow.client.reader._transport.pause_reading()  # type: ignore[attr-defined]  # noqa: SLF001  # nothing else stops it
        large = {"changed": ["x" * 100_000], "needs_restart": []}
        for _ in range(100):
            hub.publish("config", large)
            assert (await quick.until("config")).data == large
        await until(lambda: len(hub) == 1)
        hub.publish("chimes", {})
        assert (await quick.until("chimes")).data == {}


async def test_too_many_events_for_a_reader_are_its_end(server: Served) -> None:
    async with server.api.events() as events:
        await events.until("hello")
        for _ in range(UNREAD_MAX + 1):
            server.server.monitor.hub.publish("chimes", {})
        with pytest.raises((EOFError, ConnectionError)):
            await events.until("bye")


async def test_readers_beyond_the_limit_are_told_so(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_events, "READERS_MAX", 2)
    async with server.api.events() as first, server.api.events() as second:
        await first.next()
        await second.next()
        words = "2 clients read the events; no more are allowed."
        assert await server.api.refused("GET", "/api/events") == (503, "busy", words)
    await until(lambda: not len(server.server.monitor.hub))
    async with server.api.events() as third:
        assert (await third.until("hello")).name == "hello"


async def test_a_reader_that_leaves_is_forgotten(server: Served) -> None:
    hub = server.server.monitor.hub
    async with server.api.events() as events:
        await events.next()
        assert len(hub) == 1
    await until(lambda: not len(hub))


async def test_a_head_is_answered_at_once_and_reads_nothing(server: Served) -> None:
    answer = await server.api.ask("HEAD", "/api/events")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream")
    assert not len(server.server.monitor.hub)
