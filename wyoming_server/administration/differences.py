"""Two configurations compared, and parts of one put into another. Reads nothing, changes nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from ..config import Config, ConverterConfig, EngineConfig
from ..monitoring.states import Kind

T = TypeVar("T")

_FIXED = ("wyoming", "http", "log", "cache")
"""Sections that are read only when Herald starts; but see `without_restart`."""
_NAMED = ("engines", "converters", "voices", "aliases")


def without_restart(loaded: Config, before: Config) -> Config:
    """As much of what was loaded as a running server can do."""
    log = replace(before.log, level=loaded.log.level)
    return replace(loaded, wyoming=before.wyoming, http=before.http, cache=before.cache, log=log)


def unapplied(loaded: Config, in_force: Config) -> tuple[str, ...]:
    """Dotted keys that wait for a restart."""
    return tuple(
        f"{section}.{field.name}"
        for section in _FIXED
        for field in dataclasses.fields(getattr(loaded, section))
        if getattr(getattr(loaded, section), field.name) != getattr(getattr(in_force, section), field.name)
    )


def changed(before: Config, now: Config) -> Iterator[str]:
    """Dotted keys of what is another now, as far as it can be without a restart."""
    for section in _NAMED:
        old, new = getattr(before, section), getattr(now, section)
        yield from (f"{section}.{name}" for name in {**old, **new} if _said(old, name) != _said(new, name))
    yield from (key for key in ("default_voice", "fallback") if getattr(before, key) != getattr(now, key))
    if before.log.level != now.log.level:
        yield "log.level"
    for limit in dataclasses.fields(now.limits):
        if getattr(before.limits, limit.name) != getattr(now.limits, limit.name):
            yield f"limits.{limit.name}"


def _said(section: Mapping[str, Any], name: str) -> Any:
    """What an entry says, whoever said it."""
    entry = section.get(name)
    return replace(entry, sources={}) if isinstance(entry, EngineConfig | ConverterConfig) else entry


def with_service(mine: Config, theirs: Config, kind: Kind, name: str) -> Config:
    """My configuration with one service as it is in theirs, at its place there; without it, where theirs has none.

    What is stored for nobody is told as they know it.
    """
    mine = replace(mine, unused=theirs.unused)
    if kind is Kind.ENGINE:
        return replace(mine, engines=_with(mine.engines, theirs.engines, name))
    return replace(mine, converters=_with(mine.converters, theirs.converters, name))


def without_unused(config: Config, section: str, name: str) -> Config:
    """Where nothing is stored for this name any more."""
    services = {other: fields for other, fields in config.unused.get(section, {}).items() if other != name}
    return replace(config, unused={**config.unused, section: services})


def _with(mine: Mapping[str, T], theirs: Mapping[str, T], name: str) -> dict[str, T]:
    merged = {other: entry for other, entry in mine.items() if other != name}
    if name in theirs:
        merged[name] = theirs[name]
    return {other: merged[other] for other in dict.fromkeys([*theirs, *merged]) if other in merged}
