"""Voices: the list and its filters, one voice, and what its schema of settings promises."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from wyoming_server.engines.tone import ToneEngine
from wyoming_server.errors import BadSetting
from wyoming_server.frontends.control.settings import settings_schema
from wyoming_server.models import Capabilities, Voice, VoiceSettings

from ...engines.cases import CASES, new_engine
from ...serving import TONE
from .serving import VOICES, Served, served, with_cloud


@pytest.fixture
async def voices(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path, TONE + VOICES) as all_of_it:
        yield all_of_it


def names(listed: dict[str, Any]) -> list[str]:
    return [voice["name"] for voice in listed["voices"]]


async def test_voices_are_listed_with_all_that_is_known_of_them(voices: Served) -> None:
    listed = await voices.api.get("/api/voices")
    assert listed["revision"] == voices.server.speech.catalogue.revision
    assert listed["default"] == "tone/tone"
    assert names(listed) == ["Anna", "Loud", "Frequent", "tone/tone"]
    assert listed["voices"][0] == {
        "name": "Anna",
        "engine": "tone",
        "engine_voice": "tone",
        "language": "de-DE",
        "languages": ["de-DE", "en-GB"],
        "gender": "female",
        "description": "Friendly",
        "scene": "",
        "emotions": [],
        "configured": True,
        "needs_consent": False,
        "consent": False,
        "converter": None,
    }
    assert listed["voices"][1]["converter"] == {"name": "gain", "speaker": "loud", "on_failure": "bypass"}
    assert listed["voices"][3]["configured"] is False


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("language=en", ["Anna", "Loud", "tone/tone"]),
        ("language=en-GB", ["Anna"]),
        ("language=EN_us", ["Loud", "tone/tone"]),
        ("language=e", []),
        ("gender=male", ["Frequent"]),
        ("gender=female&language=de", ["Anna"]),
        ("gender=female&language=fr", []),
        ("engine=tone", ["Anna", "Loud", "Frequent", "tone/tone"]),
        ("engine=none", []),
        ("language=&engine=", ["Anna", "Loud", "Frequent", "tone/tone"]),
        ("token=whatever", ["Anna", "Loud", "Frequent", "tone/tone"]),
    ],
)
async def test_voices_are_filtered(voices: Served, query: str, found: list[str]) -> None:
    assert names(await voices.api.get(f"/api/voices?{query}")) == found


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("lanugage=en", "There is no parameter 'lanugage'; you may mean language."),
        ("zzz=1", "There is no parameter 'zzz'. There are: language, engine, gender."),
        ("gender=x", "gender is one of female, male, neutral, not 'x'."),
        ("gender=male&gender=female", "gender is said 2 times; say it once."),
        (f"language={'x' * 257}", "language has 257 characters; 256 are allowed."),
    ],
)
async def test_a_filter_that_is_none_is_told(voices: Served, query: str, words: str) -> None:
    assert await voices.api.refused("GET", f"/api/voices?{query}") == (400, "bad_setting", words)


@pytest.mark.parametrize("path", ["tone/tone", "tone%2Ftone", "tone", "en"])
async def test_a_voice_is_found_by_everything_that_it_is_called(voices: Served, path: str) -> None:
    assert (await voices.api.get(f"/api/voices/{path}"))["engine_voice"] == "tone"


async def test_an_alias_leads_to_the_voice_that_it_means(voices: Served) -> None:
    assert (await voices.api.get("/api/voices/boss"))["name"] == "Anna"


async def test_an_unknown_voice_is_told_with_the_nearest(voices: Served) -> None:
    status, code, words = await voices.api.refused("GET", "/api/voices/Ann")
    assert (status, code) == (404, "unknown_voice")
    assert "Did you mean Anna?" in words


async def test_settings_are_the_ranges_of_the_engine_with_the_voices_own_as_defaults(voices: Served) -> None:
    settings = (await voices.api.get("/api/voices/Anna"))["settings"]
    assert settings["additionalProperties"] is False
    properties = settings["properties"]
    assert properties["speed"] == {
        "type": "number",
        "minimum": 0.25,
        "maximum": 4,
        "description": "Factor; 1 is the engine's own.",
        "default": 1.5,
    }
    assert "pitch" not in properties
    assert properties["frequency"] == {"type": "integer", "minimum": 20, "maximum": 20_000}
    assert properties["converter"]["examples"][:2] == ["none", "gain/same"]
    assert "default" not in properties["converter"]
    assert {"chime", "share"} < set(properties)
    assert (properties["speakable_text"]["type"], properties["speakable_text"]["default"]) == ("boolean", True)


async def test_extras_and_the_converter_of_a_voice_are_defaults_too(voices: Served) -> None:
    assert (await voices.api.get("/api/voices/Frequent"))["settings"]["properties"]["frequency"]["default"] == 880
    assert (await voices.api.get("/api/voices/Loud"))["settings"]["properties"]["converter"]["default"] == "gain/loud"


async def test_without_converters_there_is_no_such_setting(tmp_path: Path) -> None:
    async with served(tmp_path) as plain:
        assert "converter" not in (await plain.api.get("/api/voices/tone/tone"))["settings"]["properties"]


async def test_what_the_schema_allows_is_taken_and_what_it_forbids_is_not(voices: Served) -> None:
    properties = (await voices.api.get("/api/voices/Anna"))["settings"]["properties"]
    for name in ("speed", "volume", "frequency"):
        for value, step in ((properties[name]["minimum"], -1), (properties[name]["maximum"], 1)):
            good = await voices.api.ask("POST", "/api/tts/stream", speech(**{name: value}))
            bad = await voices.api.ask("POST", "/api/tts/stream", speech(**{name: value + step}))
            assert (good.status, bad.status) == (200, 400), name


def speech(**options: Any) -> dict[str, Any]:
    """Of nothing that can be heard: an answer without audio has a length."""
    return {"text": "…", "voice": "Anna", "format": "pcm", "options": options}


async def test_emotions_and_consent_are_the_engines(tmp_path: Path) -> None:
    async with with_cloud(tmp_path, api_key="api-key") as (cloudy, _):
        listed = (await cloudy.api.get("/api/voices?engine=openspeech"))["voices"]
        emotional = next(voice for voice in listed if voice["emotions"])
        detail = await cloudy.api.get(f"/api/voices/{emotional['name']}")
        assert detail["settings"]["properties"]["emotion"]["enum"] == emotional["emotions"]
        clone = await cloudy.api.get("/api/voices/openspeech/S_1234567")
        assert (clone["needs_consent"], clone["consent"]) == (True, False)


async def test_a_person_as_whom_a_voice_is_heard_must_agree_as_well(tmp_path: Path) -> None:
    clone = "{engine: tone, voice: tone, language: en, converter: {type: gain, speaker: somebody, consent: true}}"
    async with served(tmp_path, f"{TONE}converters: {{gain: {{}}}}\nvoices: {{Clone: {clone}}}\n") as server:
        voice = await server.api.get("/api/voices/Clone")
        assert (voice["needs_consent"], voice["consent"]) == (True, True)


async def test_a_server_without_voices_has_no_default(tmp_path: Path) -> None:
    nobody = 'engines: {espeak: {enabled: false}, wyoming: {uri: "tcp://127.0.0.1:1"}}'
    yaml = TONE.replace("engines: {tone: {per_character: 0.01}, espeak: {enabled: false}}", nobody)
    async with served(tmp_path, yaml.replace("default_voice: tone/tone", "")) as server:
        listed = await server.api.get("/api/voices")
        assert (listed["default"], listed["voices"]) == (None, [])


def test_a_voice_whose_engine_contradicts_itself_has_the_settings_of_the_others() -> None:
    class Contradicting(ToneEngine):
        def capabilities_of(self, voice_id: str, settings: VoiceSettings) -> Capabilities:
            raise BadSetting

    voice = Voice(name="v", engine="tone", engine_voice="v", languages=("en",))
    engine = Contradicting("tone", new_engine("tone").options)
    assert settings_schema(voice, engine, {}) == settings_schema(voice, new_engine("tone"), {})
    herald = {"speed", "volume", "chime", "share", "cache", "fallback", "speakable_text"}
    assert set(settings_schema(voice, None, {})["properties"]) == herald
    raw = settings_schema(replace(voice, speakable_text=False), None, {})
    assert raw["properties"]["speakable_text"]["default"] is False


@pytest.mark.parametrize("name", CASES)
async def test_every_engine_has_a_schema_for_each_of_its_voices(name: str) -> None:
    async with CASES[name]() as engine:
        for voice in await engine.voices():
            schema = settings_schema(voice, engine, {})
            assert engine.extra_names() <= set(schema["properties"])
            jsonschema_rs.meta.validate(schema)
            jsonschema_rs.validate(schema, {"speed": 1, "volume": 50, "share": "kitchen"})
