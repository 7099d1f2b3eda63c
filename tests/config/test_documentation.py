"""docs/configuration.md says the same as the code: every key, with its default."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import voluptuous as vol

from wyoming_server.config import CacheConfig, Config, EngineConfig, HttpConfig, LogConfig, VoiceConfig, WyomingConfig
from wyoming_server.config.schema import CHOICE, CONVERTER, ENGINE, SECTIONS, SETTINGS, TOP_KEYS, VOICE
from wyoming_server.config.values import ConverterConfig, LimitsConfig
from wyoming_server.converters.base import Converter
from wyoming_server.converters.registry import CONVERTERS, converter_class
from wyoming_server.engines.base import Engine
from wyoming_server.engines.registry import ENGINES, engine_class
from wyoming_server.models import ConverterChoice
from wyoming_server.networks import Networks

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
CLASSES = {"wyoming": WyomingConfig, "http": HttpConfig, "log": LogConfig, "limits": LimitsConfig, "cache": CacheConfig}
# What no dataclass can hold as a default.
SPECIAL = {"engine": "required", "voice": "the voice's name", "type": "the engine's name", "enabled": "true"}


def documented() -> dict[str, dict[str, str]]:
    """Heading → key → default, of every table whose heading is a key, or one below it, as `engines.tone`."""
    tables: dict[str, dict[str, str]] = {}
    chapter = heading = ""
    for line in PAGE.splitlines():
        if found := re.fullmatch(r"##(#*) (?:`(\w+)`|.*)", line):
            heading = f"{chapter}.{found[2]}" if found[1] and found[2] else found[2] or ""
            chapter = chapter if found[1] else heading
        elif heading and (row := re.match(r"\| `(\w+)` \| `([^`]*)` \| .", line)):
            tables.setdefault(heading, {})[row[1]] = row[2]
    return tables


def written(value: Any) -> str:
    if isinstance(value, Networks):
        return written(value.words)
    if isinstance(value, tuple):
        return f"[{', '.join(value)}]"
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    return str(value) or '""'


def defaults(cls: Any) -> dict[str, str]:
    fields = {field.name: field.default for field in dataclasses.fields(cls)}
    return {name: written(default) for name, default in fields.items() if default is not dataclasses.MISSING}


@pytest.mark.parametrize("section", SECTIONS)
def test_every_key_of_a_section_is_documented_with_its_default(section: str) -> None:
    assert documented()[section] == {key: defaults(CLASSES[section])[key] for key in SECTIONS[section]}


@pytest.mark.parametrize("section", SECTIONS)
def test_schema_and_dataclass_have_the_same_keys(section: str) -> None:
    assert list(SECTIONS[section]) == [field.name for field in dataclasses.fields(CLASSES[section])]


def test_a_voice_has_the_same_keys_in_schema_and_dataclass() -> None:
    fields = {field.name.replace("languages", "language") for field in dataclasses.fields(VoiceConfig)}
    assert {str(key) for key in VOICE} == fields - {"name", "settings"} | SETTINGS.keys()


def test_every_key_of_a_voice_is_documented_with_its_default() -> None:
    known = {**dict.fromkeys(SETTINGS, "none"), **defaults(VoiceConfig), **SPECIAL}
    known["language"] = known.pop("languages")
    assert documented()["voices"] == {str(key): known[str(key)] for key in VOICE}


def test_every_key_of_an_engine_is_documented() -> None:
    known = {**defaults(EngineConfig), **SPECIAL}
    assert documented()["engines"] == {key: known[key] for key in ENGINE}
    fields = {field.name for field in dataclasses.fields(EngineConfig)}
    assert fields == {"name", "options", "sources", *ENGINE} - {"enabled"}


def option_defaults(schema: Mapping[Any, Any]) -> Iterator[tuple[str, str]]:
    for marker in schema:
        missing = "required" if isinstance(marker, vol.Required) else "none"
        yield str(marker), missing if isinstance(marker.default, vol.schema_builder.Undefined) else written(marker.default())


@pytest.mark.parametrize("engine_type", ENGINES)
def test_every_option_of_an_engine_and_its_voices_is_documented_with_its_default(engine_type: str) -> None:
    engine = engine_class(engine_type)
    known = {**dict(option_defaults(engine.extras_schema)), **dict(option_defaults(engine.options_schema))}
    assert documented()[f"engines.{engine_type}"] == known


def test_every_key_of_a_converter_is_documented() -> None:
    assert documented()["converters"] == {key: {**SPECIAL, "type": "the converter's name"}[key] for key in CONVERTER}
    assert {field.name for field in dataclasses.fields(ConverterConfig)} == {"name", "type", "options", "sources"}


@pytest.mark.parametrize("converter_type", CONVERTERS)
def test_every_option_and_setting_of_a_converter_is_documented_with_its_default(converter_type: str) -> None:
    converter = converter_class(converter_type)
    known = {**dict(option_defaults(converter.settings_schema)), **dict(option_defaults(converter.options_schema))}
    assert documented()[f"converters.{converter_type}"] == known


def test_every_key_of_a_voices_converter_is_documented_with_its_default() -> None:
    known = {"type": "required", "speaker": "required", **defaults(ConverterChoice)}
    assert documented()["voices.converter"] == {str(key): known[str(key)] for key in CHOICE}


def test_what_can_be_stored_is_documented() -> None:
    chapter = PAGE.partition("## Stored credentials")[2]
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", chapter, re.MULTILINE)
    classes: list[type[Engine | Converter]] = [*map(engine_class, ENGINES), *map(converter_class, CONVERTERS)]
    known = {one.type: [field.name for field in one.credentials] for one in classes if one.credentials}
    assert {name: re.findall(r"`(\w+)`", keys) for name, keys in rows} == known


def test_every_top_key_has_its_chapter() -> None:
    assert re.findall(r"^## `(\w+)`$", PAGE, re.MULTILINE) == list(TOP_KEYS)
    assert {field.name for field in dataclasses.fields(Config)} == {*TOP_KEYS, "source", "unused"}


def test_every_yaml_example_of_the_page_loads(folder: Path) -> None:
    from .loading import load  # noqa: PLC0415  # beside its only use

    examples = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert len(examples) >= 7
    around = "voices: {Grandma: {engine: espeak}}\nengines: {tone: }\n"
    for example in examples:
        others = [line for line in around.splitlines() if line.split(":")[0] + ":\n" not in example]
        load("\n".join([*others, example]))
