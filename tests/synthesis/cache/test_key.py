"""What makes another key, and what does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from wyoming_server.engines.base import Engine
from wyoming_server.models import ConverterChoice, FormatWish, SynthesisRequest, TextFormat, VoiceSettings
from wyoming_server.roster import Roster
from wyoming_server.synthesis.cache.key import key_of
from wyoming_server.synthesis.sources import Sources

from ...converters.cases import new_converter
from ...engines.cases import new_engine
from ..converting import TONE

SETTINGS: dict[str, Any] = {
    "speed": 1.5,
    "pitch": 2.0,
    "volume": 25.0,
    "emotion": "happy",
    "emotion_scale": 2.0,
    "instructions": "softly",
}


def key(
    engine: Engine | None = None, *, text: str = "Hello.", voice: dict[str, Any] | None = None, gain: Any = None, **request: Any
) -> str:
    engine = engine or new_engine("tone")
    gain = gain or new_converter("gain")
    asked = SynthesisRequest(voice=replace(TONE, engine=engine.name, **(voice or {})), **request)
    sources = Sources(Roster.of({engine.name: engine}), Roster.of({gain.name: gain}))
    return key_of(asked, text, sources.source(asked), *sources.makers(asked))


def openspeech(**options: Any) -> Engine:
    return new_engine("openspeech", **{"appid": "1234567890", "token": "access-token", **options})


def test_it_is_a_digest_that_stays_the_same() -> None:
    assert key() == key()
    assert len(key()) == 64
    assert set(key()) <= set("0123456789abcdef")


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_that_the_engine_takes_is_heard(name: str) -> None:
    """And what Herald does itself is done for each listener."""
    engine = new_engine("tone")
    other = VoiceSettings(**{name: SETTINGS[name]})
    changes = key(engine, settings=other) != key(engine)
    assert changes is (name not in ("speed", "volume"))
    assert key(engine, settings=other) == key(engine, voice={"settings": other})


@pytest.mark.parametrize(
    "other",
    [
        {"text": "Hello!"},
        {"text_format": TextFormat.SSML},
        {"voice": {"engine_voice": "other"}},
        {"voice": {"name": "other"}},
        {"voice": {"languages": ("de-DE", "en-US")}},
        {"settings": VoiceSettings(extras={"frequency": 880})},
        {"format": FormatWish(rate=48_000)},
        {"voice": {"converter": ConverterChoice(converter="gain", speaker="loud")}},
    ],
)
def test_another_sound_has_another_key(other: dict[str, Any]) -> None:
    assert key(**other) != key()


@pytest.mark.parametrize(
    "other",
    [
        {"voice": {"description": "Other"}},
        {"voice": {"trim_silence": False, "even_loudness": False}},
        {"voice": {"languages": ("en-US", "de-DE")}},
        {"chime": "a" * 64},
        {"share": "kitchen"},
        {"format": FormatWish(channels=2)},
    ],
)
def test_what_is_behind_the_sound_changes_nothing(other: dict[str, Any]) -> None:
    assert key(**other) == key()


@pytest.mark.parametrize("options", [{"token": "another"}, {"appid": "99"}, {"concurrency": 7}])
def test_another_account_or_more_at_once_is_the_same_sound(options: dict[str, Any]) -> None:
    assert key(openspeech(**options)) == key(openspeech())


def test_another_service_is_another_sound() -> None:
    assert key(openspeech(url="wss://elsewhere.example/")) != key(openspeech())


@pytest.mark.parametrize(
    "choice",
    [
        ConverterChoice(converter="gain", speaker="half"),
        ConverterChoice(converter="gain", speaker="loud", settings={"fail_at": 3}),
    ],
)
def test_another_converted_voice_has_another_key(choice: ConverterChoice) -> None:
    loud = ConverterChoice(converter="gain", speaker="loud")
    assert key(voice={"converter": choice}) != key(voice={"converter": loud})
    assert key(voice={"converter": replace(loud, consent=True)}) == key(voice={"converter": loud})


def test_another_espeak_is_another_sound() -> None:
    class Newer(type(new_engine("espeak"))):  # type: ignore[misc]
        def sound_of(self, voice_id: str) -> str:
            return "newer"

    engine = new_engine("espeak")
    assert engine.sound_of("en-GB")
    assert key(Newer("espeak", engine.options)) != key(engine)
