"""Engines and converters alike: which there are, which there might be, and what class each is of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from ..config import Config, ConverterConfig, EngineConfig
from ..converters.base import Converter
from ..converters.registry import CONVERTERS, converter_class
from ..engines.base import Engine
from ..engines.registry import ENGINES, engine_class
from ..errors import UnknownService
from ..models import shortened
from ..monitoring.states import Kind

ServiceClass: TypeAlias = type[Engine] | type[Converter]
ServiceConfig: TypeAlias = EngineConfig | ConverterConfig

REGISTRIES: Mapping[Kind, Mapping[str, str]] = {Kind.ENGINE: ENGINES, Kind.CONVERTER: CONVERTERS}
"""Which types there are."""
SECTIONS: Mapping[Kind, str] = {Kind.ENGINE: "engines", Kind.CONVERTER: "converters"}
"""Where they stand in herald.yaml, and among the stored credentials."""


def configured(kind: Kind, config: Config) -> Mapping[str, ServiceConfig]:
    """By name."""
    return config.engines if kind is Kind.ENGINE else config.converters


def class_of(kind: Kind, its_type: str) -> ServiceClass:
    return engine_class(its_type) if kind is Kind.ENGINE else converter_class(its_type)


def others(kind: Kind, config: Config) -> list[str]:
    """Types of which nothing is configured, and that are there as soon as they have credentials.

    For that all of them are imported, which takes up to a second where it was not done yet.
    """
    return [name for name in REGISTRIES[kind] if name not in configured(kind, config) and class_of(kind, name).credentials]


def unused(kind: Kind, name: str, config: Config) -> tuple[str, ...]:
    """Credentials that are stored for a name that is not configured."""
    return () if name in configured(kind, config) else config.unused.get(SECTIONS[kind], {}).get(name, ())


def strangers(kind: Kind, config: Config) -> list[str]:
    """Names that have nothing but stored credentials: no entry is theirs, and no type."""
    return [name for name in config.unused.get(SECTIONS[kind], {}) if not is_one(kind, name, config)]


def is_one(kind: Kind, name: str, config: Config) -> bool:
    """Whether it is configured, or might be."""
    return name in configured(kind, config) or _might_be(kind, name)


def type_of(kind: Kind, name: str, config: Config) -> str:
    """Of one that is configured, or might be. Raises UnknownService, naming those."""
    if (found := configured(kind, config).get(name)) is not None:
        return found.type
    if _might_be(kind, name):
        return name
    might_be = [one for one in REGISTRIES[kind] if one not in configured(kind, config)]
    msg = f"There is no {kind} {shortened(name)}. There are {', '.join(configured(kind, config)) or 'none'}"
    msg = f"{msg}; there might be {', '.join(might_be)}." if might_be else f"{msg}."
    raise UnknownService(msg)


def _might_be(kind: Kind, name: str) -> bool:
    """Whether it is there as soon as it has credentials."""
    return name in REGISTRIES[kind] and bool(class_of(kind, name).credentials)
