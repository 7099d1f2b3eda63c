"""From a document to the configuration: every part through its schema, every problem noted. Reads no file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from ..converters.registry import CONVERTERS, converter_class
from ..engines.registry import ENGINES, engine_class
from ..models import SETTING_NAMES, ConverterChoice, VoiceSettings
from .document import Document, Place
from .fields import Check, Section, Value, mapping, unseen
from .problems import Problems
from .references import Names, Services, check_references
from .scalars import KeyPath
from .schema import (
    CHOICE,
    CONVERTER,
    CONVERTER_TYPE,
    ENGINE,
    ENGINE_NAME,
    ENGINE_NAME_PATTERN,
    ENGINE_TYPE,
    NAME,
    SECTIONS,
    TOP_KEYS,
    VOICE,
)
from .values import (
    CacheConfig,
    Config,
    ConverterConfig,
    EngineConfig,
    HttpConfig,
    LimitsConfig,
    LogConfig,
    Source,
    VoiceConfig,
    WyomingConfig,
)

ALWAYS_THERE = "espeak"
"""The engine that needs no configuration."""


class _Service(NamedTuple):
    """An engine or a converter."""

    type: str
    options: dict[str, Any]
    sources: dict[str, Source]
    common: dict[str, Any]
    """What every one of them may be told."""


class _Services(NamedTuple):
    """A section of services that are configured by name."""

    key: str
    registry: Mapping[str, str]
    keys: Mapping[str, Check]
    type_check: Value
    options_schema: Callable[[str], Mapping[Any, Any]]


ENGINES_SECTION = _Services("engines", ENGINES, ENGINE, ENGINE_TYPE, lambda its_type: engine_class(its_type).options_schema)
CONVERTERS_SECTION = _Services(
    "converters", CONVERTERS, CONVERTER, CONVERTER_TYPE, lambda its_type: converter_class(its_type).options_schema
)


def assemble(document: Document, problems: Problems, source: Path | None) -> Config:
    """The configuration; worth something only if `problems` has none afterwards."""
    problems.check(Section(dict.fromkeys(TOP_KEYS, unseen)), document.root, ())
    root = document.root if isinstance(document.root, dict) else {}
    sections = {name: problems.check(Section(keys), root.get(name), (name,)) or {} for name, keys in SECTIONS.items()}
    names = Names()
    engines = _engines(root.get("engines"), names, problems)
    converters = _converters(root.get("converters"), names, problems)
    default, fallback = (_name(root.get(key), key, problems) for key in ("default_voice", "fallback"))
    config = Config(
        wyoming=WyomingConfig(**sections["wyoming"]),
        http=HttpConfig(**sections["http"]),
        log=LogConfig(**sections["log"]),
        cache=CacheConfig(**sections["cache"]),
        limits=LimitsConfig(**sections["limits"]),
        engines=engines,
        converters=converters,
        voices=_voices(root.get("voices"), names, problems),
        aliases=_aliases(root.get("aliases"), problems),
        default_voice=default,
        source=source,
    )
    if fallback is not None:
        config = replace(config, fallback=fallback)
    check_references(config, names, problems)
    return config


def _name(given: Any, key: str, problems: Problems) -> str | None:
    """Of a voice, at the top."""
    return None if given is None else problems.check(NAME, given, (key,))


def _named(section: str, given: Any, name_check: Check, problems: Problems) -> Iterator[tuple[str, Any]]:
    """The entries of a section whose keys are names, those with a good name."""
    for name, value in (problems.check(mapping, given, (section,)) or {}).items():
        if problems.check(name_check, name, (section, name)) is not None:
            yield name, value


def _engines(given: Any, names: Names, problems: Problems) -> dict[str, EngineConfig]:
    """The engines that are switched on and right; `names` learns of all."""
    entries = dict(_named("engines", given, ENGINE_NAME, problems))
    entries.setdefault(ALWAYS_THERE, None)
    engines = {name: _engine(name, value, names, problems) for name, value in entries.items()}
    return {name: engine for name, engine in engines.items() if engine is not None}


def _engine(name: str, given: Any, names: Names, problems: Problems) -> EngineConfig | None:
    found = _service(ENGINES_SECTION, name, given, names.engines, problems)
    if found is None:
        return None
    return EngineConfig(name=name, type=found.type, options=found.options, sources=found.sources, **found.common)


def _converters(given: Any, names: Names, problems: Problems) -> dict[str, ConverterConfig]:
    """The converters that are switched on and right; `names` learns of all."""
    found = {
        name: _service(CONVERTERS_SECTION, name, value, names.converters, problems)
        for name, value in _named("converters", given, ENGINE_NAME, problems)
    }
    return {
        name: ConverterConfig(name=name, type=one.type, options=one.options, sources=one.sources, **one.common)
        for name, one in found.items()
        if one is not None
    }


def _service(section: _Services, name: str, given: Any, names: Services, problems: Problems) -> _Service | None:
    """An engine or a converter; `None` where it is switched off or wrong."""
    path: KeyPath = (section.key, name)
    head = problems.check(Section(section.keys, is_open=True), given, path)
    if head is not None and not head.get("enabled", True):
        names.off.add(name)
        return None
    its_type: str | None = (head or {}).get("type") or (name if name in section.registry else None)
    names.types[name] = its_type
    if head is None:
        return None
    if its_type is None:
        problems.add((*path, "type"), f"is missing; it must be {section.type_check.words}")
        return None
    values = problems.check(Section({**section.keys, **section.options_schema(its_type)}), given, path)
    if values is None:
        return None
    options = {key: value for key, value in values.items() if key not in section.keys}
    said = [key for key in options if (given or {}).get(key) is not None]
    common = {key: values[key] for key in section.keys if key in values and key not in ("type", "enabled")}
    return _Service(its_type, options, {key: _source(problems.place((*path, key))) for key in said}, common)


def _source(place: Place) -> Source:
    if place.stored:
        return Source.STORED
    return Source.ENVIRONMENT if place.variable else Source.FILE


def _voices(given: Any, names: Names, problems: Problems) -> dict[str, VoiceConfig]:
    voices: dict[str, VoiceConfig] = {}
    for name, value in _named("voices", given, NAME, problems):
        names.voices.add(name)
        path: KeyPath = ("voices", name)
        engine = _engine_name(value)
        if engine and (problem := names.engines.missing(engine)):
            problems.add((*path, "engine"), problem)
        engine_type = names.engines.types.get(engine)
        extras = engine_class(engine_type).extras_schema if engine_type else {}
        # Without its engine nobody knows a voice's extras; that the engine is missing is said once.
        values = problems.check(Section({**VOICE, **extras}, is_open=bool(engine) and engine_type is None), value, path)
        if values is not None:
            choice = _choice(values.pop("converter", None), (*path, "converter"), names, problems)
            voices[name] = _voice(name, {**values, "converter": choice}, {str(key) for key in extras})
    return voices


def _choice(given: Any, path: KeyPath, names: Names, problems: Problems) -> ConverterChoice | None:
    """A voice's converter."""
    if given is None:
        return None
    head = problems.check(Section(CHOICE, is_open=True), given, path)
    if head is None:
        return None
    if problem := names.converters.missing(head["type"]):
        problems.add((*path, "type"), problem)
        return None
    its_type = names.converters.types[head["type"]]
    settings_schema = converter_class(its_type).settings_schema if its_type else {}
    # As with a voice's engine: where the converter is wrong, nobody knows its settings, and that was said.
    values = problems.check(Section({**CHOICE, **settings_schema}, is_open=its_type is None), given, path)
    if values is None:
        return None
    settings = {key: value for key, value in values.items() if key not in ("type", "speaker", "on_failure", "consent")}
    known = {key: values[key] for key in ("on_failure", "consent") if key in values}
    return ConverterChoice(converter=values["type"], speaker=values["speaker"], settings=settings, **known)


def _engine_name(voice: Any) -> str:
    """The name in a voice that is not checked yet; empty if it could be none."""
    name = voice.get("engine") if isinstance(voice, dict) else None
    return str(name) if isinstance(name, str) and re.fullmatch(ENGINE_NAME_PATTERN, name) else ""


def _voice(name: str, values: dict[str, Any], extras: set[str]) -> VoiceConfig:
    settings = {key: values.pop(key) for key in list(values) if key in extras or key in SETTING_NAMES}
    languages = values.pop("language", ())
    return VoiceConfig(**{"voice": name, **values}, name=name, languages=languages, settings=VoiceSettings.parse(settings))


def _aliases(given: Any, problems: Problems) -> dict[str, str]:
    checked = {name: problems.check(NAME, target, ("aliases", name)) for name, target in _named("aliases", given, NAME, problems)}
    return {name: target for name, target in checked.items() if target is not None}
