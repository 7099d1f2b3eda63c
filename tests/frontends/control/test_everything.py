"""What all of the API has in common: every good answer is as described, guarded, and nobody's to keep."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from wyoming_server import __version__

from ...serving import until
from ..http_client import with_token
from ..openai_serving import body_of
from .description import document, operations
from .serving import TEXT, Served, begin, served, speaking, with_cloud
from .test_chimes import CHIME, PATH

OUTSIDE = "X-Forwarded-For: 192.0.2.7\r\n"
PAGE = "Origin: http://elsewhere.example\r\n"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path) as all_of_it:
        yield all_of_it


async def test_every_good_answer_is_as_described(tmp_path: Path) -> None:
    async with with_cloud(tmp_path) as (server, _):
        api = server.api
        for path in (
            "healthz",
            "server",
            "engines",
            "converters",
            "voices",
            "sessions",
            "usage",
            "errors",
            "chimes",
            "cache",
            "openapi.json",
        ):
            await api.get(f"/api/{path}")
        await api.get(f"/api/pairing?nonce={'5a' * 16}")
        await api.ask("GET", "/metrics")
        await api.ask("HEAD", "/api/events")
        for path, good in (("engines/openspeech", {"api_key": "api-key"}), ("converters/sami", {"appkey": "x"})):
            await api.get(f"/api/{path}")
            await api.put(f"/api/{path}/credentials", {"credentials": good})
            await api.post(f"/api/{path}/verify")
            await api.delete(f"/api/{path}/credentials")
        await api.get("/api/voices/tone/tone")
        await api.ask("PUT", PATH, CHIME)
        await api.put(PATH, CHIME)
        await api.get(PATH)
        await api.delete(PATH)
        await api.delete("/api/cache")
        await api.post("/api/config/reload")
        await api.ask("POST", "/api/tts/stream", {"text": TEXT})
        async with speaking(server, "kitchen"):
            await api.delete("/api/sessions/kitchen")
        async with speaking(server, "kitchen"):
            await api.post("/api/tts/interrupt", {"session_id": "kitchen"})
        await api.delete("/api/sessions")
        described = {f"{one['operationId']} {status}" for _, _, one in operations() for status in one["responses"]}
        assert {each for each in described if each.split()[1] < "300"} - api.seen == set()


async def test_the_server_tells_who_it_is(server: Served) -> None:
    told = await server.api.get("/api/server")
    assert told["id"] == server.server.id
    assert (told["version"], told["api"], told["tls"]) == (__version__, 1, None)
    assert told["capabilities"] == {"formats": ["mp3", "wav", "flac", "ogg", "pcm"], "share": True, "chime": True, "events": True}


async def test_the_description_is_served_as_it_is_written(server: Served) -> None:
    assert (await server.api.get("/api/openapi.json")) == document()


async def test_usage_is_counted_by_engine(server: Served) -> None:
    await server.api.ask("POST", "/api/tts/stream", {"text": TEXT})
    await server.api.ask("POST", "/api/tts/stream", {"text": TEXT, "options": {"fail_at": 0}})
    async with speaking(server, "kitchen"):
        await server.api.delete("/api/sessions/kitchen")
        await until(lambda: not server.server.monitor.sessions())
    tone = (await server.api.get("/api/usage"))["engines"]["tone"]
    assert {name: tone[name] for name in ("requests", "completed", "interrupted", "failed", "left", "errors")} == {
        "requests": 3,
        "completed": 1,
        "interrupted": 1,
        "failed": 1,
        "left": 0,
        "errors": {"engine_failed": 1},
    }
    assert tone["characters"] == 3 * len(TEXT)


async def test_metrics_are_in_prometheus_own_format(server: Served) -> None:
    await server.api.ask("POST", "/api/tts/stream", {"text": TEXT})
    answer = await server.api.ask("GET", "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = answer.body.decode().splitlines()
    assert 'herald_requests_total{engine="tone",front_end="api",outcome="completed"} 1.0' in lines


async def test_a_broken_file_changes_nothing_and_is_told(server: Served) -> None:
    good = server.config.read_text()
    server.config.write_text(f"{good}voices: {{Anna: {{engine: nobody}}}}\n")
    status, code, words = await server.api.refused("POST", "/api/config/reload")
    assert (status, code) == (422, "config")
    assert "nobody" in words
    server.config.write_text(good)
    assert await server.api.post("/api/config/reload") == {"changed": [], "needs_restart": []}


async def test_what_only_a_restart_can_change_is_told(server: Served) -> None:
    text = server.config.read_text().replace("port: 0}", "port: 0, max_connections: 7}")
    server.config.write_text(f"{text}voices: {{Anna: {{engine: tone, voice: tone}}}}\n")
    told = await server.api.post("/api/config/reload", {})
    assert told == {"changed": ["voices.Anna"], "needs_restart": ["http.max_connections"]}


async def test_a_reload_takes_no_fields(server: Served) -> None:
    words = "There is no field 'now'. There are: none."
    assert await server.api.refused("POST", "/api/config/reload", {"now": True}) == (400, "bad_setting", words)


async def test_whoever_reloads_or_sets_credentials_leaves_replies_alone(server: Served) -> None:
    async with await begin(server, "kitchen", options={"pace": 20}) as kitchen:
        await until(lambda: bool(server.server.monitor.sessions()))
        server.config.write_text(server.config.read_text().replace("per_character: 0.01", "per_character: 0.02"))
        assert (await server.api.post("/api/config/reload"))["changed"] == ["engines.tone"]
        await kitchen.reader.readuntil(b"\r\n\r\n")
        body, whole = await body_of(kitchen)
        assert (len(body), whole) == (2 * 22_050 * 2, True)  # two seconds, not four


@pytest.mark.parametrize(("path", "method", "operation"), operations())
async def test_the_ports_guards_hold_everywhere(server: Served, path: str, method: str, operation: dict[str, object]) -> None:
    target = path.replace("{name}", "tone").replace("{id}", "x").replace("{sha256}", "0" * 64)
    outside = await server.api.ask(method.upper(), target, headers=OUTSIDE)
    assert (outside.status == 401) is (operation.get("security") != [{}])
    elsewhere = await server.api.ask(method.upper(), target, headers=PAGE)
    assert (elsewhere.status, elsewhere.code) == (403, "access_denied")


async def test_whoever_has_the_token_may_come_from_anywhere(server: Served) -> None:
    token = (server.config.parent / "token").read_text().strip()
    answer = await server.api.ask("GET", "/api/server", headers=with_token(token))
    assert answer.status == 200
    assert (await server.api.get(f"/api/sessions?token={token}")) == {"sessions": []}


@pytest.mark.parametrize("path", [path for path, method, _ in operations() if method == "get" and "{" not in path])
async def test_a_get_is_a_head_too(server: Served, path: str) -> None:
    asked = f"{path}?nonce={'5a' * 16}" if path == "/api/pairing" else path
    head = await server.api.ask("HEAD", asked)
    assert head.status == 200
    assert head.body == b""


async def test_parameters_that_nobody_knows_are_told(server: Served) -> None:
    for path in ("server", "engines", "sessions", "usage", "errors", "chimes", "events", "voices/tone/tone"):
        words = "There is no parameter 'x'. There are: none."
        assert await server.api.refused("GET", f"/api/{path}?x=1") == (400, "bad_setting", words)


async def test_a_wrong_method_is_told_with_the_right_ones(server: Served) -> None:
    async with server.api.connected() as client:
        answer = await client.ask("PATCH /api/sessions HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert (answer.status, answer.headers["allow"]) == (405, "DELETE,GET,HEAD")
