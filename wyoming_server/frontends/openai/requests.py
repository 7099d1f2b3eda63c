"""The body of a speech request as a SynthesisRequest, or the reason why it can't be one. The one table of its fields.

Fields that are unknown are ignored, as OpenAI-compatible servers do; `null` and "" are as good as nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from ...audio.encode import WRITINGS, Container
from ...errors import ProtocolError, TextTooLong
from ...models import (
    RATE_MAX,
    RATE_MIN,
    SETTING_RANGES,
    WORDS_MAX,
    FormatWish,
    Range,
    SynthesisRequest,
    shortened,
)
from .problems import BadField
from .services import Services
from .voices import voice_for

T = TypeVar("T")

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
NAME_MAX = 256
"""Characters of a model, a voice, a language or a session."""
OPTIONS_MAX = 64
"""Entries of `options`."""
NORMAL_SPEED = 1
"""Clients send it always: it is the voice's own speed."""
BYTES_PER_CHARACTER = 12
"""As JSON may write one, when it writes everything as \\u escapes."""
REST_MAX = 64 * 1024
"""Bytes of a request beside its text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What one request is to be."""

    request: SynthesisRequest
    text: str
    container: Container
    events: bool
    """Audio goes out as server-sent events."""
    session_id: str | None
    """As the client named it."""


def body_max(max_text: int) -> int:
    """Bytes of a request with a text of so many characters."""
    return BYTES_PER_CHARACTER * max_text + REST_MAX


def read_wish(body: bytes, services: Services) -> Wish:
    """Raises ProtocolError, TextTooLong, BadField, UnknownVoice and what the voice's engine does not take."""
    fields = _fields(_document(body))
    text = _input(fields.get("input", ""), services.config.max_text)
    options = dict(fields.get("options", {}))
    language = fields.get("language") or _name("options.language", options.pop("language", None) or "")
    voice = voice_for(services, fields.get("model"), fields.get("voice"), language or None)
    request = services.synthesizer.request(voice, {**_settings(fields), **options})
    container = fields.get("response_format", Container.MP3)
    rate = _rate(container, fields.get("sample_rate"), request, services)
    return Wish(
        request=replace(request, format=FormatWish(rate=rate)),
        text=text,
        container=container,
        events=fields.get("stream_format", False),
        session_id=fields.get("session_id"),
    )


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        msg = f"The body is not JSON: {error}."
        raise ProtocolError(msg) from error
    if not isinstance(document, dict):
        msg = "The body is not a JSON object."
        raise ProtocolError(msg)
    return document


def _fields(document: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: document.get(name) for name in _READERS}
    return {name: _READERS[name](name, value) for name, value in given.items() if value is not None and value != ""}


def _input(text: str, limit: int) -> str:
    if not text:
        param = "input"
        msg = f"{param} is missing: the text to speak."
        raise BadField(param, msg)
    if len(text) > limit:
        msg = f"input has {len(text)} characters; {limit} are allowed (http.max_text)."
        raise TextTooLong(msg)
    return text


def _settings(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What is not the voice's own."""
    said = {name: fields[name] for name in ("speed", "instructions") if name in fields}
    if said.get("speed") == NORMAL_SPEED:
        del said["speed"]
    return said


def _rate(container: Container, wanted: int | None, request: SynthesisRequest, services: Services) -> int | None:
    """Hz to ask for; `None`: the voice's own will do."""
    rates = WRITINGS[container].rates
    if wanted is not None:
        if rates and wanted not in rates:
            param = "sample_rate"
            msg = f"{param} of {container} is one of {', '.join(map(str, rates))} Hz, not {wanted}."
            raise BadField(param, msg)
        return wanted
    if container is Container.PCM:
        return PCM_RATE
    if rates is None:
        return None
    native = services.synthesizer.native_rate(request)
    return None if native in rates else min((rate for rate in rates if rate > native), default=max(rates))


# Fields


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        msg = f"{name} is a text, not {shortened(value)}."
        raise BadField(name, msg)
    return value.encode(errors="replace").decode()  # JSON can spell half characters


def _words(name: str, value: Any, limit: int) -> str:
    text = _text(name, value)
    if len(text) > limit:
        msg = f"{name} has {len(text)} characters; {limit} are allowed."
        raise BadField(name, msg)
    return text


def _name(name: str, value: Any) -> str:
    text = _words(name, value, NAME_MAX)
    if not text.isprintable():
        msg = f"{name} has characters that cannot be shown: {shortened(text)}."
        raise BadField(name, msg)
    return text


def _voice(name: str, value: Any) -> str:
    """By its name, or as OpenAI has an account's own voices."""
    return _name("voice.id", value.get("id", "")) if isinstance(value, Mapping) else _name(name, value)


def _one_of(table: Mapping[str, T], name: str, value: Any) -> T:
    found = table.get(value.lower()) if isinstance(value, str) else None
    if found is None:
        msg = f"{name} is one of {', '.join(table)}, not {shortened(value)}."
        raise BadField(name, msg)
    return found


def _number(allowed: Range, name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not allowed.low <= value <= allowed.high:
        msg = f"{name} is a number from {allowed.low:g} to {allowed.high:g}, not {shortened(value)}."
        raise BadField(name, msg)
    return value


def _whole_number(allowed: Range, name: str, value: Any) -> int:
    number = _number(allowed, name, value)
    if number != int(number):
        msg = f"{name} is a whole number, not {shortened(value)}."
        raise BadField(name, msg)
    return int(number)


def _options(name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or len(value) > OPTIONS_MAX:
        msg = f"{name} is an object with at most {OPTIONS_MAX} entries, not {shortened(value)}."
        raise BadField(name, msg)
    return value


_READERS: Mapping[str, Callable[[str, Any], Any]] = {
    "model": _name,
    "input": _text,
    "voice": _voice,
    "response_format": partial(_one_of, FORMATS),
    "speed": partial(_number, SETTING_RANGES["speed"]),
    "instructions": partial(_words, limit=WORDS_MAX),
    "stream_format": partial(_one_of, STREAMS),
    # not OpenAI's
    "language": _name,
    "sample_rate": partial(_whole_number, Range(RATE_MIN, RATE_MAX)),
    "session_id": _name,
    "options": _options,
}
