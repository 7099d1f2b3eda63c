"""From a document to the configuration: every part through its schema, every problem noted. Reads no file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..engines.registry import ENGINES, engine_class
from ..models import SETTING_NAMES, VoiceSettings
from .document import Document
from .fields import Check, Section, mapping, unseen
from .problems import Problems
from .references import Names, check_references
from .scalars import KeyPath
from .schema import ENGINE, ENGINE_NAME, ENGINE_NAME_PATTERN, ENGINE_TYPE, NAME, SECTIONS, TOP_KEYS, VOICE
from .values import Config, EngineConfig, HttpConfig, LogConfig, VoiceConfig, WyomingConfig

ALWAYS_THERE = "espeak"
"""The engine that needs no configuration."""


def assemble(document: Document, problems: Problems, source: Path | None) -> Config:
    """The configuration; worth something only if `problems` has none afterwards."""
    problems.check(Section(dict.fromkeys(TOP_KEYS, unseen)), document.root, ())
    root = document.root if isinstance(document.root, dict) else {}
    sections = {name: problems.check(Section(keys), root.get(name), (name,)) or {} for name, keys in SECTIONS.items()}
    names = Names()
    engines = _engines(root.get("engines"), names, problems)
    default = root.get("default_voice")
    config = Config(
        wyoming=WyomingConfig(**sections["wyoming"]),
        http=HttpConfig(**sections["http"]),
        log=LogConfig(**sections["log"]),
        engines=engines,
        voices=_voices(root.get("voices"), names, problems),
        aliases=_aliases(root.get("aliases"), problems),
        default_voice=None if default is None else problems.check(NAME, default, ("default_voice",)),
        source=source,
    )
    check_references(config, names, problems)
    return config


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
    path: KeyPath = ("engines", name)
    head = problems.check(Section(ENGINE, is_open=True), given, path)
    if head is not None and not head.get("enabled", True):
        names.engines_off.add(name)
        return None
    engine_type: str | None = (head or {}).get("type") or (name if name in ENGINES else None)
    names.engines[name] = engine_type
    if head is None:
        return None
    if engine_type is None:
        problems.add((*path, "type"), f"is missing; it must be {ENGINE_TYPE.words}")
        return None
    values = problems.check(Section({**ENGINE, **engine_class(engine_type).options_schema}), given, path)
    if values is None:
        return None
    return EngineConfig(name=name, type=engine_type, options={key: value for key, value in values.items() if key not in ENGINE})


def _voices(given: Any, names: Names, problems: Problems) -> dict[str, VoiceConfig]:
    voices: dict[str, VoiceConfig] = {}
    for name, value in _named("voices", given, NAME, problems):
        names.voices.add(name)
        path: KeyPath = ("voices", name)
        engine = _engine_name(value)
        if engine and (problem := names.no_engine(engine)):
            problems.add((*path, "engine"), problem)
        engine_type = names.engines.get(engine)
        extras = engine_class(engine_type).extras_schema if engine_type else {}
        # Without its engine nobody knows a voice's extras; that the engine is missing is said once.
        values = problems.check(Section({**VOICE, **extras}, is_open=bool(engine) and engine_type is None), value, path)
        if values is not None:
            voices[name] = _voice(name, values, {str(key) for key in extras})
    return voices


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
