"""The bodies of both requests, or the reason why they can't be answered. The one table of their fields.

`null` and "" are as good as nothing; fields that are unknown are an error, so that a misspelt one is noticed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from ...audio.encode import Container
from ...errors import BadSetting
from ...models import RATE_MAX, RATE_MIN, SETTING_NAMES, FormatWish, Range, TextFormat, shortened
from ..http.fields import BadField, Readers, a_name, check_names, number, one_of, options, read_fields, text, whole_number
from ..streaming.services import Services
from ..streaming.wishes import SECONDS_AHEAD, Wish, checked_text, file_rate
from .voices import voice_for

FORMATS: Mapping[str, Container] = {
    "mp3": Container.MP3,
    "wav": Container.WAV,
    "flac": Container.FLAC,
    "ogg": Container.OGG_OPUS,
    "pcm": Container.PCM,
}
TEXT_FORMATS: Mapping[str, TextFormat] = {str(kind): kind for kind in TextFormat}
DIRECT = (*SETTING_NAMES, "converter", "chime", "share", "cache", "fallback", "speakable_text")
"""Entries of `options` that may also stand beside it."""


def read_wish(document: Mapping[str, Any], services: Services) -> Wish:
    """Raises TextTooLong, BadSetting, UnknownVoice and what the voice's engine does not take."""
    fields = _known(document, KNOWN)
    said = checked_text("text", fields.get("text", ""), services.config.max_text)
    settings = _settings(fields)
    language = fields.get("language") or a_name("options.language", settings.pop("language", None) or "")
    voice = voice_for(services, fields.get("voice"), fields.get("voice_type"), language or None)
    text_format = fields.get("text_format", TextFormat.TEXT)
    request = services.synthesizer.request(voice, settings, text_format=text_format)
    container = fields.get("format", Container.MP3)
    rate = file_rate(container, fields.get("sample_rate"), request, services.synthesizer)
    return Wish(
        request=replace(request, format=FormatWish(rate=rate, channels=fields.get("channels", 1))),
        text=said,
        container=container,
        session_id=fields.get("session_id"),
        pace=fields.get("pace"),
    )


def read_session(document: Mapping[str, Any]) -> str:
    """The session that is to be interrupted. Raises BadSetting."""
    session_id: str | None = _known(document, _INTERRUPT).get("session_id")
    if session_id is None:
        param = "session_id"
        msg = f"{param} is missing: the session to interrupt, as X-Session-Id told it."
        raise BadField(param, msg)
    return session_id


def _known(document: Mapping[str, Any], readers: Readers) -> dict[str, Any]:
    check_names("field", document, readers)
    return read_fields(document, readers)


def _settings(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What the voice is asked for. Raises BadSetting for what is said twice."""
    direct = {name: fields[name] for name in DIRECT if name in fields}
    more: Mapping[str, Any] = fields.get("options", {})
    if twice := [name for name in direct if name in more]:
        msg = f"{twice[0]} stands in the request and in its options; say it once."
        raise BadSetting(msg)
    return {**direct, **more}


def _session(name: str, value: Any) -> str:
    """As a header can carry it."""
    said = a_name(name, value)
    if said != said.strip():
        msg = f"{name} has a space at its begin or its end, which no header keeps: {shortened(said)}."
        raise BadField(name, msg)
    return said


def _as_it_is(_: str, value: Any) -> Any:
    """Looked at where all options are."""
    return value


_INTERRUPT: Readers = {"session_id": _session}
KNOWN: Readers = {
    "text": text,
    "voice": a_name,
    "voice_type": a_name,
    "language": a_name,
    **_INTERRUPT,
    "format": partial(one_of, FORMATS),
    "sample_rate": partial(whole_number, Range(RATE_MIN, RATE_MAX)),
    "channels": partial(whole_number, Range(1, 2)),
    "text_format": partial(one_of, TEXT_FORMATS),
    "pace": partial(number, SECONDS_AHEAD),
    "options": options,
    **dict.fromkeys(DIRECT, _as_it_is),
}
