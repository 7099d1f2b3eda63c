"""What is asked of the service: model by voice, rate, pitch, and what the vendor's own names add."""

from __future__ import annotations

from typing import Any

import pytest

from wyoming_server.engines.dashscope import voices
from wyoming_server.engines.dashscope.voices import mismatch, model_of, voice_table
from wyoming_server.errors import BadSetting, ConfigError
from wyoming_server.models import TextFormat, VoiceSettings

from .speaking import TEXT, VOICE, at_service, hear, how, made, tasks

PLAIN = {
    "voice": VOICE,
    "format": "pcm",
    "sample_rate": 24_000,
    "volume": 50,
    "rate": 1.0,
    "pitch": 1.0,
    "text_type": "PlainText",
    "word_timestamp_enabled": False,
}
ASKED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"speed": 2.0}, {"rate": 2.0}),
    ({"speed": 0.5}, {"rate": 0.5}),
    ({"pitch": 12.0}, {"pitch": 2.0}),
    ({"pitch": -12.0}, {"pitch": 0.5}),
    ({"pitch": 2.0}, {"pitch": 1.122}),
    ({"timestamps": True}, {"word_timestamp_enabled": True}),
    ({"parameters": {"seed": 7, "language_hints": ["en"]}}, {"seed": 7, "language_hints": ["en"]}),
    ({"rate": 8_000}, {"sample_rate": 8_000}),
    ({"rate": 11_025}, {"sample_rate": 16_000}),
    ({"rate": 96_000}, {"sample_rate": 48_000}),
]


@pytest.mark.parametrize(("settings", "changed"), ASKED, ids=str)
async def test_settings_become_the_services_parameters(settings: dict[str, Any], changed: dict[str, Any]) -> None:
    async with at_service() as (service, engine):
        utterance = how(**settings)
        await hear(engine, TEXT, utterance=utterance)
        (task,) = tasks(service)
        assert task["model"] == "cosyvoice-v2"
        assert task["parameters"] == PLAIN | changed
        assert engine.native_format(utterance).rate == task["parameters"]["sample_rate"]


async def test_words_about_how_to_speak_go_where_they_are_understood() -> None:
    async with at_service() as (service, engine):
        await hear(engine, TEXT, utterance=how("longanyang", instructions="Whisper."))
        assert tasks(service)[0]["parameters"]["instruction"] == "Whisper."
    for voice, takes in {"longanyang": True, "cosyvoice-v3-plus-me-1": True, VOICE: False, "longwan_v3": False}.items():
        assert ("instructions" in engine.capabilities_of(voice, VoiceSettings()).settings) is takes


async def test_the_handshake_carries_the_key_and_the_workspace() -> None:
    async with at_service(engine={"workspace": "ws-1"}) as (service, engine):
        await hear(engine, TEXT)
        headers = service.all("handshake")[0].detail["headers"]
        assert headers["Authorization"] == "Bearer sk-api-key"
        assert headers["X-DashScope-WorkSpace"] == "ws-1"


WRONG: list[dict[str, Any]] = [
    {"speed": 2.1},
    {"speed": 0.4},
    {"pitch": 12.5},
    {"emotion": "happy"},
    {"instructions": "Whisper."},
]


@pytest.mark.parametrize("settings", WRONG, ids=str)
def test_what_the_voice_does_not_take_is_refused_in_words(settings: dict[str, Any]) -> None:
    with pytest.raises(BadSetting, match="DashScope voices take"):
        made().check_request(VoiceSettings.parse(settings), TextFormat.TEXT, VOICE)


@pytest.mark.parametrize(
    "options", [{"url": "dashscope.aliyuncs.com"}, {"url": "ws://x/?k"}, {"api_key": "sk\u200b"}, {"workspace": "a\nb"}]
)
def test_options_that_cannot_work_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"url is an address|api_key or workspace"):
        made(**options)


# Models


MODELS = {
    "longwan": "cosyvoice-v1",
    "longwan_v2": "cosyvoice-v2",
    "longanrou": "cosyvoice-v2",
    "longanyang": "cosyvoice-v3-flash",
    "longwan_v3": "cosyvoice-v3-flash",
    "longnewcomer_v2": "cosyvoice-v2",
    "longnewcomer_v3": "cosyvoice-v3-flash",
    "cosyvoice-v1-me-1234": "cosyvoice-v1",
    "cosyvoice-v2-me-1234": "cosyvoice-v2",
    "cosyvoice-v3-flash-me-1234": "cosyvoice-v3-flash",
    "cosyvoice-v3.5-plus-me-1234": "cosyvoice-v3.5-plus",
    "somebody": "cosyvoice-v2",
}


@pytest.mark.parametrize(("voice", "model"), MODELS.items())
def test_a_voice_tells_its_model(voice: str, model: str) -> None:
    assert model_of(voice) == model


@pytest.mark.parametrize("where", ["voice", "engine"])
async def test_a_model_that_is_configured_is_asked_for(where: str) -> None:
    engine_options = {"model": "cosyvoice-v3-plus"} if where == "engine" else {}
    async with at_service(engine=engine_options) as (service, engine):
        settings: dict[str, Any] = {"model": "cosyvoice-v3-plus"} if where == "voice" else {}
        await hear(engine, TEXT, utterance=how("longanyang", **settings))
        assert tasks(service)[0]["model"] == "cosyvoice-v3-plus"


@pytest.mark.parametrize(
    ("voice", "model"), [("longwan", "cosyvoice-v2"), ("longwan_v2", "cosyvoice-v3-flash"), ("cosyvoice-v1-me-1", "cosyvoice-v2")]
)
def test_a_model_of_another_version_is_refused_in_words(voice: str, model: str) -> None:
    with pytest.raises(BadSetting, match=rf"belongs to the model {model_of(voice)}, not to '{model}'"):
        made().check_request(VoiceSettings.parse({"model": model}), TextFormat.TEXT, voice)


def test_models_of_one_generation_share_their_voices() -> None:
    assert mismatch("longanyang", "cosyvoice-v3-plus") is None
    assert mismatch("somebody", "cosyvoice-v9") is None


# Voices


async def test_the_engine_lists_what_its_model_speaks() -> None:
    everything = await made().voices()
    assert len(everything) == len(voice_table())
    some = await made(model="cosyvoice-v2").voices()
    assert {model_of(voice.engine_voice) for voice in some} == {"cosyvoice-v2"}


def test_every_row_of_the_table_is_whole() -> None:
    assert len(voice_table()) > 100
    for facts in voice_table().values():
        assert facts.model.startswith("cosyvoice-v")
        assert facts.languages
        assert facts.name
        assert mismatch(facts.voice, facts.model) is None


def test_whatever_is_not_listed_may_be_a_real_person() -> None:
    engine = made()
    assert not engine.needs_consent("longwan_v2")
    for voice in ("cosyvoice-v2-me-1234", "somebody"):
        assert engine.needs_consent(voice)
        assert engine.unlisted_voice(voice) is not None
    assert engine.unlisted_voice("no such voice!") is None
    listed = engine.unlisted_voice("longjiayi_v3")
    assert listed is not None
    assert listed.languages == ("yue", "en-US")


def test_the_default_model_is_one_of_the_table() -> None:
    assert voices.MODEL in {facts.model for facts in voice_table().values()}
