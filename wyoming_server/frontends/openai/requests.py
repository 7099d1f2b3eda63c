"""The body of a speech request as a SynthesisRequest, or the reason why it can't be one. The one table of its fields.

Fields that are unknown are ignored, as OpenAI-compatible servers do; `null` and "" are as good as nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ...audio.encode import Container
from ...models import RATE_MAX, RATE_MIN, SETTING_RANGES, WORDS_MAX, FormatWish, Range
from ..http.fields import Readers, a_name, number, one_of, options, read_fields, text, whole_number, words
from ..streaming.services import Services
from ..streaming.wishes import Wish, checked_text, file_rate
from .voices import voice_for

FORMATS: Mapping[str, Container] = {
    "mp3": Container.MP3,
    "opus": Container.OGG_OPUS,
    "aac": Container.AAC,
    "flac": Container.FLAC,
    "wav": Container.WAV,
    "pcm": Container.PCM,
}
PCM_RATE = 24_000
"""Hz: PCM cannot tell its rate, and OpenAI's has always this one."""
STREAMS: Mapping[str, bool] = {"audio": False, "sse": True}
NORMAL_SPEED = 1
"""Clients send it always: it is the voice's own speed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SpeechWish(Wish):
    events: bool
    """Audio goes out as server-sent events."""


def read_wish(document: Mapping[str, Any], services: Services) -> SpeechWish:
    """Raises TextTooLong, BadField, UnknownVoice and what the voice's engine does not take."""
    fields = read_fields(document, _READERS)
    said = checked_text("input", fields.get("input", ""), services.config.max_text)
    more = dict(fields.get("options", {}))
    language = fields.get("language") or a_name("options.language", more.pop("language", None) or "")
    voice = voice_for(services, fields.get("model"), fields.get("voice"), language or None)
    request = services.synthesizer.request(voice, {**_settings(fields), **more})
    container = fields.get("response_format", Container.MP3)
    wanted = fields.get("sample_rate", PCM_RATE if container is Container.PCM else None)
    rate = file_rate(container, wanted, request, services.synthesizer)
    return SpeechWish(
        request=replace(request, format=FormatWish(rate=rate)),
        text=said,
        container=container,
        events=fields.get("stream_format", False),
        session_id=fields.get("session_id"),
    )


def _settings(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What is not the voice's own."""
    said = {name: fields[name] for name in ("speed", "instructions") if name in fields}
    if said.get("speed") == NORMAL_SPEED:
        del said["speed"]
    return said


def _voice(name: str, value: Any) -> str:
    """By its name, or as OpenAI has an account's own voices."""
    return a_name("voice.id", value.get("id", "")) if isinstance(value, Mapping) else a_name(name, value)


_READERS: Readers = {
    "model": a_name,
    "input": text,
    "voice": _voice,
    "response_format": partial(one_of, FORMATS),
    "speed": partial(number, SETTING_RANGES["speed"]),
    "instructions": partial(words, limit=WORDS_MAX),
    "stream_format": partial(one_of, STREAMS),
    # not OpenAI's
    "language": a_name,
    "sample_rate": partial(whole_number, Range(RATE_MIN, RATE_MAX)),
    "session_id": a_name,
    "options": options,
}
