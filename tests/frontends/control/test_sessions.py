"""Sessions of every front end: who speaks, and how anybody ends it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from ...serving import TONE, Client, ended, tone_of, until
from ..openai_serving import body_of
from .serving import SLOW, TEXT, Served, begin, served, speaking

IN_TURNS = TONE.replace("{per_character: 0.01}", "{per_character: 0.01, concurrency: 1}")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path) as all_of_it:
        yield all_of_it


async def test_a_silent_server_has_no_sessions(server: Served) -> None:
    assert await server.api.get("/api/sessions") == {"sessions": []}
    assert await server.api.delete("/api/sessions") == {"interrupted": 0}


async def test_a_session_is_shown_while_it_speaks(server: Served) -> None:
    async with speaking(server, "kitchen"):
        (session,) = (await server.api.get("/api/sessions"))["sessions"]
        assert datetime.fromisoformat(session.pop("started")).tzinfo is not None
        assert 0 < session.pop("first_audio") < 10
        assert session.pop("audio_seconds") > 0
        assert session == {
            "id": "kitchen",
            "front_end": "api",
            "client": "127.0.0.1",
            "voice": "tone/tone",
            "engine": "tone",
            "characters": len(TEXT),
            "state": "speaking",
            "position": None,
        }


async def test_a_session_that_thinks_and_one_that_waits_are_told_apart(tmp_path: Path) -> None:
    async with served(tmp_path, IN_TURNS) as server, await begin(server, "first", options={"delay": 60}):
        await until(lambda: bool(tone_of(server.server).journal))
        async with await begin(server, "second"):
            await until(lambda: [one.progress.position for one in server.server.monitor.sessions()] == [None, 1])
            first, second = (await server.api.get("/api/sessions"))["sessions"]
            assert (first["id"], first["state"], first["position"]) == ("first", "thinking", None)
            assert (second["id"], second["state"], second["position"]) == ("second", "waiting", 1)
            assert await server.api.delete("/api/sessions/second") == {"interrupted": 1}
            await server.api.delete("/api/sessions")


async def test_an_interrupt_ends_one_session_in_order_and_its_engine_too(server: Served) -> None:
    async with speaking(server, "kitchen") as kitchen, speaking(server, "hall"):
        assert await server.api.delete("/api/sessions/kitchen") == {"interrupted": 1}
        assert (await body_of(kitchen))[1]
        await ended(tone_of(server.server), "cancelled")
        assert [one["id"] for one in (await server.api.get("/api/sessions"))["sessions"]] == ["hall"]


async def test_an_interrupted_session_is_unknown_at_once(server: Served) -> None:
    async with speaking(server, "kitchen"):
        await server.api.delete("/api/sessions/kitchen")
        status, code, words = await server.api.refused("DELETE", "/api/sessions/kitchen")
        assert (status, code) == (404, "unknown_session")
        assert words == "Nothing speaks in the session 'kitchen': it has ended, or has not begun."


@pytest.mark.parametrize(("session_id", "address"), [("a/b c", "a%2Fb%20c"), ("a/b", "a/b"), ("厨房", "%E5%8E%A8%E6%88%BF")])
async def test_any_session_id_can_be_written_in_an_address(server: Served, session_id: str, address: str) -> None:
    async with speaking(server, session_id):
        assert await server.api.delete(f"/api/sessions/{address}") == {"interrupted": 1}


async def test_everybody_is_interrupted_whatever_the_front_end(server: Served) -> None:
    async with speaking(server, "kitchen") as kitchen, await Client.connect(server.server) as satellite:
        satellite.send("synthesize", text=TEXT, context=SLOW)
        await until(lambda: len(server.server.monitor.sessions()) == 2)
        listed = (await server.api.get("/api/sessions"))["sessions"]
        assert [one["front_end"] for one in listed] == ["api", "wyoming"]
        assert await server.api.delete("/api/sessions") == {"interrupted": 2}
        assert (await body_of(kitchen))[1]
        assert (await satellite.heard("audio-stop")).pcm is not None
        await until(lambda: not server.server.monitor.sessions())


async def test_a_wyoming_session_is_interrupted_by_the_id_that_the_api_tells(server: Served) -> None:
    async with await Client.connect(server.server) as satellite:
        satellite.send("synthesize", text=TEXT, context=SLOW)
        await satellite.until("audio-start")
        (session,) = (await server.api.get("/api/sessions"))["sessions"]
        assert await server.api.delete(f"/api/sessions/{session['id']}") == {"interrupted": 1}
        heard = await satellite.heard("audio-stop")
        assert heard.error is not None or heard.types[-1] == "audio-stop"
        assert heard.format is None
        await ended(tone_of(server.server), "cancelled")


async def test_the_speech_apis_interrupt_and_this_one_are_the_same(server: Served) -> None:
    async with speaking(server, "kitchen"):
        assert await server.api.post("/api/tts/interrupt", {"session_id": "kitchen"}) == {"ok": True}
        assert (await server.api.refused("DELETE", "/api/sessions/kitchen"))[:2] == (404, "unknown_session")
