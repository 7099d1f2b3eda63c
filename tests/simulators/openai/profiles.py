"""The servers, one row each: where they listen, what they take, what they make of it. Everything that differs stands here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wyoming_server.models import Range

from . import shapes
from .fields import Field
from .shapes import Shape
from .sound import WavSize

Body = Mapping[str, Any]

_SPEED = Range(0.25, 4)
_STRING, _NEEDED = Field(types=("string",)), Field(types=("string",), required=True)
_NUMBER, _INTEGER, _BOOLEAN = Field(types=("number",)), Field(types=("integer",)), Field(types=("boolean",))
_STREAM_FORMAT = Field(types=("string",), choices=("sse", "audio"))


def one_of(*choices: str) -> Field:
    return Field(types=("string",), choices=choices)


def speeds(low: float = _SPEED.low, high: float = _SPEED.high) -> Field:
    return Field(types=("number",), range=Range(low, high))


def _standard(voice: Field, formats: Sequence[str], speed: Field) -> dict[str, Field]:
    return {"input": _NEEDED, "voice": voice, "response_format": one_of(*formats), "speed": speed}


def _never(body: Body) -> bool:
    return False


def _always(body: Body) -> bool:
    return True


def _asks_for_events(body: Body) -> bool:
    return body.get("stream_format") == "sse"


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One kind of server."""

    name: str
    base: str = "/v1"
    """Of the address that OpenAI's client takes."""
    speech: str = "/audio/speech"
    """Behind it."""
    methods: tuple[str, ...] = ("POST",)
    voices: str | None = "/audio/voices"
    """None: there is no list, and any voice goes."""
    list_voices: Callable[[Sequence[str]], Any] = shapes.objects
    models: str | None = "/models"
    fields: Mapping[str, Field]
    text: str = "input"
    voice: str = "voice"
    format: str = "response_format"
    speed: str = "speed"
    """Names of the fields."""
    media_types: Mapping[str, str]
    """By format."""
    usual_format: str
    ignores_format: bool = False
    """Always gives the usual one."""
    rate: int
    """Hz."""
    wav_size: WavSize = "endless"
    """Of a streamed answer."""
    ffmpeg: bool = False
    """Its WAV headers are FFmpeg's: with a chunk of words before the data."""
    streams: Callable[[Body], bool] = _always
    """Whether the answer comes as it is made; otherwise whole."""
    events: Callable[[Body], bool] = _asks_for_events
    """Whether it comes as server-sent events."""
    own_rule: Callable[[Body], str] = lambda body: ""
    """What else is wrong with a request."""
    late_voice: bool = False
    """A voice that is not there is noticed once the answer has begun, if it streams: the body breaks off."""
    needs_key: bool = False
    shape: Shape
    some_voices: tuple[str, ...]
    some_models: tuple[str, ...] = ()
    """Others are refused; empty: any goes."""


def _vllm_rule(body: Body) -> str:
    streams = _vllm_streams(body)
    if streams and body.get("response_format", "wav") not in {"pcm", "wav"}:
        return f"Streaming requires response_format='pcm' or 'wav'. Got response_format='{body['response_format']}'."
    if streams and body.get("speed", 1) != 1:
        return "Speed adjustment is not supported when streaming. Set speed=1.0."
    return ""


def _vllm_events(body: Body) -> bool:
    return bool(body.get("stream") or _asks_for_events(body)) and body.get("stream_format") != "audio"


def _vllm_streams(body: Body) -> bool:
    return _vllm_events(body) or body.get("stream_format") == "audio"


def _openai_rule(body: Body) -> str:
    if body["model"].startswith("tts-1") and ("stream_format" in body or "instructions" in body):
        return "tts-1 and tts-1-hd take neither stream_format nor instructions."  # the service ignores the second
    return ""


def _sovits_streams(body: Body) -> bool:
    return bool(body.get("streaming_mode"))


_MEDIA_TYPES = {
    "mp3": "audio/mpeg",
    "opus": "audio/opus",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
_VLLM_MEDIA_TYPES = {name: kind for name, kind in _MEDIA_TYPES.items() if name != "aac"}
_KOKORO_VOICES = ("af_heart", "af_bella", "am_adam", "bf_emma", "zf_xiaobei")

PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile(
            name="openai",
            voices=None,
            fields={
                "model": _NEEDED,
                **_standard(Field(types=("string", "object"), required=True), tuple(_MEDIA_TYPES), speeds()),
                "input": Field(types=("string",), required=True, length=4096),
                "instructions": _STRING,
                "stream_format": _STREAM_FORMAT,
            },
            media_types=_MEDIA_TYPES,
            usual_format="mp3",
            rate=24_000,
            own_rule=_openai_rule,
            needs_key=True,
            shape=shapes.OPENAI,
            some_voices=("alloy", "ash", "coral", "echo", "fable", "nova", "onyx", "sage", "shimmer"),
            some_models=("tts-1", "tts-1-hd", "gpt-4o-mini-tts"),
        ),
        Profile(
            name="kokoro",
            fields={
                "model": _STRING,
                **_standard(_STRING, tuple(_MEDIA_TYPES), speeds()),
                "stream": _BOOLEAN,
                "lang_code": _STRING,
                "volume_multiplier": _NUMBER,
                "normalization_options": Field(types=("object",)),
                "download_format": one_of(*_MEDIA_TYPES),
                "return_download_link": _BOOLEAN,
            },
            media_types=_MEDIA_TYPES,
            usual_format="mp3",
            rate=24_000,
            ffmpeg=True,
            streams=lambda body: bool(body.get("stream", True)),
            events=_never,
            shape=shapes.KOKORO,
            some_voices=_KOKORO_VOICES,
            some_models=("tts-1", "tts-1-hd", "kokoro", "gpt-4o-mini-tts"),
        ),
        Profile(
            name="speaches",
            list_voices=shapes.persons,
            fields={
                "model": _NEEDED,
                **_standard(_NEEDED, tuple(_MEDIA_TYPES), speeds(0.5, 2)),
                "stream_format": _STREAM_FORMAT,
                "sample_rate": Field(types=("integer",), range=Range(8_000, 48_000)),
            },
            media_types=_MEDIA_TYPES,
            usual_format="mp3",
            rate=22_050,
            ffmpeg=True,
            late_voice=True,
            shape=shapes.SPEACHES,
            some_voices=_KOKORO_VOICES,
            some_models=("speaches-ai/Kokoro-82M-v1.0-ONNX", "speaches-ai/piper-en_US-amy-low"),
        ),
        Profile(
            name="vllm-omni",
            list_voices=shapes.names,
            fields={
                "model": _STRING,
                **_standard(Field(types=("string", "object")), tuple(_VLLM_MEDIA_TYPES), speeds()),
                "instructions": _STRING,
                "stream": _BOOLEAN,
                "stream_format": _STREAM_FORMAT,
                "sample_rate": _INTEGER,
                "task_type": one_of("CustomVoice", "VoiceDesign", "Base"),
                "language": _STRING,
                "ref_audio": Field(types=("string", "array")),
                "ref_text": _STRING,
                "max_new_tokens": _INTEGER,
                "seed": _INTEGER,
                "initial_codec_chunk_frames": _INTEGER,
                "extra_params": Field(types=("object",)),
            },
            media_types=_VLLM_MEDIA_TYPES,
            usual_format="wav",
            rate=44_100,
            streams=_vllm_streams,
            events=_vllm_events,
            own_rule=_vllm_rule,
            shape=shapes.VLLM,
            some_voices=("vivian", "ryan", "aiden", "serena"),
            some_models=("fishaudio/s2-pro",),
        ),
        Profile(
            name="index-tts-vllm",
            base="",
            list_voices=shapes.prompts,
            models=None,
            # of these it looks at `input` and `voice` alone
            fields={
                "model": _STRING,
                **_standard(_NEEDED, tuple(_MEDIA_TYPES), speeds()),
            },
            media_types={"wav": "audio/wav"},
            usual_format="wav",
            ignores_format=True,
            rate=22_050,
            streams=_never,
            events=_never,
            shape=shapes.INDEX_TTS,
            some_voices=("jay_klee", "dad"),
        ),
        Profile(
            name="gpt-sovits",
            base="",
            speech="/tts",
            methods=("POST", "GET"),
            voices=None,
            models=None,
            fields={
                "text": _NEEDED,
                "text_lang": Field(types=("string",), required=True, choices=("auto", "zh", "en", "ja", "ko", "yue")),
                "ref_audio_path": _NEEDED,
                "prompt_lang": Field(types=("string",), required=True, choices=("auto", "zh", "en", "ja", "ko", "yue")),
                "prompt_text": _STRING,
                "aux_ref_audio_paths": Field(types=("array",)),
                "text_split_method": one_of("cut0", "cut1", "cut2", "cut3", "cut4", "cut5"),
                "media_type": one_of("wav", "raw", "aac"),
                "streaming_mode": Field(types=("boolean", "integer"), range=Range(0, 3)),
                "speed_factor": _NUMBER,
                "fragment_interval": _NUMBER,
                "top_k": _INTEGER,
                "top_p": _NUMBER,
                "temperature": _NUMBER,
                "seed": _INTEGER,
                "batch_size": _INTEGER,
                "batch_threshold": _NUMBER,
                "split_bucket": _BOOLEAN,
                "parallel_infer": _BOOLEAN,
                "repetition_penalty": _NUMBER,
                "sample_steps": _INTEGER,
                "super_sampling": _BOOLEAN,
                "overlap_length": _INTEGER,
                "min_chunk_length": _INTEGER,
            },
            text="text",
            voice="ref_audio_path",
            format="media_type",
            speed="speed_factor",
            media_types={"wav": "audio/wav", "raw": "audio/raw", "aac": "audio/aac"},
            usual_format="wav",
            rate=32_000,
            wav_size="zero",
            streams=_sovits_streams,
            events=_never,
            late_voice=True,
            shape=shapes.GPT_SOVITS,
            some_voices=("voices/one.wav", "voices/two.wav"),
        ),
    )
}
