"""What a request's fields become: settings of the voice's engine, or an error in words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
import voluptuous as vol

from wyoming_server.engines.registry import ENGINES
from wyoming_server.engines.tone import ToneEngine
from wyoming_server.errors import BadSetting, ConsentRequired, EngineUnavailable, UnknownVoice
from wyoming_server.frontends.indextts.requests import read_request
from wyoming_server.models import FormatWish, SynthesisRequest, Voice
from wyoming_server.protocols.indextts import EmoMode, Request
from wyoming_server.server import Running

from ..serving import TONE, serving

VECTOR = (0.8, 0.0, 0.0, 0.0, 0.0, 0.0, 0.2, 0.0)
YAML = (
    TONE.replace("engines: {", "engines: {feeling: {type: dashscope}, quick: {type: flowing}, ")
    + """
voices:
  dad: {engine: feeling, voice: tone, aliases: [asset/dad.wav], interval_silence: 400}
  happy dad: {engine: feeling, voice: happy one, consent: true}
  mum: {engine: tone, voice: tone}
  quick: {engine: quick, voice: tone}
"""
)


class FeelingTone(ToneEngine):
    """Takes what IndexTTS takes. A voice other than `tone` is a person's."""

    extras_schema: ClassVar[Mapping[Any, Any]] = {
        vol.Optional("emo_mode"): vol.In([str(mode) for mode in EmoMode]),
        vol.Optional("emo_audio"): str,
        vol.Optional("emo_vector"): [float],
        vol.Optional("emo_text"): str,
        vol.Optional("emo_alpha"): float,
        vol.Optional("interval_silence"): int,
        vol.Optional("max_tokens"): int,
        vol.Optional("use_random"): bool,
    }

    def needs_consent(self, voice_id: str) -> bool:
        return voice_id != "tone"

    def unlisted_voice(self, voice_id: str) -> Voice | None:
        return Voice(name=voice_id, engine=self.name, engine_voice=voice_id, languages=("en-US",))


class QuickTone(ToneEngine):
    """Takes one thing of it."""

    extras_schema: ClassVar[Mapping[Any, Any]] = {vol.Optional("max_tokens"): int}


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    monkeypatch.setitem(ENGINES, "dashscope", f"{__name__}:FeelingTone")
    monkeypatch.setitem(ENGINES, "flowing", f"{__name__}:QuickTone")
    async with serving(tmp_path, YAML) as server:
        yield server


def read(server: Running, prompt_audio: str = "dad", **fields: Any) -> SynthesisRequest:
    asked = Request(text="Hello.", prompt_audio=prompt_audio, **fields)
    return read_request(asked, server.speech.catalogue, server.speech.synthesizer)


def extras(server: Running, prompt_audio: str = "dad", **fields: Any) -> Mapping[str, Any]:
    return read(server, prompt_audio, **fields).settings.extras


async def test_the_wish_is_22050_hz_mono(server: Running) -> None:
    assert read(server).format == FormatWish(rate=22_050, channels=1)


@pytest.mark.parametrize("name", ["dad", "asset/dad.wav"])
async def test_a_prompt_is_a_voice_or_its_alias(server: Running, name: str) -> None:
    assert read(server, name).voice.name == "dad"


@pytest.mark.parametrize("name", ["asset/zero_shot_prompt.wav", ""])
async def test_the_documents_prompt_and_none_at_all_are_the_default_voice(server: Running, name: str) -> None:
    assert read(server, name).voice.name == "tone/tone"


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../../dad.wav", "prompts/dad.wav", "file:///dad.wav", "C:\\dad.wav", "feeling/../tone", "dad\0"]
)
async def test_a_path_is_no_voice(server: Running, path: str) -> None:
    with pytest.raises(UnknownVoice, match="There is no voice"):
        read(server, path)


# What every request of the document has


async def test_what_the_voices_engine_takes_is_passed_on(server: Running) -> None:
    said: dict[str, Any] = {"interval_silence": 50, "max_tokens": 80, "use_random": True}
    assert extras(server, **said) == said
    assert extras(server, "quick", **said) == {"max_tokens": 80}
    assert extras(server, "mum", **said) == {}


async def test_the_documents_defaults_are_no_wish_so_the_voices_own_setting_holds(server: Running) -> None:
    assert extras(server, interval_silence=200, max_tokens=120, use_random=False) == {}


# Emotions


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"emo_mode": EmoMode.NONE}, {}),
        ({"emo_mode": EmoMode.VECTOR, "emo_vector": VECTOR}, {"emo_mode": "vector", "emo_vector": list(VECTOR)}),
        (
            {"emo_mode": EmoMode.TEXT, "emo_text": "我太开心了！", "emo_alpha": 0.9},
            {"emo_mode": "text", "emo_text": "我太开心了！", "emo_alpha": 0.9},
        ),
        (
            {"emo_mode": EmoMode.AUDIO, "emo_audio": "happy dad", "emo_alpha": 0.8},
            {"emo_mode": "audio", "emo_audio": "happy one", "emo_alpha": 0.8},
        ),
        (
            {"emo_mode": EmoMode.AUDIO, "emo_audio": "asset/dad.wav"},
            {"emo_mode": "audio", "emo_audio": "tone", "emo_alpha": 1.0},
        ),
        (
            {"emo_mode": EmoMode.AUDIO, "emo_audio": "laughing"},
            {"emo_mode": "audio", "emo_audio": "laughing", "emo_alpha": 1.0},
        ),
    ],
    ids=["none", "vector", "text", "a voice", "an alias", "a name of the engine's own"],
)
async def test_an_emotion_becomes_the_engines_own_settings(
    server: Running, fields: Mapping[str, Any], expected: Mapping[str, Any]
) -> None:
    assert extras(server, **fields) == expected


async def test_an_emotion_of_another_engines_voice_is_an_error(server: Running) -> None:
    with pytest.raises(BadSetting, match="emo_audio 必须与 prompt_audio 属于同一引擎：mum 属于 tone，dad 属于 feeling"):
        read(server, emo_mode=EmoMode.AUDIO, emo_audio="mum")


@pytest.mark.parametrize("name", ["mum", "quick"])
@pytest.mark.parametrize("mode", [EmoMode.AUDIO, EmoMode.VECTOR, EmoMode.TEXT])
async def test_an_emotion_of_a_voice_without_any_is_an_error(server: Running, name: str, mode: EmoMode) -> None:
    with pytest.raises(BadSetting, match=f"emo_mode {mode} 不适用于音色 {name}"):
        read(server, name, emo_mode=mode, emo_vector=VECTOR, emo_text="x", emo_audio="mum")


# What else can be known beforehand


async def test_a_person_is_imitated_only_with_consent(server: Running) -> None:
    assert read(server, "happy dad").voice.consent
    with pytest.raises(ConsentRequired, match="may be a real person"):
        read(server, "feeling/stranger")


async def test_an_engine_that_is_not_there_any_more_is_told(server: Running) -> None:
    await server.speech.engines.apply({})  # the catalogue has not heard of it
    with pytest.raises(EngineUnavailable, match="needs the engine feeling"):
        read(server)
