"""What may be said of a voice, what becomes of it, and what does not go together; prompts and emotions in herald.yaml."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from wyoming_server.errors import BadSetting
from wyoming_server.models import TextFormat, VoiceSettings

from ...config.loading import load, wrong
from .speaking import TEXT, at, made, say

VECTOR = [0.8, 0, 0, 0, 0, 0, 0.2, 0]
HAPPY = [0.8, 0, 0, 0, 0, 0, 0, 0]
EMOTIONS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {"emo_mode": "none"}),
    ({"emo_mode": "none"}, {"emo_mode": "none"}),
    ({"emo_audio": "joy"}, {"emo_mode": "audio", "emo_audio": "moods/joy.wav", "emo_alpha": 1.0}),
    ({"emo_audio": "dad", "emo_alpha": 0.8}, {"emo_mode": "audio", "emo_audio": "voices/dad.wav", "emo_alpha": 0.8}),
    ({"emo_vector": VECTOR}, {"emo_mode": "vector", "emo_vector": VECTOR}),
    ({"emo_vector": [1] * 8}, {"emo_mode": "vector", "emo_vector": [1] * 8}),
    ({"emo_text": "我太开心了！", "emo_alpha": 0}, {"emo_mode": "text", "emo_text": "我太开心了！", "emo_alpha": 0}),
    ({"emotion": "happy"}, {"emo_mode": "vector", "emo_vector": HAPPY}),
    ({"emotion": "happy", "emotion_scale": 4}, {"emo_mode": "vector", "emo_vector": HAPPY}),
    ({"emotion": "calm", "emotion_scale": 1}, {"emo_mode": "vector", "emo_vector": [0] * 7 + [0.2]}),
    ({"emotion": "angry", "emotion_scale": 5}, {"emo_mode": "vector", "emo_vector": [0, 1, 0, 0, 0, 0, 0, 0]}),
    ({"emotion": "happy", "emo_mode": "vector"}, {"emo_mode": "vector", "emo_vector": HAPPY}),
    ({"emotion_scale": 3}, {"emo_mode": "none"}),
    ({"emo_mode": "text", "emo_text": "x", "emo_audio": "joy"}, {"emo_mode": "text", "emo_text": "x", "emo_alpha": 1.0}),
    ({"emo_mode": "none", "emo_audio": "joy", "emo_alpha": 0.5}, {"emo_mode": "none"}),
    (
        {"interval_silence": 0, "max_tokens": 80, "use_random": True},
        {"interval_silence": 0, "max_tokens": 80, "use_random": True},
    ),
]


@pytest.mark.parametrize(("settings", "sent"), EMOTIONS, ids=str)
async def test_settings_become_a_request(settings: dict[str, Any], sent: dict[str, Any]) -> None:
    async with at() as (service, engine):
        engine.check_request(VoiceSettings.parse(settings), TextFormat.TEXT, "mum")
        await say(engine, **settings)
        usual = {
            "type": "tts_stream",
            "text": TEXT,
            "prompt_audio": "voices/mum.wav",
            "emo_mode": "none",
            "interval_silence": 200,
            "max_tokens": 120,
            "use_random": False,
        }
        assert service.requests == [{**usual, **sent}]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"emo_audio": "nobody"}, r"emo_audio is a name among `emotions` or `prompts`.*not 'nobody': they are dad, joy, mum\."),
    ({"emo_audio": "/etc/passwd"}, "not '/etc/passwd'"),
    ({"emo_audio": "voices/mum.wav"}, "not 'voices/mum.wav'"),
    ({"emo_mode": "audio"}, "emo_mode audio needs emo_audio"),
    ({"emo_mode": "vector"}, "emo_mode vector needs emo_vector or emotion"),
    ({"emo_mode": "text"}, "emo_mode text needs emo_text"),
    ({"emo_mode": "text", "emo_audio": "joy"}, "emo_mode text needs emo_text"),
    ({"emo_mode": "loud"}, "emo_mode"),
    ({"emo_audio": "joy", "emo_text": "x"}, "emo_audio and emo_text are more than one emotion"),
    ({"emotion": "happy", "emo_text": "x"}, "emotion and emo_text are more than one emotion"),
    ({"emotion": "happy", "emo_vector": VECTOR}, "emotion and emo_vector say the same thing twice"),
    ({"emotion": "happy", "emo_mode": "none"}, "emo_mode is none: leave one of them out"),
    ({"emotion": "cheerful"}, "emotion is one of happy, angry, .*, calm, not 'cheerful'"),
    ({"emo_vector": [0.5] * 7}, r"emo_vector has 8 numbers, for happy, .*; 7 are given\."),
    ({"emo_vector": []}, "0 are given"),
    ({"emo_vector": [0] * 7 + [1.1]}, "emo_vector"),
    ({"emo_vector": [0] * 7 + [-0.1]}, "emo_vector"),
    ({"emo_vector": [0] * 7 + [math.nan]}, "emo_vector"),
    ({"emo_vector": "happy"}, "emo_vector"),
    ({"emo_text": ""}, "emo_text"),
    ({"emo_text": "x" * 2_001}, "emo_text"),
    ({"emo_text": "x", "emo_alpha": 1.5}, "emo_alpha"),
    ({"interval_silence": -1}, "interval_silence"),
    ({"interval_silence": 60_001}, "interval_silence"),
    ({"max_tokens": 0}, "max_tokens"),
    ({"use_random": 2}, "use_random"),
    ({"prompt_audio": "/etc/passwd"}, "no prompt_audio"),
    ({"instructions": "Whisper."}, "no instructions"),
    ({"pitch": 2.0}, "no pitch"),
]


@pytest.mark.parametrize(("settings", "words"), WRONG, ids=str)
def test_what_does_not_go_together_is_told(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(BadSetting, match=words):
        made().check_request(VoiceSettings.parse(settings), TextFormat.TEXT, "mum")


def test_a_voice_that_is_no_prompt_is_told_with_the_prompts() -> None:
    with pytest.raises(BadSetting, match="they are dad, mum"):
        made().check_request(VoiceSettings(), TextFormat.TEXT, "mam")


def test_many_names_are_counted() -> None:
    engine = made(prompts={f"p{number:02}": "x.wav" for number in range(30)})
    with pytest.raises(BadSetting, match=r"p00, .*, p19, and 10 more\.") as told:
        engine.check_request(VoiceSettings(), TextFormat.TEXT, "nobody")
    assert "p20" not in str(told.value)


# herald.yaml

ENGINE = """
engines:
  indextts:
    url: gpu.local:8770
    prompts:
      mum: voices/mum.wav
      dad: {file: voices/dad.wav, language: "en-US, zh-CN", gender: male, description: Dad, consent: yes}
      far: {file: voices/far.wav, language: [no], consent: no}
    emotions:
      joy: moods/joy.wav
voices:
  Dad: {engine: indextts, voice: dad, emo_audio: joy, emo_alpha: 0.6}
  Mum: {engine: indextts, voice: mum, consent: true, emo_vector: [0.8, 0, 0, 0, 0, 0, 0.2, 0], interval_silence: 300}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_prompts_are_paths_or_more_about_them() -> None:
    config = load(ENGINE)
    prompts = config.engines["indextts"].options["prompts"]
    assert prompts["mum"]["file"] == "voices/mum.wav"
    assert prompts["dad"]["language"] == ("en-US", "zh-CN")
    assert (prompts["dad"]["consent"], prompts["far"]["consent"]) == (True, False)
    assert prompts["far"]["language"] == ("no",)
    assert config.voices["Mum"].settings.extras["emo_vector"] == VECTOR


@pytest.mark.usefixtures("folder")
def test_the_environment_has_prompts_too() -> None:
    prompt = "HERALD_ENGINES__INDEXTTS__PROMPTS__"
    config = load(
        ENGINE,
        {f"{prompt}JIM": "jim.wav", f"{prompt}DAD__CONSENT": "yes", "HERALD_VOICES__MUM__EMO_VECTOR": "0,0,0,0,0,0,0,1"},
    )
    prompts = config.engines["indextts"].options["prompts"]
    assert (prompts["jim"]["file"], prompts["dad"]["consent"]) == ("jim.wav", True)
    assert config.voices["Mum"].settings.extras["emo_vector"] == [0] * 7 + [1]


@pytest.mark.usefixtures("folder")
def test_the_guides_example_loads() -> None:
    page = (Path(__file__).parents[3] / "docs" / "indextts.md").read_text(encoding="utf-8")
    config = load(page.partition("```yaml\n")[2].partition("```")[0])
    assert set(config.voices) == {"Grandpa", "Mum"}


MISTAKES = [
    ("consent: yes}", "gendre: male}", "engines.indextts.prompts.dad is not valid: gendre: "),
    ("gender: male", "gender: man", "engines.indextts.prompts.dad is not valid: gender: "),
    ("file: voices/dad.wav, ", "", "engines.indextts.prompts.dad is not valid: file: "),
    (
        '"en-US, zh-CN"',
        "english speech",
        "engines.indextts.prompts.dad is not valid: language: expected one or several",
    ),
    ("mum: voices/mum.wav", "mum: [a, b]", "engines.indextts.prompts.mum is not valid: expected a path"),
    ("gpu.local:8770", "ftp://gpu", "engines.indextts does not go together: url is the address of the service"),
    ("mum: voices/mum.wav", "' mum': voices/mum.wav", "engines.indextts does not go together: prompts have names"),
    ("voice: dad", "voice: dud", "voices.Dad does not go together: There is no prompt 'dud'"),
    ("consent: true, ", "", "voices.Mum.consent must be true"),
    ("emo_audio: joy", "emo_audio: moods/joy.wav", "voices.Dad does not go together: emo_audio is a name"),
    ("emo_audio: joy", "emo_mode: text", "voices.Dad does not go together: emo_mode text needs emo_text"),
    ("interval_silence: 300", "emotion: happy", "voices.Mum.emotion is not for this voice: emotion and emo_vector"),
]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("right", "mistake", "words"), MISTAKES)
def test_mistakes_in_herald_yaml_are_told_where_they_are(right: str, mistake: str, words: str) -> None:
    assert right in ENGINE
    problems = wrong(ENGINE.replace(right, mistake))
    assert any(words in problem for problem in problems), problems
