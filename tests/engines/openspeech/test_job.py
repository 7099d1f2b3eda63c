"""What Herald's settings become in the service's JSON, field by field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import voluptuous as vol

from wyoming_server.config import load_config
from wyoming_server.engines.base import Utterance
from wyoming_server.engines.openspeech.account import Account
from wyoming_server.engines.openspeech.engine import OpenSpeechEngine
from wyoming_server.engines.openspeech.job import Job, nearest
from wyoming_server.errors import BadSetting
from wyoming_server.models import AudioFormat, TextFormat, VoiceSettings

from .speaking import BIG, CLONE, EMOTIONAL, KEYS, SECOND, SMALL, new_engine, utterance

V1_RATES = (8_000, 16_000, 24_000)


def job(how: Utterance, **options: Any) -> Job:
    whole = vol.Schema(dict(OpenSpeechEngine.options_schema))({**KEYS, **options})
    return Job.of("openspeech", Account.of(whole), whole, how)


def v1(how: Utterance, **options: Any) -> dict[str, Any]:
    return job(how, **options).v1_request("Hello.")


def v3(how: Utterance, **options: Any) -> dict[str, Any]:
    """The parameters, `additions` unpacked where they are a JSON string."""
    parameters: dict[str, Any] = job(how, **options).v3_session()["req_params"]
    if isinstance(parameters.get("additions"), str):
        parameters["additions"] = json.loads(parameters["additions"])
    return parameters


# API v1


def test_a_plain_request_says_no_more_than_it_must() -> None:
    request = v1(utterance())
    reqid = request["request"].pop("reqid")
    assert str(UUID(reqid)) == reqid
    assert request == {
        "app": {"appid": "1234567890", "token": "access-token", "cluster": "volcano_tts"},
        "user": {"uid": "herald"},
        "audio": {"voice_type": BIG, "encoding": "pcm", "rate": 24_000},
        "request": {"text": "Hello.", "text_type": "plain", "operation": "submit"},
    }


def test_every_request_has_an_id_of_its_own() -> None:
    same = job(utterance())
    assert len({same.v1_request("Hello.")["request"]["reqid"] for _ in range(50)}) == 50


@pytest.mark.parametrize(
    ("voice", "settings", "audio"),
    [
        (BIG, {"speed": 1.5}, {"speed_ratio": 1.5}),
        (BIG, {"speed": 0.25}, {"speed_ratio": 0.25}),
        (SMALL, {"speed": 3}, {"speed_ratio": 3.0}),
        (SMALL, {"pitch": 12}, {"pitch_ratio": 2.0}),
        (SMALL, {"pitch": -24}, {"pitch_ratio": 0.25}),
        (SMALL, {"pitch": 19}, {"pitch_ratio": 2.997}),
        (SMALL, {"emotion": "sad"}, {"emotion": "sad", "enable_emotion": True}),
        (EMOTIONAL, {"emotion": "sad", "emotion_scale": 3}, {"emotion": "sad", "enable_emotion": True, "emotion_scale": 3.0}),
        (BIG, {"explicit_language": "zh"}, {"explicit_language": "zh"}),
        (BIG, {"context_language": "es"}, {"context_language": "es"}),
        (BIG, {"encoding": "mp3", "bitrate": 128}, {"encoding": "mp3", "bitrate": 128}),
        (BIG, {"encoding": "ogg_opus"}, {"encoding": "ogg_opus"}),
        (BIG, {"volume": 80}, {}),
    ],
)
def test_settings_of_the_voice_stand_in_audio(voice: str, settings: dict[str, Any], audio: dict[str, Any]) -> None:
    how = utterance(voice, **settings)
    new_engine("openspeech").check_request(how.settings, TextFormat.TEXT, voice)
    assert v1(how)["audio"] == {"voice_type": voice, "encoding": "pcm", "rate": 24_000, **audio}


@pytest.mark.parametrize(
    ("settings", "request_"),
    [
        ({"operation": "query"}, {"operation": "query"}),
        ({"model": "seed-tts-1.1"}, {"model": "seed-tts-1.1"}),
        ({"timestamps": True}, {"with_timestamp": 1}),
        ({"timestamps": False}, {}),
        ({"end_silence": 1.25}, {"enable_trailing_silence_audio": True, "silence_duration": 1250}),
        ({"end_silence": 0}, {}),
        ({"additions": {"disable_emoji_filter": True}}, {"extra_param": '{"disable_emoji_filter": true}'}),
        ({"additions": {}}, {}),
        ({"context_texts": ["Cheerfully."]}, {}),
    ],
)
def test_settings_of_the_text_stand_in_request(settings: dict[str, Any], request_: dict[str, Any]) -> None:
    how = utterance(**settings)
    new_engine("openspeech").check_request(how.settings, TextFormat.TEXT, BIG)
    request = v1(how)["request"]
    del request["reqid"]
    assert request == {"text": "Hello.", "text_type": "plain", "operation": "submit", **request_}


def test_ssml_is_called_so() -> None:
    assert v1(utterance(text_format=TextFormat.SSML))["request"]["text_type"] == "ssml"


def test_a_clone_has_a_cluster_of_its_own_unless_told_otherwise() -> None:
    assert v1(utterance(CLONE))["app"]["cluster"] == "volcano_icl"
    assert v1(utterance(CLONE, cluster="volcano_mega"))["app"]["cluster"] == "volcano_mega"
    assert v1(utterance(CLONE), cluster="volcano_mega")["app"]["cluster"] == "volcano_mega"


def test_what_the_voice_says_beats_what_the_engine_says() -> None:
    assert v1(utterance(encoding="pcm", model="b"), encoding="mp3", model="a")["audio"]["encoding"] == "pcm"
    assert v1(utterance(model="b"), model="a")["request"]["model"] == "b"
    assert v1(utterance(), model="a", uid="kitchen")["request"]["model"] == "a"
    assert v1(utterance(), uid="kitchen")["user"] == {"uid": "kitchen"}


def test_an_api_key_needs_no_application() -> None:
    app = v1(utterance(), appid=None, token=None, api_key="k")["app"]
    assert app["appid"]
    assert app["token"]
    assert "k" not in (app["appid"], app["token"])


@pytest.mark.parametrize(
    ("wanted", "asked"), [(None, 24_000), (8_000, 8_000), (11_025, 16_000), (16_000, 16_000), (22_050, 24_000), (48_000, 24_000)]
)
def test_the_rate_is_the_nearest_that_loses_nothing(wanted: int | None, asked: int) -> None:
    assert nearest(wanted, V1_RATES) == asked
    assert v1(utterance(rate=wanted))["audio"]["rate"] == asked
    assert job(utterance(rate=wanted)).format == AudioFormat(rate=asked)


def test_opus_has_a_rate_of_its_own() -> None:
    assert job(utterance(encoding="ogg_opus", rate=16_000)).format == AudioFormat(rate=48_000)
    assert job(utterance(encoding="mp3", rate=16_000)).format == AudioFormat(rate=16_000)


# API v3


def test_a_plain_session_says_no_more_than_it_must() -> None:
    assert job(utterance(SECOND)).v3_session() == {
        "user": {"uid": "herald"},
        "event": 100,
        "namespace": "BidirectionalTTS",
        "req_params": {"speaker": SECOND, "audio_params": {"format": "pcm", "sample_rate": 24_000}},
    }


def test_a_fragment_says_no_more_than_its_text() -> None:
    assert job(utterance(SECOND)).v3_text("Hello")["req_params"] == {"text": "Hello"}


@pytest.mark.parametrize(
    ("voice", "settings", "audio"),
    [
        (SECOND, {"speed": 2}, {"speech_rate": 100}),
        (SECOND, {"speed": 0.5}, {"speech_rate": -50}),
        (SECOND, {"speed": 1.1}, {"speech_rate": 10}),
        (SECOND, {"timestamps": True}, {"enable_subtitle": True}),
        (BIG, {"timestamps": True}, {"enable_timestamp": True}),
        (CLONE, {"timestamps": True}, {"enable_subtitle": True}),
        (CLONE, {"timestamps": True, "resource_id": "seed-icl-1.0"}, {"enable_timestamp": True}),
        (EMOTIONAL, {"emotion": "sad", "emotion_scale": 4}, {"emotion": "sad", "emotion_scale": 4.0}),
        (SECOND, {"encoding": "mp3", "bitrate": 64_000}, {"format": "mp3", "bit_rate": 64_000}),
    ],
)
def test_settings_of_the_audio_stand_in_audio_params(voice: str, settings: dict[str, Any], audio: dict[str, Any]) -> None:
    how = utterance(voice, api="v3", **settings)
    new_engine("openspeech").check_request(how.settings, TextFormat.TEXT, voice)
    parameters = v3(how)
    assert parameters.pop("audio_params") == {"format": "pcm", "sample_rate": 24_000, **audio}
    assert parameters == {"speaker": voice}


@pytest.mark.parametrize(
    ("settings", "additions"),
    [
        ({"pitch": -3}, {"post_process": {"pitch": -3}}),
        ({"pitch": 2.6}, {"post_process": {"pitch": 3}}),
        ({"end_silence": 0.5}, {"silence_duration": 500}),
        ({"explicit_language": "en"}, {"explicit_language": "en"}),
        ({"context_language": "es"}, {"context_language": "es"}),
        ({"context_texts": ["One.", "Two."]}, {"context_texts": ["One.", "Two."]}),
        ({"instructions": "Whisper."}, {"context_texts": ["Whisper."]}),
        ({"instructions": "Whisper.", "context_texts": ["One."]}, {"context_texts": ["Whisper.", "One."]}),
        ({"additions": {"mix_speaker": {"a": 1}}}, {"mix_speaker": {"a": 1}}),
        ({"pitch": 1, "additions": {"post_process": {"pitch": 5}}}, {"post_process": {"pitch": 5}}),
    ],
)
def test_what_the_service_calls_additions_is_a_json_string(settings: dict[str, Any], additions: dict[str, Any]) -> None:
    how = utterance(SECOND, **settings)
    new_engine("openspeech").check_request(how.settings, TextFormat.TEXT, SECOND)
    raw = job(how).v3_session()["req_params"]["additions"]
    assert isinstance(raw, str)
    assert v3(how)["additions"] == additions
    assert isinstance(additions.get("post_process", {"pitch": 0})["pitch"], int)


def test_nothing_to_add_adds_nothing() -> None:
    how = utterance(SECOND, additions={}, context_texts=[], timestamps=False, end_silence=0, pitch=0)
    assert set(v3(how)) == {"speaker", "audio_params"}


@pytest.mark.parametrize(("wanted", "asked"), [(None, 24_000), (22_050, 22_050), (40_000, 44_100), (48_000, 48_000)])
def test_v3_has_more_rates(wanted: int | None, asked: int) -> None:
    assert v3(utterance(SECOND, rate=wanted))["audio_params"]["sample_rate"] == asked


def test_a_models_name_stands_beside_the_speaker() -> None:
    assert v3(utterance(SECOND, model="seed-tts-2.0-expressive"))["model"] == "seed-tts-2.0-expressive"


# What is refused


@pytest.mark.parametrize(
    ("voice", "settings", "words"),
    [
        (BIG, {"speed": 2.5}, "speed from 0.25 to 2, not 2.5"),
        (SMALL, {"speed": 3.5}, "speed from 0.25 to 3, not 3.5"),
        (BIG, {"pitch": 2}, "no pitch"),
        (SMALL, {"pitch": 20}, "pitch from -24 to 19, not 20"),
        (BIG, {"emotion": "sad"}, "no emotion"),
        (SMALL, {"emotion_scale": 2}, "no emotion_scale"),
        (BIG, {"instructions": "Whisper."}, "no instructions"),
        (SECOND, {"speed": 0.4}, "speed from 0.5 to 2, not 0.4"),
        (SECOND, {"pitch": 13}, "pitch from -12 to 12, not 13"),
        (SECOND, {"emotion": "sad"}, "no emotion"),
        (BIG, {"encoding": "wav"}, "encoding"),
        (BIG, {"operation": "get"}, "operation"),
        (BIG, {"bitrate": 1}, "bitrate"),
        (BIG, {"end_silence": 31}, "end_silence"),
        (BIG, {"additions": "x"}, "additions"),
        (SECOND, {"api": "v1"}, "speaks only API v3"),
        (SECOND, {"operation": "query"}, "speaks only API v3"),
        (SMALL, {"api": "v3"}, "speaks only API v1"),
    ],
)
def test_what_a_voice_does_not_take_is_refused_in_words(voice: str, settings: dict[str, Any], words: str) -> None:
    how = utterance(voice, **settings)
    with pytest.raises(BadSetting, match=words):
        new_engine("openspeech").check_request(how.settings, TextFormat.TEXT, voice)


def test_ssml_is_for_v1_alone() -> None:
    engine = new_engine("openspeech")
    engine.check_request(utterance().settings, TextFormat.SSML, BIG)
    with pytest.raises(BadSetting, match="no ssml"):
        engine.check_request(VoiceSettings(), TextFormat.SSML, BIG)


# What can be seen of it


def test_a_job_shows_no_credential() -> None:
    secrets = {"appid": "my-app", "token": "my-token", "api_key": "my-key", "secret_key": "my-secret"}
    whole = job(utterance(additions={"x": "y"}), **secrets, headers={"X-Own": "my-header"})
    for shown in (repr(whole), str(whole.asked("log")), repr(whole.asked("log"))):
        assert "my-" not in shown


def test_additions_of_a_file_keep_their_types(tmp_path: Path) -> None:
    file = tmp_path / "herald.yaml"
    additions = "{disable_markdown_filter: true, n: 2, s: '3', l: [1.5], o: {x: }}"
    file.write_text(f"engines: {{openspeech: }}\nvoices: {{a: {{engine: openspeech, voice: {BIG}, additions: {additions}}}}}\n")
    extras = load_config(file, {}).voices["a"].settings.extras
    assert extras["additions"] == {"disable_markdown_filter": True, "n": 2, "s": "3", "l": [1.5], "o": {"x": None}}
