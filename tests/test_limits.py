"""Limits on a whole server: the same at every front end, told in words wherever somebody looks, kept over a restart."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from wyoming_server.channel import Channel
from wyoming_server.server import Running
from wyoming_server.sessions import LocalSessions
from wyoming_server.state.calendar import Period

from .frontends import flowing_client, indextts_client
from .frontends.control.client import Api
from .frontends.control.serving import http_of, served
from .serving import TONE, Client, serving

LIMITED = TONE.replace("{per_character: 0.01}", "{per_character: 0.01, characters_per_day: 100, max_text: 60}")
ONE_A_MINUTE = f"{TONE}limits: {{requests_per_minute: 1}}\n"
QUOTA = "The engine tone has taken 50 of the 100 characters that it may take a day (characters_per_day); the count begins anew at"


async def by_wyoming(server: Running, text: str) -> str:
    async with await Client.connect(server) as client:
        error = (await client.say(text)).error
        return "" if error is None else str(error["text"])


async def by_websocket(server: Running, text: str) -> str:
    async with flowing_client.connected(server) as client:
        heard = await client.say(text, format="pcm", sample_rate=22_050)
        return heard.failure if heard.names[-1] == "TaskFailed" else ""


async def by_indextts(server: Running, text: str) -> str:
    async with indextts_client.connected(server) as client:
        heard = await client.say(text)
        return "" if heard.wavs else str(heard.last["message"])


async def by_http(server: Running, text: str) -> str:
    answer = await Api(http_of(server)).ask("POST", "/api/tts/stream", {"text": text})
    return "" if answer.status == 200 else str(answer.json["message"])


FRONT_ENDS: dict[str, Callable[[Running, str], Awaitable[str]]] = {
    "wyoming": by_wyoming,
    "websocket": by_websocket,
    "indextts": by_indextts,
    "http": by_http,
}
"""What a reply failed with there; empty: it did not."""


each = pytest.mark.parametrize("say", FRONT_ENDS.values(), ids=FRONT_ENDS)


@each
async def test_every_front_end_tells_what_an_engine_may_not_take(say: Callable[..., Awaitable[str]], tmp_path: Path) -> None:
    async with serving(tmp_path, LIMITED) as server:
        assert await say(server, "a" * 50) == ""
        assert QUOTA in await say(server, "b" * 51)
        assert await say(server, "c" * 50) == ""
        assert "The text has 61 characters; the engine tone takes 60 at once (max_text)" in await say(server, "d" * 61)
        assert server.speech.spending.counters.engines(Period.DAY) == {"tone": 100}


@each
async def test_an_address_that_asks_too_often_is_told_when_to_come_again(
    say: Callable[..., Awaitable[str]], tmp_path: Path
) -> None:
    async with serving(tmp_path, ONE_A_MINUTE) as server:
        assert await say(server, "One.") == ""
        for other in FRONT_ENDS.values():
            assert "127.0.0.1 has asked for 1 replies within a minute" in await other(server, "Two.")


@pytest.mark.parametrize("path", ["/api/tts/stream", "/v1/audio/speech"])
async def test_programs_are_told_when_to_come_again_by_the_header_too(path: str, tmp_path: Path) -> None:
    body = {"text": "Two."} if path.startswith("/api") else {"model": "tts-1", "voice": "alloy", "input": "Two."}
    async with serving(tmp_path, ONE_A_MINUTE) as server, Api(http_of(server)).connected() as client:
        assert await by_http(server, "One.") == ""
        data = json.dumps(body)
        answer = await client.ask(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(data)}\r\n\r\n{data}")
        assert (answer.status, answer.headers["retry-after"].isdecimal()) == (503, True)
        assert f"Ask again in {answer.headers['retry-after']} s." in answer.body.decode()


async def test_the_limit_of_requests_is_changed_by_a_reload(tmp_path: Path) -> None:
    async with served(tmp_path, ONE_A_MINUTE) as server:
        await by_http(server.server, "One.")
        assert await by_http(server.server, "Two.")
        server.config.write_text(TONE + "limits: {requests_per_minute: 100}\n")
        assert await server.api.post("/api/config/reload") == {"changed": ["limits.requests_per_minute"], "needs_restart": []}
        assert await by_http(server.server, "Three.") == ""


async def test_limits_of_an_engine_are_changed_by_a_reload_that_replaces_no_engine(tmp_path: Path) -> None:
    async with served(tmp_path, LIMITED) as server:
        engine = server.server.speech.engines["tone"]
        server.config.write_text(LIMITED.replace("max_text: 60", "max_text: 10"))
        assert (await server.api.post("/api/config/reload"))["changed"] == ["engines.tone"]
        assert "takes 10 at once" in await by_http(server.server, "a" * 11)
        assert server.server.speech.engines["tone"] is engine


async def test_what_is_nearly_used_up_is_said_in_the_state_and_its_event_and_a_restart_forgets_nothing(tmp_path: Path) -> None:
    async with served(tmp_path, LIMITED) as server:
        async with server.api.events() as events:
            await events.until("hello")
            for text in ("a" * 60, "b" * 25):
                await by_http(server.server, text)
            while "85 of the 100" not in str((event := await events.until("engine")).data["message"]):
                pass
            assert event.data["state"] == "ready"
        told = await server.api.get("/api/usage")
        assert told["today"]["engines"] == {"tone": {"characters": 85, "limit": 100}}
        assert told["month"]["engines"] == {"tone": {"characters": 85, "limit": None}}
    async with served(tmp_path, LIMITED) as server:
        assert "85 of the 100" in (await server.api.get("/api/engines/tone"))["message"]
        assert "16 more do not fit" in await by_http(server.server, "c" * 16)
        tone = await server.api.get("/api/engines/tone")
        assert (tone["state"], tone["code"]) == ("quota", "quota_exceeded")
        assert b'herald_period_characters{engine="tone",period="day"} 85.0' in server.server.monitor.metrics.rendered()


async def test_one_client_with_fifty_replies_does_not_starve_another_at_an_engine(tmp_path: Path) -> None:
    busy = TONE.replace("per_character: 0.01", "per_character: 0.01, concurrency: 1, delay: 0.02")
    order: list[str] = []
    async with serving(tmp_path, busy) as server:

        async def reply(client: str) -> None:
            session = LocalSessions().open(client=client)
            async with session:
                request = server.speech.synthesizer.request(server.speech.catalogue.find("tone/tone"), {})
                text: Channel[str] = Channel()
                text.push("Hello.")
                text.end()
                async for _ in server.speech.synthesizer.speak(request, text, session.progress):
                    pass
            order.append(client)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(50):
                tasks.create_task(reply("10.0.0.1"))
            await asyncio.sleep(0.01)
            for _ in range(3):
                tasks.create_task(reply("10.0.0.2"))
    places = [place for place, client in enumerate(order) if client == "10.0.0.2"]
    assert places[-1] <= 8, places
