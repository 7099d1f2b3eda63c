"""Engines and converters: how they are, and credentials that are set, tried and deleted; no value is ever told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ...serving import TONE
from .serving import Served, served, with_cloud

SECRET = "a-very-secret-value"


@pytest.fixture
async def cloudy(tmp_path: Path) -> AsyncIterator[Served]:
    """With an engine that has no credentials yet."""
    async with with_cloud(tmp_path) as (server, _):
        yield server


def field(service: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(field for field in service["credentials"] if field["name"] == name)
    return found


async def test_engines_are_listed_with_those_that_only_lack_credentials(cloudy: Served) -> None:
    engines = {one["name"]: one for one in (await cloudy.api.get("/api/engines"))["engines"]}
    assert list(engines)[:2] == ["openspeech", "tone"]
    assert (engines["tone"]["state"], engines["tone"]["configured"], engines["tone"]["credentials"]) == ("untried", True, [])
    assert (engines["openspeech"]["state"], engines["openspeech"]["configured"]) == ("not_set", True)
    assert engines["openspeech"]["any_of"] == [["api_key"], ["appid", "token"]]
    assert (engines["dashscope"]["state"], engines["dashscope"]["configured"]) == ("not_set", False)
    assert "espeak" not in engines


async def test_a_form_can_be_drawn_of_what_an_engine_tells(cloudy: Served) -> None:
    service = await cloudy.api.get("/api/engines/openspeech")
    api_key, url = field(service, "api_key"), field(service, "url")
    assert (api_key["kind"], api_key["secret"], api_key["set"], api_key["source"]) == ("secret", True, False, None)
    assert api_key["label"]
    assert (url["kind"], url["secret"], url["set"], url["source"], url["read_only"]) == ("url", False, True, "file", True)


async def test_converters_have_the_same(tmp_path: Path) -> None:
    async with served(tmp_path, f"{TONE}converters: {{gain: {{}}}}\n") as server:
        converters = {one["name"]: one for one in (await server.api.get("/api/converters"))["converters"]}
        assert (converters["gain"]["kind"], converters["gain"]["configured"]) == ("converter", True)
        assert (converters["sami"]["state"], converters["sami"]["configured"]) == ("not_set", False)
        assert await server.api.get("/api/converters/sami") == converters["sami"]
        assert (await server.api.post("/api/converters/gain/verify"))["ok"] is True
        assert (await server.api.refused("PUT", "/api/converters/gain/credentials", {"credentials": {"key": "x"}}))[:2] == (
            400,
            "bad_setting",
        )


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/engines/nobody"),
        ("GET", "/api/engines/gain"),
        ("GET", "/api/converters/tone"),
        ("POST", "/api/engines/nobody/verify"),
        ("DELETE", "/api/engines/nobody/credentials"),
    ],
)
async def test_an_unknown_one_is_told_with_those_that_there_are(cloudy: Served, method: str, path: str) -> None:
    status, code, words = await cloudy.api.refused(method, path)
    assert (status, code) == (404, "unknown_engine")
    assert " There are " in words


async def test_credentials_are_set_tried_and_deleted(cloudy: Served) -> None:
    path = "/api/engines/openspeech"
    service = await cloudy.api.put(f"{path}/credentials", {"credentials": {"api_key": "api-key"}})
    assert (service["state"], field(service, "api_key")["set"], field(service, "api_key")["source"]) == (
        "untried",
        True,
        "stored",
    )
    verdict = await cloudy.api.post(f"{path}/verify")
    assert (verdict["ok"], verdict["code"]) == (True, None)
    assert (await cloudy.api.get(path))["state"] == "ready"
    service = await cloudy.api.delete(f"{path}/credentials")
    assert (service["state"], field(service, "api_key")["set"]) == ("not_set", False)


async def test_wrong_credentials_are_an_answer_and_no_error(cloudy: Served) -> None:
    await cloudy.api.put("/api/engines/openspeech/credentials", {"credentials": {"api_key": SECRET}})
    answer = await cloudy.api.ask("POST", "/api/engines/openspeech/verify")
    assert answer.status == 200
    assert (answer.json["ok"], answer.json["code"]) == (False, "credentials_refused")
    assert SECRET not in answer.body.decode()
    service = await cloudy.api.get("/api/engines/openspeech")
    assert (service["state"], service["code"]) == ("refused", "credentials_refused")
    assert SECRET not in str(service)


async def test_a_candidate_is_tried_and_not_stored(cloudy: Served) -> None:
    path, good = "/api/engines/openspeech", {"credentials": {"appid": "1234567890", "token": "access-token"}}
    assert (await cloudy.api.post(f"{path}/verify", good))["ok"] is True
    assert (await cloudy.api.post(f"{path}/verify", {**good, "voice": "zh_female_vv_uranus_bigtts"}))["ok"] is True
    service = await cloudy.api.get(path)
    assert (service["state"], field(service, "token")["set"]) == ("not_set", False)


async def test_a_field_that_is_not_named_keeps_what_it_has_and_null_removes_one(cloudy: Served) -> None:
    path = "/api/engines/openspeech/credentials"
    await cloudy.api.put(path, {"credentials": {"appid": "1234567890", "token": "access-token"}})
    service = await cloudy.api.put(path, {"credentials": {"token": None}})
    assert (field(service, "appid")["set"], field(service, "token")["set"]) == (True, False)
    service = await cloudy.api.put(path, {"credentials": {}})
    assert field(service, "appid")["set"] is True


async def test_what_stands_in_the_file_is_read_only(tmp_path: Path) -> None:
    async with with_cloud(tmp_path, api_key=SECRET) as (server, _):
        change = {"credentials": {"api_key": "other"}}
        status, code, words = await server.api.refused("PUT", "/api/engines/openspeech/credentials", change)
        assert (status, code) == (409, "read_only")
        assert "herald.yaml" in words
        assert SECRET not in str(await server.api.get("/api/engines"))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "credentials is missing."),
        ({"credentials": None}, "credentials is missing."),
        ({"credential": {}}, "There is no field 'credential'; you may mean credentials."),
        ({"credentials": {}, "x": 1}, "There is no field 'x'. There are: credentials."),
        ({"credentials": [SECRET]}, "credentials is an object: the credentials by their names."),
        ({"credentials": {"api_key": 5}}, "The credential api_key of openspeech must be text."),
    ],
)
async def test_what_is_no_set_of_credentials_is_told_without_a_value(cloudy: Served, body: Any, words: str) -> None:
    assert await cloudy.api.refused("PUT", "/api/engines/openspeech/credentials", body) == (400, "bad_setting", words)


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"null", b'"x"', b"\xff", b"[" * 5000])
async def test_a_body_that_is_no_object_is_told(cloudy: Served, body: bytes) -> None:
    status, code, words = await cloudy.api.refused("PUT", "/api/engines/openspeech/credentials", body)
    assert (status, code) == (400, "protocol")
    assert words.startswith("The body is not ")


async def test_a_credential_that_is_too_long_is_told_with_both_numbers(cloudy: Served) -> None:
    body = {"credentials": {"api_key": "x" * 4097}}
    status, code, words = await cloudy.api.refused("PUT", "/api/engines/openspeech/credentials", body)
    assert (status, code) == (413, "too_large")
    assert "4097" in words
    assert "4096" in words


async def test_an_unknown_credential_is_told_with_those_that_there_are(cloudy: Served) -> None:
    body = {"credentials": {"apikey": SECRET}}
    status, code, words = await cloudy.api.refused("PUT", "/api/engines/openspeech/credentials", body)
    assert (status, code) == (400, "bad_setting")
    assert "api_key" in words
    assert SECRET not in words
