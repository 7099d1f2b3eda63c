"""What a call may say about its voice's converter: one table of forms.

    sami/zh_male_huoli_stream                           a speaker of a converter
    zh_male_huoli_stream                                a speaker of the voice's own converter, or of the only one
    {type: sami, speaker: …, on_failure: fail, …}       the same with settings
    none, false                                         the engine's own voice

Whether a speaker agreed is never a call's to say: that stands in the configuration.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

from ..errors import BadSetting
from ..models import ConverterChoice, OnFailure, shortened

CONVERTER = "converter"
"""The option of a call that says it."""
NONE = "none"
NAME_MAX = 256
"""Characters of a converter and its speaker."""


def read_choice(given: Any, own: ConverterChoice | None, converters: Collection[str]) -> ConverterChoice | None:
    """The converter that a call asks for; `own` is the voice's, `converters` are those that are configured. Raises BadSetting."""
    if given is None:
        return own
    if given is False or given == NONE:
        return None
    if isinstance(given, str):
        return _named(given, own, converters)
    if not isinstance(given, Mapping):
        msg = f"converter is CONVERTER/SPEAKER, a mapping with type and speaker, or {NONE}, not {shortened(given)}."
        raise BadSetting(msg)
    settings = dict(given)
    if "consent" in settings:
        msg = "Whether a speaker gave consent is not a call's to say: it stands in the configuration."
        raise BadSetting(msg)
    name = _word(settings, "type") or (own.converter if own else "")
    speaker = _word(settings, "speaker") or (own.speaker if own and own.converter == name else "")
    on_failure = _on_failure(settings.pop("on_failure", None))
    choice = _chosen(name, speaker, own, converters)
    return dataclasses.replace(choice, settings={**choice.settings, **settings}, on_failure=on_failure or choice.on_failure)


def _named(given: str, own: ConverterChoice | None, converters: Collection[str]) -> ConverterChoice:
    name, slash, speaker = given.partition("/")
    if not slash:
        name, speaker = own.converter if own else "", given
    return _chosen(name, speaker, own, converters)


def _chosen(name: str, speaker: str, own: ConverterChoice | None, converters: Collection[str]) -> ConverterChoice:
    """With what the voice itself says of that speaker, or of that converter."""
    if not name and len(converters) == 1:
        (name,) = converters
    if not name and converters:
        msg = f"Of which converter is this a speaker? Say CONVERTER/SPEAKER; the converters are {', '.join(sorted(converters))}."
        raise BadSetting(msg)
    if name not in converters:
        known = f"The converters are {', '.join(sorted(converters))}." if converters else "None is configured."
        msg = f"There is no converter {shortened(name)}. {known}"
        raise BadSetting(msg)
    if len(speaker) > NAME_MAX:
        msg = f"A speaker of {len(speaker)} characters; {NAME_MAX} are allowed."
        raise BadSetting(msg)
    if own is None or own.converter != name:
        return ConverterChoice(converter=name, speaker=speaker)
    return own if own.speaker == speaker else dataclasses.replace(own, speaker=speaker, consent=False)


def _word(settings: dict[str, Any], name: str) -> str:
    value = settings.pop(name, None)
    if value is not None and not isinstance(value, str):
        msg = f"{name} of a converter is a name, not {shortened(value)}."
        raise BadSetting(msg)
    return value or ""


def _on_failure(value: Any) -> OnFailure | None:
    if value is None:
        return None
    if value not in list(OnFailure):
        msg = f"on_failure is {' or '.join(OnFailure)}, not {shortened(value)}."
        raise BadSetting(msg)
    return OnFailure(value)
