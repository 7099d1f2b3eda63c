"""Imports of the integration point one way, too. It shares with the server nothing but the protocol between them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from custom_components import herald

PACKAGE = Path(herald.__file__).parent
FLOORS = (
    ("const", "api"),
    ("data", "failures", "orders"),
    ("speech",),
    ("coordinator",),
    ("devices", "chimes", "views", "players", "diagnostics", "system_health"),
    ("entity",),
    ("binary_sensor", "button", "event", "sensor", "tts"),
    ("announcing",),
    ("media_source", "notify", "flows", "services", "trigger"),
    ("issues",),
    ("__init__",),
    ("config_flow", "repairs"),
)
MODULES = sorted(PACKAGE.rglob("*.py"))


def floor(name: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if name in rooms)


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[str, ...]]:
    """Every import of a module, wherever it stands, as absolute dotted parts; of this package without its name, after a dot."""
    package = path.relative_to(PACKAGE).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = tuple(node.module.split(".")) if node.module else ()
            if node.level:
                module = (".", *package[: len(package) + 1 - node.level], *module)
            yield from ((*module, alias.name) for alias in node.names)


def own_imports(path: Path) -> Iterator[str]:
    """Rooms of this package."""
    rooms = {name for names in FLOORS for name in names}
    for first, *parts in imports(path):
        if first == ".":
            yield parts[0] if parts[0] in rooms else "__init__"


def test_every_room_has_its_floor() -> None:
    assert {room(path) for path in MODULES} == {name for names in FLOORS for name in names}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    for target in own_imports(path):
        if target != room(path):
            assert floor(target) < floor(room(path)), f"{room(path)} imports {target}, which is not below it"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_integration_knows_nothing_of_the_server(path: Path) -> None:
    assert not {parts[0] for parts in imports(path)} & {"wyoming_server", "tests"}


@pytest.mark.parametrize("path", sorted((PACKAGE / "api").rglob("*.py")), ids=lambda path: path.name)
def test_the_api_knows_nothing_of_home_assistant(path: Path) -> None:
    targets = list(imports(path))
    assert not {parts[0] for parts in targets} & {"homeassistant", "probatio", "voluptuous", "custom_components"}
    assert set(own_imports(path)) <= {"api"}
