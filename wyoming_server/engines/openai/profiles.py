"""Which servers Herald knows, one row each: where they are asked, what their fields are called, what they make of them.

Data only: nothing else in this package knows a server by its name. Any value of a row may be replaced in herald.yaml (`details`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import voluptuous as vol

from ...models import Gender

FORMATS = ("wav", "pcm", "mp3", "opus", "flac", "aac")
"""What audio may come as, as it is called here."""
STREAMED_FORMATS = frozenset({"wav", "pcm"})
"""Those that every server which streams can stream."""

_SAME: Mapping[str, str] = {name: name for name in FORMATS}
_MANY = tuple(
    (
        "en-US de-DE es-ES fr-FR it-IT pt-BR nl-NL pl-PL ru-RU tr-TR sv-SE nb-NO da-DK fi-FI cs-CZ hu-HU ro-RO el-GR uk-UA "
        "ar-SA he-IL hi-IN id-ID vi-VN th-TH zh-CN ja-JP ko-KR"
    ).split()
)
_KOKORO_LETTERS: Mapping[str, str] = {
    "a": "en-US",
    "b": "en-GB",
    "e": "es-ES",
    "f": "fr-FR",
    "h": "hi-IN",
    "i": "it-IT",
    "j": "ja-JP",
    "p": "pt-BR",
    "z": "zh-CN",
}
_SOVITS_CODES: Mapping[str, str] = {"zh": "zh", "en": "en", "ja": "ja", "ko": "ko", "yue": "yue", "": "auto"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """One kind of server. Names of fields are those of the request; an empty one is a field that it does not have."""

    title: str
    """Its name for people."""
    url: str
    """Where it is, unless told otherwise."""
    version: str = "/v1"
    """Goes behind a url that has no path."""
    speech: str = "/audio/speech"
    """Path behind that: where speech is asked for."""
    lists: tuple[str, ...] = ()
    """Paths where it may tell its voices, tried in this order; none: it tells them nowhere."""
    models: str = "/models"
    """Path of something harmless that wants the key, for servers without a list of voices."""

    text: str = "input"
    voice: str = "voice"
    """Empty: a voice is a recording, told as `ref_audio`."""
    model: str = "model"
    format: str = "response_format"
    speed: str = "speed"
    """Empty: Herald changes the speed by itself."""
    instructions: str = ""
    language: str = ""
    ref_audio: str = ""
    """The recording that a voice is made from."""
    ref_text: str = ""
    ref_language: str = ""
    object_prefix: str = ""
    """Voices whose id begins with it are told as `{"id": …}`."""

    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Fields of every request."""
    streamed: Mapping[str, Any] = field(default_factory=dict)
    """Fields by which audio comes as it is made, sent where the format can be streamed."""
    unsaid: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Model → fields that it does not take."""
    codes: Mapping[str, str] = field(default_factory=dict)
    """Language, as in `zh` → what the server calls it; "" stands for any other."""
    formats: Mapping[str, str] = field(default_factory=lambda: _SAME)
    """Format → what the server calls it."""

    default_model: str = ""
    default_format: str = "wav"
    rate: int = 24_000
    """Hz of its PCM, and of a voice that has not been heard yet."""
    slowest: float = 0.25
    fastest: float = 4.0
    """Speeds that it takes."""

    known: Mapping[str, Gender | None] = field(default_factory=dict)
    """Voices that it has for everybody, with their gender."""
    letters: Mapping[str, str] = field(default_factory=dict)
    """Where ids are like `af_heart`: their first letter → the language; the second is the gender."""
    languages: tuple[str, ...] = ("en-US",)
    """BCP 47, of a voice of which nobody says more; the main one first."""
    prompts: bool = False
    """Its voices are recordings of people."""

    needs_key: bool = False
    """At `url`; elsewhere nobody knows."""
    look_ahead: float | None = None
    """Seconds of audio that may be asked of it ahead of real time, at `url`: what is paid for."""
    concurrency: int | None = None
    """Requests at once that do it no harm. `None`: any number."""
    first_audio: float = 30.0
    """Seconds until the first audio of a sentence, at the latest."""


def _row(text: str, **genders: Gender | None) -> dict[str, Gender | None]:
    """Names with no gender, and those with one."""
    return {**dict.fromkeys(text.split()), **genders}


_F, _M = Gender.FEMALE, Gender.MALE
_OPENAI_VOICES = _row(
    "alloy fable",
    ash=_M, ballad=_M, cedar=_M, coral=_F, echo=_M, marin=_F, nova=_F, onyx=_M, sage=_F, shimmer=_F, verse=_M,
)  # fmt: skip
_QWEN_VOICES = _row("", aiden=_M, dylan=_M, eric=_M, ono_anna=_F, ryan=_M, serena=_F, sohee=_F, uncle_fu=_M, vivian=_F)

PROFILES: Mapping[str, Profile] = {
    "openai": Profile(
        title="OpenAI",
        url="https://api.openai.com/v1",
        instructions="instructions",
        object_prefix="voice_",
        streamed={"stream_format": "audio"},
        unsaid=dict.fromkeys(("tts-1", "tts-1-hd", "tts-1-1106", "tts-1-hd-1106"), ("instructions", "stream_format")),
        default_model="gpt-4o-mini-tts",
        known=_OPENAI_VOICES,
        languages=_MANY,
        needs_key=True,
        look_ahead=10.0,
        first_audio=10.0,
    ),
    "generic": Profile(
        title="The speech server",
        url="http://localhost:8000/v1",
        lists=("/audio/voices", "/voices"),
        default_model="tts-1",
    ),
    "kokoro": Profile(
        title="Kokoro-FastAPI",
        url="http://localhost:8880/v1",
        lists=("/audio/voices",),
        streamed={"stream": True},
        default_model="kokoro",
        default_format="pcm",  # always 24 kHz, and some versions end their WAV with bytes that click
        letters=_KOKORO_LETTERS,
    ),
    "speaches": Profile(
        title="speaches",
        url="http://localhost:8000/v1",
        lists=("/audio/models", "/audio/voices"),
        streamed={"stream_format": "audio"},
        default_model="speaches-ai/Kokoro-82M-v1.0-ONNX",
        slowest=0.5,
        fastest=2.0,
        letters=_KOKORO_LETTERS,
    ),
    "vllm-omni": Profile(
        title="vLLM-Omni",
        url="http://localhost:8091/v1",
        lists=("/audio/voices",),
        speed="",  # it cannot stream at another speed than its own
        instructions="instructions",
        ref_audio="ref_audio",
        ref_text="ref_text",
        streamed={"stream_format": "audio"},
        formats={name: name for name in FORMATS if name != "aac"},
        known=_QWEN_VOICES,
        languages=("en-US", "zh-CN", "ja-JP", "ko-KR", "de-DE", "fr-FR", "ru-RU", "pt-BR", "es-ES", "it-IT"),
    ),
    "index-tts-vllm": Profile(
        title="index-tts-vllm",
        url="http://localhost:6006",
        version="",
        lists=("/audio/voices",),
        model="",
        speed="",
        formats={"wav": "wav"},
        rate=22_050,
        languages=("zh-CN", "en-US"),
        prompts=True,
    ),
    "gpt-sovits": Profile(
        title="GPT-SoVITS",
        url="http://localhost:9880",
        version="",
        speech="/tts",
        models="",
        text="text",
        voice="",
        model="",
        format="media_type",
        speed="",
        language="text_lang",
        ref_audio="ref_audio_path",
        ref_text="prompt_text",
        ref_language="prompt_lang",
        streamed={"streaming_mode": True},
        codes=_SOVITS_CODES,
        formats={"wav": "wav", "pcm": "raw", "aac": "aac"},
        rate=32_000,
        languages=("zh-CN", "en-US", "ja-JP", "ko-KR", "yue"),
        prompts=True,
        concurrency=1,  # it mixes up what it speaks at the same time
    ),
}
"""`profile` in herald.yaml → row."""

CHECKS: Mapping[str, Any] = {
    "str": str,
    "int": int,
    "float": vol.Any(int, float),
    "bool": bool,
    "tuple[str, ...]": [str],
    "Mapping[str, str]": {str: str},
    "Mapping[str, Any]": {str: object},
    "Mapping[str, tuple[str, ...]]": {str: [str]},
}
"""Type of a row's value → how herald.yaml may give it."""
OWN_OPTIONS = frozenset({"url", "look_ahead", "concurrency", "first_audio", "known"})
"""Values of a row for which the engine has a key of its own."""
DETAILS: Mapping[str, Any] = {
    item.name: CHECKS[str(item.type)] for item in dataclasses.fields(Profile) if item.name not in OWN_OPTIONS
}
"""Values of a row that `details` may replace, with their checks."""


def profile(name: str, details: Mapping[str, Any]) -> Profile:
    """The row of this name, with the values that `details` gives."""
    given: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in details.items()}
    return dataclasses.replace(PROFILES[name], **given)
