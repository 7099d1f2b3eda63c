"""What a call may set in `options` for one voice, as a JSON Schema: for forms, and for programs that check before they ask.

Herald's own settings in the ranges that the voice's engine takes, the engine's extras, and what Herald itself adds. A default is
the voice's own setting; where there is none the engine's counts, which nobody knows. The schema never forbids what would be
taken; some that it allows the engine may still refuse.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from ...converters.base import Converter
from ...engines.base import DONE_BY_HERALD, Engine
from ...errors import BadSetting
from ...models import SETTING_NAMES, SETTING_RANGES, WORDS_MAX, Capabilities, ConverterChoice, OnFailure, Voice

Schema: TypeAlias = dict[str, Any]

_WORDS: Mapping[str, str] = {
    "speed": "Factor; 1 is the engine's own.",
    "pitch": "Semitones; 0 is the engine's own.",
    "volume": "50 is the engine's own, 0 is silence, 100 twice the amplitude.",
    "emotion": "In the engine's words.",
    "emotion_scale": "How much of the emotion.",
    "instructions": "Words to the engine about how to speak.",
}
CHIME: Schema = {
    "type": "string",
    "pattern": "^([0-9a-fA-F]{64}|none)$",
    "description": "SHA-256 of a stored chime, which is heard first; or none.",
}
SHARE: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": 256,
    "description": "Requests with the same id, text and voice are one synthesis.",
}
CACHE: Schema = {
    "type": "boolean",
    "description": "false: neither heard from the cache nor kept there.",
}
FALLBACK: Schema = {
    "type": "boolean",
    "description": "false: where the voice fails, the reply does, and nobody else speaks.",
}
SPEAKABLE_TEXT: Schema = {
    "type": "boolean",
    "description": "false: markdown, links, tables and emoji are read as they stand; true: they are left out.",
}
CONVERTING = "voluptuous_openapi"
"""What is imported here when it is first needed, which takes 50 ms."""
SPEAKERS_MAX = 100
"""Of a converter, that are named as examples."""


def settings_schema(voice: Voice, engine: Engine | None, converters: Mapping[str, Converter]) -> Schema:
    """`engine`: the voice's own, if it is configured."""
    properties = {
        **_common(voice, _capabilities(voice, engine)),
        **(_converted(engine.extras_schema) if engine is not None else {}),
    }
    defaults = {**voice.settings.extras, **{name: getattr(voice.settings, name) for name in SETTING_NAMES}}
    for name, value in defaults.items():
        if name in properties and value is not None:
            properties[name] = {**properties[name], "default": value}
    if converters:
        properties["converter"] = _converter(voice.converter, converters)
    return {
        "type": "object",
        "properties": {
            **properties,
            "chime": CHIME,
            "share": SHARE,
            "cache": CACHE,
            "fallback": FALLBACK,
            "speakable_text": {**SPEAKABLE_TEXT, "default": voice.speakable_text},
        },
        "additionalProperties": False,
    }


def _capabilities(voice: Voice, engine: Engine | None) -> Capabilities:
    if engine is None:
        return Capabilities()
    try:
        return engine.capabilities_of(voice.engine_voice, voice.settings)
    except BadSetting:
        return engine.capabilities  # its configuration contradicts itself, which whoever makes it speak is told


def _common(voice: Voice, can: Capabilities) -> Schema:
    return {
        name: {**_kind(name, voice, can), "description": _WORDS[name]}
        for name in SETTING_NAMES
        if name in can.settings | DONE_BY_HERALD
    }


def _kind(name: str, voice: Voice, can: Capabilities) -> Schema:
    if name in SETTING_RANGES:
        widest = SETTING_RANGES[name]
        low, high = can.ranges.get(name, widest)
        return {"type": "number", "minimum": max(low, widest.low), "maximum": min(high, widest.high)}
    if name == "emotion" and voice.emotions:
        return {"type": "string", "enum": list(voice.emotions)}
    return {"type": "string", "maxLength": WORDS_MAX}


def _converter(own: ConverterChoice | None, converters: Mapping[str, Converter]) -> Schema:
    names = [f"{name}/{one.name}" for name, converter in converters.items() for one in _few(converter)]
    schema: Schema = {
        "description": "As whom it is heard: CONVERTER/SPEAKER, the same with settings, or none.",
        "anyOf": [
            {"type": "string"},
            {"const": False},
            {
                "type": "object",
                "properties": {
                    "type": {"type": "string", "enum": list(converters)},
                    "speaker": {"type": "string"},
                    "on_failure": {"type": "string", "enum": list(OnFailure)},
                },
            },
        ],
        "examples": ["none", *names],
    }
    return schema if own is None else {**schema, "default": f"{own.converter}/{own.speaker}"}


def _few(converter: Converter) -> Iterator[Any]:
    return (one for one, _ in zip(converter.speakers(), range(SPEAKERS_MAX), strict=False))


def _converted(extras: Mapping[Any, Any]) -> Schema:
    """An engine's own settings; one whose check cannot be told in a schema may be anything."""
    return {str(name): _mended(_told(check)) for name, check in extras.items()}


def _told(check: Any) -> Schema:
    from voluptuous_openapi import OpenApiVersion, convert  # noqa: PLC0415  # only where somebody asks for a voice

    try:
        schema: Schema = convert(check, openapi_version=OpenApiVersion.V3_1)
    except (ValueError, TypeError):
        return {}
    return schema


def _mended(schema: Schema) -> Schema:
    """As JSON Schema says it: a list's length is not a text's, a pattern ends with $, and a whole number is a number."""
    if schema.get("type") == "array":
        lengths = {"minLength": "minItems", "maxLength": "maxItems"}
        schema = {lengths.get(key, key): value for key, value in schema.items()}
    if isinstance(pattern := schema.get("pattern"), str) and pattern.endswith(r"\Z"):
        schema = {**schema, "pattern": "^(?:" + pattern.removesuffix(r"\Z") + ")$"}
    if (any_of := schema.get("anyOf")) is not None and all(one.keys() == {"type"} for one in any_of):
        types = [one["type"] for one in any_of if one != {"type": "integer"} or {"type": "number"} not in any_of]
        rest = {key: value for key, value in schema.items() if key != "anyOf"}
        schema = {"type": types[0] if len(types) == 1 else types, **rest}
    return schema
