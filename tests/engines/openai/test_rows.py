"""Every row of the table, at the server that it describes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest
import voluptuous as vol

from wyoming_server.engines.base import Utterance
from wyoming_server.engines.openai.engine import OpenAIEngine
from wyoming_server.engines.openai.profiles import DETAILS, FORMATS, OWN_OPTIONS, PROFILES, Profile
from wyoming_server.errors import BadSetting, ConfigError, VoiceRefused
from wyoming_server.models import AudioFormat, Range, TextFormat, VoiceSettings

from ...simulators.openai import PROFILES as SERVERS
from .speaking import NEEDED, TEXT, VOICES, Fault, at, hear, how, made, spoken, written

WAV = {"input": TEXT, "response_format": "wav"}
ASKED: Mapping[str, Mapping[str, Any]] = {
    "openai": {**WAV, "voice": "alloy", "model": "gpt-4o-mini-tts", "stream_format": "audio"},
    "kokoro": {"input": TEXT, "response_format": "pcm", "voice": "af_heart", "model": "kokoro", "stream": True},
    "speaches": {**WAV, "voice": "af_heart", "model": "speaches-ai/Kokoro-82M-v1.0-ONNX", "stream_format": "audio"},
    "vllm-omni": {**WAV, "voice": "vivian", "stream_format": "audio"},
    "index-tts-vllm": {**WAV, "voice": "jay_klee"},
    "gpt-sovits": {
        "text": TEXT,
        "text_lang": "en",
        "ref_audio_path": "voices/one.wav",
        "prompt_lang": "en",
        "media_type": "wav",
        "streaming_mode": True,
    },
}


async def spoken_seconds(engine: OpenAIEngine, utterance: Utterance) -> float:
    """Of TEXT, by the format that this very utterance was promised."""
    promised = engine.native_format(utterance)
    events = [event async for event in engine.speak(written(TEXT), utterance)]
    return promised.seconds(sum(len(event) for event in events if isinstance(event, bytes)))


def test_every_server_of_the_simulator_has_its_row() -> None:
    assert set(SERVERS) == set(PROFILES) - {"generic"} == set(ASKED)


@pytest.mark.parametrize("profile", ASKED)
async def test_it_asks_in_the_servers_own_words_and_hears_every_sample(profile: str) -> None:
    async with at(profile) as (service, engine):
        utterance = how(VOICES[profile])
        await hear(engine, utterance=utterance)
        heard = await hear(engine, utterance=how(VOICES[profile]))  # its rate is known now
        assert heard.audio == spoken(TEXT, service.profile.rate)
        assert [request.body for request in service.spoken] == [ASKED[profile]] * 2
        assert service.spoken[0].connection == service.spoken[1].connection


@pytest.mark.parametrize("profile", ASKED)
async def test_another_rate_than_the_promised_is_made_the_promised_one(profile: str) -> None:
    async with at(profile, rate=16_000, engine={"format": "wav"}) as (_, engine):
        utterance = how(VOICES[profile])
        promised = engine.native_format(utterance)
        assert promised.rate != 16_000
        assert await spoken_seconds(engine, utterance) == pytest.approx(0.06 * len(TEXT), abs=0.001)
        assert engine.native_format(utterance) == promised
        assert engine.native_format(how(VOICES[profile])) == AudioFormat(rate=16_000)


@pytest.mark.parametrize("kind", FORMATS)
async def test_every_format_comes_out_as_the_same_speech(kind: str) -> None:
    async with at(engine={"format": kind}) as (service, engine):
        seconds = await spoken_seconds(engine, how())
        assert seconds == pytest.approx(0.06 * len(TEXT), abs=0.12)
        assert service.spoken[0].body["response_format"] == kind
        assert ("stream_format" in service.spoken[0].body) is (kind in {"wav", "pcm"})


@pytest.mark.parametrize("split", [1, 7, 4801])
@pytest.mark.parametrize("profile", ["openai", "speaches", "gpt-sovits"])
async def test_any_cut_of_the_body_gives_the_same_audio(profile: str, split: int) -> None:
    async with at(profile, rate=24_000, cuts=(split,) * 60, engine={"rate": 24_000}) as (_, engine):
        heard = await hear(engine, utterance=how(VOICES[profile]))
        assert heard.audio == spoken(TEXT, 24_000)


async def test_events_are_read_where_a_server_sends_them() -> None:
    extra = {"stream_format": "sse"}
    for profile, kind in (("openai", "wav"), ("vllm-omni", "pcm"), ("speaches", "mp3")):
        options = {**NEEDED.get(profile, {}), "format": kind, "extra_body": extra, "rate": 24_000}
        async with at(profile, rate=24_000, split=11, engine=options) as (service, engine):
            assert await spoken_seconds(engine, how(VOICES[profile])) == pytest.approx(0.06 * len(TEXT), abs=0.12)
            assert service.spoken[0].body["stream_format"] == "sse"


async def test_speed_instructions_and_model_are_passed_on() -> None:
    async with at(engine={"instructions": "Calmly."}) as (service, engine):
        heard = await hear(engine, utterance=how(speed=2.0))
        await hear(engine, utterance=how(instructions="Cheerfully."))
        await hear(engine, utterance=how(model="tts-1", speed=1.5))
        first, second, third = (request.body for request in service.spoken)
        assert heard.audio == spoken(TEXT, 24_000, 2.0)
        assert (first["speed"], first["instructions"]) == (2.0, "Calmly.")
        assert ("speed" not in second, second["instructions"]) == (True, "Cheerfully.")
        # what these models refuse is not sent
        assert third == {**WAV, "voice": "alloy", "model": "tts-1", "speed": 1.5}


def test_a_setting_that_the_model_does_not_take_is_refused_in_words() -> None:
    engine = made()
    engine.check_request(VoiceSettings(instructions="Whisper."), TextFormat.TEXT, "alloy")
    with pytest.raises(BadSetting, match="no instructions"):
        engine.check_request(VoiceSettings(instructions="Whisper.", extras={"model": "tts-1"}), TextFormat.TEXT, "alloy")
    with pytest.raises(BadSetting, match="makes no mp3, only wav"):
        made(profile="index-tts-vllm").check_request(VoiceSettings(extras={"format": "mp3"}), TextFormat.TEXT)
    with pytest.raises(BadSetting, match=r"speed from 0\.5 to 2"):
        made(profile="speaches").check_request(VoiceSettings(speed=3.0), TextFormat.TEXT)


@pytest.mark.parametrize("profile", ["vllm-omni", "index-tts-vllm", "gpt-sovits"])
async def test_a_speed_that_would_cost_the_streaming_is_left_to_herald(profile: str) -> None:
    async with at(profile) as (service, engine):
        assert "speed" not in engine.capabilities.settings
        await hear(engine, utterance=how(VOICES[profile]))
        assert not {"speed", "speed_factor"} & service.spoken[0].body.keys()


async def test_more_fields_go_in_last_and_none_takes_one_out() -> None:
    voices = {"af_heart": {"extra_body": {"volume_multiplier": 2.0}}}
    options = {"extra_body": {"lang_code": "b", "stream": None, "volume_multiplier": 1.0}, "voices": voices}
    async with at("kokoro", engine=options) as (service, engine):
        await hear(engine, utterance=how("af_heart", extra_body={"lang_code": "a"}))
        body = service.spoken[0].body
        assert (body["lang_code"], body["volume_multiplier"], "stream" in body) == ("a", 2.0, False)


@pytest.mark.parametrize("name", ["voice", "input", "ref_audio", "aux_ref_audio_paths", "voice_id", "Speaker", "prompt_text"])
def test_no_call_says_by_the_way_who_speaks(name: str) -> None:
    with pytest.raises(BadSetting, match="may not say who speaks"):
        made(profile="vllm-omni").check_request(VoiceSettings(extras={"extra_body": {name: "x"}}), TextFormat.TEXT, "vivian")


@pytest.mark.parametrize(
    "fields",
    [
        {"references": [{"audio_path": "https://stranger.example/mum.wav"}]},  # vLLM-Omni makes it ref_audio
        {"reference_id": "mum"},
        {"extra_params": {"deep": [{"speaker_embedding": [0.1]}]}},
        {"kwargs": '{"prompt_speech": "mum.wav"}'},  # Xinference reads it as JSON
    ],
)
def test_nor_does_it_by_another_name_or_inside_another_field(fields: dict[str, Any]) -> None:
    with pytest.raises(BadSetting, match="may not say who speaks"):
        made(profile="vllm-omni").check_request(VoiceSettings(extras={"extra_body": fields}), TextFormat.TEXT, "vivian")


def test_a_call_may_say_everything_else() -> None:
    fields = {"seed": 1, "sample_rate": 16000, "extra_params": {"temperature": 0.5, "input": "no text of ours"}}
    made(profile="vllm-omni").check_request(VoiceSettings(extras={"extra_body": fields}), TextFormat.TEXT, "vivian")


def test_fields_that_json_cannot_write_are_refused_when_they_are_read() -> None:
    with pytest.raises(vol.Invalid, match="cannot be written as JSON"):
        made(profile="kokoro", extra_body={"since": float("nan")})


def test_a_format_that_the_server_does_not_make_is_a_mistake_of_the_configuration() -> None:
    with pytest.raises(ConfigError, match="index-tts-vllm makes no mp3, only wav"):
        made(profile="index-tts-vllm", format="mp3")


def test_a_detail_that_is_a_number_may_be_a_whole_one() -> None:
    engine = made(profile="kokoro", details={"slowest": 1, "fastest": 2.5})
    assert engine.capabilities.ranges["speed"] == Range(1, 2.5)


async def test_a_rate_that_the_operator_or_the_audio_told_beats_that_of_the_servers_list() -> None:
    listed = {"models": [{"id": "x", "sample_rate": 22_050, "voices": [{"name": "am_adam"}, {"name": "af_heart"}]}]}
    told = Fault(kind="answer", of="voices", status=200, body=listed, times=9)
    async with at("speaches", told, rate=48_000, engine={"voices": {"am_adam": {"rate": 16_000}}}) as (_, engine):
        await engine.voices()
        assert engine.native_format(how("af_heart")).rate == 22_050
        assert engine.native_format(how("am_adam")).rate == 16_000
        await hear(engine, utterance=how("af_heart", model=NEEDED["speaches"]["model"]))
        await engine.verify()  # reads the list again
        assert engine.native_format(how("af_heart")).rate == 48_000


async def test_a_voice_is_made_from_the_recording_that_the_operator_names() -> None:
    mum = {"ref_audio": "file:///mum.wav", "ref_text": "Good morning.", "consent": True}
    async with at("vllm-omni", engine={"voices": {"mum": mum}}) as (service, engine):
        await hear(engine, utterance=how("mum"))
        body = service.spoken[0].body
        assert (body["ref_audio"], body["ref_text"], "voice" in body) == ("file:///mum.wav", "Good morning.", False)
    one = {"ref_audio": "voices/two.wav", "ref_text": "早。", "ref_language": "zh", "consent": True}
    async with at("gpt-sovits", engine={"voices": {"one": one}}) as (service, engine):
        await hear(engine, utterance=how("one", language="cy"))
        body = service.spoken[0].body
        assert (body["ref_audio_path"], body["prompt_text"], body["prompt_lang"]) == ("voices/two.wav", "早。", "zh")
        assert body["text_lang"] == "auto"


async def test_a_recording_that_the_operator_did_not_name_is_never_asked_for() -> None:
    async with at("gpt-sovits") as (service, engine):
        assert engine.unlisted_voice("/etc/passwd") is None
        with pytest.raises(VoiceRefused, match="give it an entry in `voices`"):
            await hear(engine, utterance=how("/etc/passwd"))
        assert not service.requests


async def test_a_custom_voice_of_openai_is_told_as_an_object() -> None:
    async with at(voices=("voice_1234",)) as (service, engine):
        assert engine.needs_consent("voice_1234")
        await hear(engine, utterance=how("voice_1234"))
        assert service.spoken[0].body["voice"] == {"id": "voice_1234"}


async def test_details_make_any_row_another() -> None:
    details = {"speech": "/tts", "text": "text", "voice": "ref_audio_path", "format": "media_type", "model": "", "version": ""}
    fixed = {"prompt_lang": "en", "text_lang": "en"}
    async with at("gpt-sovits", rate=24_000) as (service, _):
        async with made(url=service.url, profile="generic", details={**details, "lists": [], "fixed": fixed}) as engine:
            heard = await hear(engine, utterance=how("voices/one.wav"))
        assert heard.audio == spoken(TEXT, 24_000)
        assert not service.spoken[0].refused


def test_every_value_of_a_row_can_be_replaced() -> None:
    assert set(DETAILS) | OWN_OPTIONS == {item.name for item in dataclasses.fields(Profile)}
    engine = made(details={"default_model": "mine", "fastest": 2.0, "languages": ["cy-GB"], "prompts": True})
    assert engine.capabilities.ranges["speed"] == (0.25, 2.0)
    assert engine.needs_consent("alloy")


async def test_what_was_promised_holds_while_others_learn() -> None:
    async with at("vllm-omni", pace=50) as (_, engine):
        late, early = how("vivian"), how("vivian")
        promised = engine.native_format(late)
        await hear(engine, utterance=early)
        assert engine.native_format(how("vivian")) != promised
        assert engine.native_format(late) == promised
        assert await spoken_seconds(engine, late) == pytest.approx(0.06 * len(TEXT), abs=0.001)


async def test_a_long_text_is_asked_for_sentence_by_sentence() -> None:
    async with at() as (service, engine):
        parts = [event async for event in engine.speak(written("One is here. Two", " is there."), how())]
        assert parts
        assert [request.text for request in service.spoken] == ["One is here.", "Two is there."]


def test_only_what_is_paid_for_is_held_back() -> None:
    assert made().capabilities.look_ahead == 10
    assert made(look_ahead=3).capabilities.look_ahead == 3
    assert made(url="http://127.0.0.1:8000").capabilities.look_ahead is None
    assert made(profile="kokoro").capabilities.look_ahead is None
    assert made(profile="gpt-sovits").turns is not None
    assert made(profile="kokoro").turns is None
