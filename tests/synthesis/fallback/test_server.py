"""Fallbacks on a real server: who spoke and why is told wherever somebody listens or looks."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from aiohttp import ClientSession

from wyoming_server.server import Running

from ...frontends.flowing_client import connected
from ...serving import serving

YAML = """
wyoming: {uri: tcp://127.0.0.1:0}
http: {host: 127.0.0.1, port: 0, zeroconf: false}
engines:
  bad: {type: tone, per_character: 0.01, fail_at: 0, fail_with: quota_exceeded, breaker_failures: 2}
  tone: {per_character: 0.01}
voices:
  lead: {engine: bad, voice: tone, language: en, fallback: [Zweite Stimme]}
  alone: {engine: bad, voice: tone, language: en}
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
