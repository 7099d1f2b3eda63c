"""A `synthesize` or `synthesize-start` event as a SynthesisRequest, or the reason why it can't be one."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from wyoming.event import Event

from ...errors import BadSetting, RequestError, UnknownVoice
from ...models import RATE_MAX, RATE_MIN, FormatWish, SynthesisRequest, TextFormat, shortened
from ...synthesis import Synthesizer
from ...voices import Catalogue

_LOGGER = logging.getLogger(__name__)

SESSION_ID_MAX = 128
"""Characters."""
NAME_MAX = 256
"""Characters of a voice's name, a speaker, a language or a text format."""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What the event asks for, checked for shape but not yet against the catalogue."""

    voice: str | None
    language: str | None
    text_format: TextFormat
    session_id: str | None
    rate: int | None
    """Hz."""
    context: Mapping[str, Any]
    """Free for anybody's use; voice settings among it."""


def read_wish(event: Event) -> Wish:
    """Raises RequestError for a field of the wrong kind."""
    voice = _field(event.data, "voice", dict) or {}
    context = _field(event.data, "context", dict) or {}
    name = _name(voice, "name")
    if speaker := _name(voice, "speaker"):
        msg = f"The voice {name!r} has no speaker {speaker!r}: every speaker is a voice of its own here."
        raise UnknownVoice(msg)
    return Wish(
        voice=name,
        language=_name(voice, "language"),
        text_format=_text_format(_name(event.data, "text_format")),
        session_id=_name(context, "session_id", SESSION_ID_MAX),
        rate=_rate(context),
        context=context,
    )


def read_text(event: Event) -> str:
    """The text of an event, well-formed. Raises RequestError."""
    text = _field(event.data, "text", str)
    if text is None:
        msg = f"A {event.type} event without a text."
        raise RequestError(msg)
    # Half of a surrogate pair is no character: no engine could be sent it.
    return text if text.isascii() else text.encode(errors="replace").decode()


def synthesis_request(wish: Wish, catalogue: Catalogue, synthesizer: Synthesizer, default_rate: int | None) -> SynthesisRequest:
    """Raises UnknownVoice or BadSetting."""
    voice = catalogue.find(wish.voice, wish.language)
    takes = synthesizer.setting_names(voice)
    if others := sorted(wish.context.keys() - takes - {"rate", "session_id"}):
        _LOGGER.debug("Context keys that mean nothing to the voice %s: %s", voice.name, others)
    options = {key: value for key, value in wish.context.items() if key in takes}
    rate = FormatWish(rate=wish.rate or default_rate)
    return synthesizer.request(voice, options, wish=rate, text_format=wish.text_format)


def _field(data: Mapping[str, Any], key: str, kind: type[T]) -> T | None:
    value = data.get(key)
    if value is not None and not isinstance(value, kind):
        msg = f"The field {key} is of the wrong kind: {type(value).__name__}."
        raise RequestError(msg)
    return value


def _name(data: Mapping[str, Any], key: str, limit: int = NAME_MAX) -> str | None:
    """A short text; an empty one says nothing."""
    name = _field(data, key, str)
    if name and len(name) > limit:
        msg = f"A {key} of {len(name)} characters; {limit} are allowed."
        raise RequestError(msg)
    return name or None


def _text_format(name: str | None) -> TextFormat:
    try:
        return TextFormat(name or TextFormat.TEXT)
    except ValueError:
        msg = f"text_format is {' or '.join(TextFormat)}, not {name!r}."
        raise RequestError(msg) from None


def _rate(context: Mapping[str, Any]) -> int | None:
    rate = context.get("rate")
    if rate is None:
        return None
    if isinstance(rate, bool) or not isinstance(rate, int) or not RATE_MIN <= rate <= RATE_MAX:
        msg = f"rate is a whole number from {RATE_MIN} to {RATE_MAX} (Hz), not {shortened(rate)}."
        raise BadSetting(msg)
    return rate
