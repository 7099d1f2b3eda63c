"""Fallbacks on a real server: who spoke and why is told wherever somebody listens or looks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from aiohttp import ClientSession

from wyoming_server.server import Running

from ...frontends.flowing_client import connected
from ...serving import Client, serving

YAML = """
wyoming: {uri: tcp://127.0.0.1:0}
http: {host: 127.0.0.1, port: 0, zeroconf: false}
engines:
  bad: {type: tone, per_character: 0.01, fail_at: 0, fail_with: quota_exceeded, breaker_failures: 2}
  tone: {per_character: 0.01}
  breaks: {type: tone, per_character: 0.01, fail_at: 0.25}
voices:
  lead: {engine: bad, voice: tone, language: en, fallback: [Zweite Stimme]}
  alone: {engine: bad, voice: tone, language: en}
  halfway: {engine: breaks, voice: tone, language: en, fallback: [Zweite Stimme]}
  Zweite Stimme: {engine: tone, voice: tone, language: en}
  Chinese: {engine: bad, voice: tone, language: zh-CN, fallback: [espeak]}
default_voice: lead
"""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    async with serving(tmp_path, YAML) as running:
        yield running


def address(server: Running) -> str:
    assert server.http is not None
    return server.http.urls[0]


async def spoken(server: Running, **fields: object) -> tuple[int, dict[str, str], bytes]:
    async with (
        ClientSession(address(server)) as client,
        client.post("/api/tts/stream", json={"text": "One sentence.", "format": "pcm", **fields}) as response,
    ):
        return response.status, dict(response.headers), await response.read()


async def test_the_response_says_who_speaks_and_why(server: Running) -> None:
    status, headers, audio = await spoken(server, voice="lead")
    assert status == 200
    assert len(audio) == 2 * round(0.13 * 22_050)
    assert unquote(headers["X-Voice"]) == "Zweite Stimme"
    assert "The voice lead failed: The engine bad failed" in unquote(headers["X-Notice"])


async def test_the_completed_session_of_a_websocket_says_it_too(server: Running) -> None:
    async with connected(server) as client:
        heard = await client.say("One sentence.", voice="lead")
    payload = heard.messages[-1]["payload"]
    assert payload["voice"] == "Zweite Stimme"
    assert payload["notice"].startswith("The voice lead failed: ")
    assert payload["notice_code"] == "quota_exceeded"


async def test_without_fallback_the_failure_is_the_answer(server: Running) -> None:
    status, headers, body = await spoken(server, voice="lead", fallback=False)
    assert (status, json.loads(body)["code"]) == (502, "quota_exceeded")
    assert "X-Voice" not in headers


async def test_a_signal_is_not_replaced_by_speech_of_itself(server: Running) -> None:
    status, _, _ = await spoken(server, voice="alone")
    assert status == 502


async def test_espeak_speaks_the_language_of_the_voice(server: Running) -> None:
    status, headers, audio = await spoken(server, voice="Chinese", text="门开了。")
    assert status == 200
    assert unquote(headers["X-Voice"]) in {"zh-CN", "cmn", "zh"}
    assert len(audio) > 10_000


async def test_the_end_of_the_session_and_the_engine_tell_it(server: Running) -> None:
    told = []
    async with ClientSession(address(server)) as client, client.get("/api/events") as events:
        for _ in range(2):
            await spoken(server, voice="lead")
        async for line in events.content:
            if line.startswith(b"data: ") and b'"outcome"' in line:
                told.append(json.loads(line[6:]))
                if len(told) == 2:
                    break
        async with client.get("/api/engines/bad") as response:
            engine = await response.json()
        async with client.get("/metrics") as response:
            metrics = await response.text()
    assert [(end["voice"], end["engine"], end["notice"]["code"]) for end in told] == [
        ("Zweite Stimme", "tone", "quota_exceeded")
    ] * 2
    assert engine["state"] == "quota"
    assert {**engine["breaker"], "retry_in": 0} == {"state": "open", "failures": 2, "code": "quota_exceeded", "retry_in": 0}
    assert 'herald_breaker_state{engine="bad",state="open"} 1.0' in metrics


async def test_each_engine_is_counted_for_what_it_did(server: Running) -> None:
    text = "It is heard. Another one is not heard to its end."
    status, _, audio = await spoken(server, voice="halfway", text=text)
    async with ClientSession(address(server)) as client:
        usage: dict[str, Any] = {}
        async with asyncio.timeout(10):
            while "tone" not in usage:  # the session ends behind its response
                async with client.get("/api/usage") as response:
                    usage = (await response.json())["engines"]
        async with client.get("/metrics") as response:
            metrics = await response.text()
    assert status == 200
    assert usage["breaks"]["characters"] == len(text)
    assert usage["tone"]["characters"] == len(" Another one is not heard to its end.")
    assert (usage["breaks"]["requests"], usage["tone"]["requests"]) == (0, 1)
    assert usage["breaks"]["audio_seconds"] == pytest.approx(0.37, abs=0.02)
    seconds = usage["breaks"]["audio_seconds"] + usage["tone"]["audio_seconds"]
    assert seconds == pytest.approx(len(audio) / 2 / 22_050, abs=0.002)
    assert f'herald_characters_total{{engine="breaks"}} {usage["breaks"]["characters"]}.0' in metrics
    assert 'herald_audio_seconds_total{engine="breaks"} 0.3' in metrics


async def wyoming_events(server: Running, **data: object) -> dict[str, dict[str, Any]]:
    """Data by type; of the last, where there are several."""
    async with await Client.connect(server) as client:
        client.send("synthesize", **data)
        told = {}
        while (event := await client.receive()) is not None:
            told[event.type] = dict(event.data)
            if event.type == "audio-stop":
                return told
    return told


async def test_a_wyoming_client_is_told_with_the_audio(server: Running) -> None:
    told = await wyoming_events(server, text="One sentence.", voice={"name": "lead"})
    notice = told["audio-start"].pop("notice")
    assert (notice["code"], notice["voice"]) == ("quota_exceeded", "Zweite Stimme")
    assert notice["message"].startswith("The voice lead failed: ")
    assert told["audio-stop"] == {"timestamp": None, "notice": notice}
    assert (told["audio-start"]["rate"], told["audio-start"]["channels"]) == (22_050, 1)


async def test_where_another_voice_goes_on_a_wyoming_client_is_told_at_the_end(server: Running) -> None:
    text = "It is heard. Another one is not heard to its end."
    told = await wyoming_events(server, text=text, voice={"name": "halfway"})
    assert "notice" not in told["audio-start"]
    assert told["audio-stop"]["notice"]["voice"] == "Zweite Stimme"


async def test_where_nobody_fails_nothing_is_told(server: Running) -> None:
    told = await wyoming_events(server, text="One sentence.", voice={"name": "Zweite Stimme"})
    assert "notice" not in {**told["audio-start"], **told["audio-stop"]}


async def test_openais_response_says_it_too(server: Running) -> None:
    body = {"model": "tts-1", "input": "One sentence.", "voice": "lead", "response_format": "pcm"}
    async with ClientSession(address(server)) as client, client.post("/v1/audio/speech", json=body) as response:
        assert response.status == 200
        assert unquote(response.headers["X-Voice"]) == "Zweite Stimme"
        assert "The voice lead failed" in unquote(response.headers["X-Notice"])
        assert await response.read()


async def test_every_header_of_a_reply_is_described(server: Running) -> None:
    headers = (await spoken(server, voice="lead"))[1]
    async with ClientSession(address(server)) as client, client.get("/api/openapi.json") as response:
        described = (await response.json())["paths"]["/api/tts/stream"]["post"]["responses"]["200"]["headers"]
    assert {name for name in headers if name.startswith("X-")} - {"X-Accel-Buffering"} <= described.keys()
    assert {"X-Notice", "X-Voice"} <= described.keys()
