"""Imports point one way: a module may import its own floor of the house, and those below."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import wyoming_server

PACKAGE = Path(wyoming_server.__file__).parent
FLOORS = (
    ("errors", "models", "channel", "ahead", "networks", "progress", "service", "state"),
    ("protocols", "text", "audio"),
    ("upstream",),
    ("engines", "converters"),
    ("config",),
    ("presets", "voices", "rates", "sessions", "roster", "synthesis"),
    ("monitoring",),
    ("speech",),
    ("administration",),
    ("frontends",),
    ("server",),
    ("cli", "__main__"),
)
PURE = ("protocols", "text", "audio")
NO_IO = {"asyncio", "socket", "threading", "subprocess", "aiohttp", "websockets"}
# What engines may share: the interface, the list, and what several of them need to speak, to take turns and to fail in words.
ENGINE_COMMONS = {
    "base",
    "duplex",
    "fragmented",
    "fragments",
    "listing",
    "marks",
    "places",
    "promise",
    "pulled",
    "registry",
    "sentences",
    "turns",
}
# What front ends may share: text that is still being written, pacing, sockets, the HTTP port that most are reached on, and files
# that are streamed over it.
FRONT_END_COMMONS = {"http", "pacing", "sockets", "streaming", "text"}

MODULES = sorted(PACKAGE.rglob("*.py"))


def floor(name: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if name in rooms)


def imports(path: Path) -> Iterator[tuple[str, ...]]:
    """Every import of a module, wherever it stands, as absolute dotted parts."""
    here = path.relative_to(PACKAGE.parent).with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level] if node.level else ()
            parts = (*base, *(node.module or "").split(".")) if node.module else base
            yield from ((*parts, alias.name) for alias in node.names)


def own_imports(path: Path) -> Iterator[tuple[str, ...]]:
    """Imports of rooms of this package, without its name."""
    for parts in imports(path):
        if parts[0] == PACKAGE.name and len(parts) > 1 and parts[1] != "__version__":
            yield parts[1:]


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_every_room_has_its_floor() -> None:
    rooms = {room(path) for path in MODULES} - {"__init__"}
    assert rooms <= {name for names in FLOORS for name in names}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    if room(path) == "__init__":
        assert not list(own_imports(path))
        return
    for target in own_imports(path):
        assert floor(target[0]) <= floor(room(path)), f"{room(path)} imports {'.'.join(target)} from a floor above"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_codecs_text_and_audio_know_no_io(path: Path) -> None:
    if room(path) in PURE:
        assert not {parts[0] for parts in imports(path)} & NO_IO


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_engines_do_not_import_each_other(path: Path) -> None:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    if parts[0] == "engines":
        others = {target[1] for target in own_imports(path) if target[0] == "engines" and len(target) > 1}
        assert others <= ENGINE_COMMONS | {parts[1]}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_converters_import_neither_each_other_nor_engines(path: Path) -> None:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    if parts[0] == "converters":
        targets = list(own_imports(path))
        assert not [target for target in targets if target[0] == "engines"]
        others = {target[1] for target in targets if target[0] == "converters" and len(target) > 1}
        assert others <= {"base", "choice", "registry", parts[1]}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_engines_do_not_import_converters(path: Path) -> None:
    if room(path) == "engines":
        assert not [target for target in own_imports(path) if target[0] == "converters"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_front_ends_do_not_import_each_other(path: Path) -> None:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    if parts[0] == "frontends":
        others = {target[1] for target in own_imports(path) if target[0] == "frontends" and len(target) > 1}
        assert others <= FRONT_END_COMMONS | {parts[1]}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_server_and_component_share_only_the_protocol(path: Path) -> None:
    assert not {parts[0] for parts in imports(path)} & {"custom_components", "homeassistant"}
