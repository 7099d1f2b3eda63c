"""One reply in OpenSpeech's terms: API, format, and the JSON that asks for it, by one table of Herald's settings → theirs."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from ...models import AudioFormat, TextFormat
from ..base import Utterance
from .account import Account
from .failures import Asked
from .routes import Api, Route, route

RATES: Mapping[Api, tuple[int, ...]] = {
    Api.V1: (8_000, 16_000, 24_000),
    Api.V3: (8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000),
}
"""Hz."""
OWN_RATE = 24_000
PCM, OGG_OPUS = "pcm", "ogg_opus"
OPUS_RATE = 48_000
"""Hz. Opus has no other."""
NAMESPACE = "BidirectionalTTS"


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What is to be spoken how, and on whose account."""

    engine: str
    account: Account
    utterance: Utterance
    route: Route
    values: Mapping[str, Any] = field(repr=False)
    """The voice's extras over the engine's options, credentials among them."""
    asked_rate: int
    """Hz, as told to the service."""

    @classmethod
    def of(cls, engine: str, account: Account, options: Mapping[str, Any], utterance: Utterance) -> Self:
        values = {**options, **utterance.settings.extras}
        routed = route(utterance.voice, values)
        return cls(
            engine=engine,
            account=account,
            utterance=utterance,
            route=routed,
            values=values,
            asked_rate=nearest(utterance.rate, RATES[routed.api]),
        )

    @property
    def encoding(self) -> str:
        return str(self.values["encoding"])

    @property
    def format(self) -> AudioFormat:
        """Of the PCM that comes out."""
        return AudioFormat(rate=OPUS_RATE if self.encoding == OGG_OPUS else self.asked_rate)

    def asked(self, log_id: str = "") -> Asked:
        return Asked(engine=self.engine, voice=self.utterance.voice, route=self.route, log_id=log_id)

    def v1_request(self, text: str) -> dict[str, Any]:
        """With a request id of its own: the service takes none twice."""
        account = self.account
        return {
            "app": {"appid": account.appid or "herald", "token": account.token or "herald", "cluster": self.route.cluster},
            "user": {"uid": account.uid},
            "audio": {
                "voice_type": self.utterance.voice,
                "encoding": self.encoding,
                "rate": self.asked_rate,
                **self._mapped(_V1_AUDIO),
            },
            "request": {
                "reqid": str(uuid.uuid4()),
                "text": text,
                "text_type": "ssml" if self.utterance.text_format is TextFormat.SSML else "plain",
                "operation": self.values.get("operation", "submit"),
                **self._mapped(_V1_REQUEST),
            },
        }

    def v3_session(self) -> dict[str, Any]:
        """All parameters stand here; later messages only bring text."""
        additions = {**self._mapped(_V3_ADDITIONS), **self.values.get("additions", {})}
        parameters = {
            "speaker": self.utterance.voice,
            "audio_params": {"format": self.encoding, "sample_rate": self.asked_rate, **self._mapped(_V3_AUDIO)},
            **self._mapped(_V3_PARAMETERS),
        }
        if additions:
            parameters["additions"] = json.dumps(additions, ensure_ascii=False)  # a JSON string, as the service wants it
        return {"user": {"uid": self.account.uid}, "event": 100, "namespace": NAMESPACE, "req_params": parameters}

    def v3_text(self, text: str) -> dict[str, Any]:
        return {"user": {"uid": self.account.uid}, "event": 200, "namespace": NAMESPACE, "req_params": {"text": text}}

    def _mapped(self, table: Mapping[str, Callable[[Any, Job], Mapping[str, Any]]]) -> dict[str, Any]:
        """What the table makes of every setting that says something: no pitch of 0, no empty list."""
        return {
            key: made
            for name, to_theirs in table.items()
            if (value := self._value(name))
            for key, made in to_theirs(value, self).items()
        }

    def _value(self, name: str) -> Any:
        return self.values.get(name, getattr(self.utterance.settings, name, None))


def nearest(wanted: int | None, rates: tuple[int, ...]) -> int:
    """The least rate that loses nothing of the wanted one, else the highest; without a wish the service's own."""
    return next((rate for rate in rates if rate >= wanted), rates[-1]) if wanted else OWN_RATE


def _as(key: str) -> Callable[[Any, Job], Mapping[str, Any]]:
    return lambda value, _job: {key: value}


def _v1_pitch(semitones: float, _job: Job) -> Mapping[str, Any]:
    return {"pitch_ratio": round(2 ** (semitones / 12), 3)}


def _v1_emotion(emotion: str, _job: Job) -> Mapping[str, Any]:
    return {"emotion": emotion, "enable_emotion": True}


def _v1_silence(seconds: float, _job: Job) -> Mapping[str, Any]:
    return {"enable_trailing_silence_audio": True, "silence_duration": round(1000 * seconds)}


def _v1_timestamps(_asked: bool, _job: Job) -> Mapping[str, Any]:  # the table's shape
    return {"with_timestamp": 1}


def _v1_additions(additions: Mapping[str, Any], _job: Job) -> Mapping[str, Any]:
    return {"extra_param": json.dumps(additions, ensure_ascii=False)}


def _v3_percent(factor: float, _job: Job) -> Mapping[str, Any]:
    return {"speech_rate": round(100 * (factor - 1))}


def _v3_timestamps(_asked: bool, job: Job) -> Mapping[str, Any]:
    return {"enable_subtitle" if job.route.second else "enable_timestamp": True}


def _v3_pitch(semitones: float, _job: Job) -> Mapping[str, Any]:
    return {"post_process": {"pitch": round(semitones)}}


def _v3_silence(seconds: float, _job: Job) -> Mapping[str, Any]:
    return {"silence_duration": round(1000 * seconds)}


def _v3_instructions(words: str, job: Job) -> Mapping[str, Any]:
    return {"context_texts": [words, *job.values.get("context_texts", ())]}


_V1_AUDIO: Mapping[str, Callable[[Any, Job], Mapping[str, Any]]] = {
    "speed": _as("speed_ratio"),
    "pitch": _v1_pitch,
    "emotion": _v1_emotion,
    "emotion_scale": _as("emotion_scale"),
    "bitrate": _as("bitrate"),
    "explicit_language": _as("explicit_language"),
    "context_language": _as("context_language"),
}
_V1_REQUEST: Mapping[str, Callable[[Any, Job], Mapping[str, Any]]] = {
    "model": _as("model"),
    "timestamps": _v1_timestamps,
    "end_silence": _v1_silence,
    "additions": _v1_additions,
}
_V3_AUDIO: Mapping[str, Callable[[Any, Job], Mapping[str, Any]]] = {
    "speed": _v3_percent,
    "emotion": _as("emotion"),
    "emotion_scale": _as("emotion_scale"),
    "bitrate": _as("bit_rate"),
    "timestamps": _v3_timestamps,
}
_V3_PARAMETERS: Mapping[str, Callable[[Any, Job], Mapping[str, Any]]] = {"model": _as("model")}
_V3_ADDITIONS: Mapping[str, Callable[[Any, Job], Mapping[str, Any]]] = {
    "explicit_language": _as("explicit_language"),
    "context_language": _as("context_language"),
    "end_silence": _v3_silence,
    "pitch": _v3_pitch,
    "context_texts": _as("context_texts"),
    "instructions": _v3_instructions,
}
