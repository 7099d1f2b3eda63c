"""The project's own files agree: version, requirements, scripts, and nothing in them that belongs to one machine."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import wyoming_server

ROOT = Path(__file__).parent.parent
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
SCRIPTS = sorted(path for path in (ROOT / "script").iterdir() if path.is_file() and path.suffix != ".sh")

# What script/lock compiles each file from: the project's dependencies or not, and a group.
REQUIREMENTS = {"uv": (False, "setup"), "dev": (True, "dev"), "server": (True, "build")}
PYTHONS = ["3.11.2", "3.12.0", "3.13.0", "3.14.0", "3.14.2"]


def files() -> Iterator[Path]:
    """What is in the repository, or soon will be."""
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if listed.returncode == 0:
        yield from (path for name in listed.stdout.splitlines() if (path := ROOT / name).is_file())
        return
    # a download without its history
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name in {".ci", ".github"} or not name.startswith((".", "__"))]
        yield from (Path(folder, name) for name in names)


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def pins(name: str) -> list[tuple[Requirement, list[str]]]:
    """The requirements of a compiled file, each with its hashes."""
    entries = re.split(r"\n(?=\S)", text(ROOT / f"script/requirements/{name}.txt"))
    parts = [re.split(r"\s+\\\n\s+--hash=", entry.strip()) for entry in entries if not entry.startswith("#")]
    return [(Requirement(requirement), hashes) for requirement, *hashes in parts]


def versions(name: str, python: str) -> dict[str, list[str]]:
    """Package to version, as installed on one Python."""
    environment = {"python_version": python.rpartition(".")[0], "python_full_version": python, "sys_platform": "linux"}
    found: dict[str, list[str]] = {}
    for pin, _hashes in pins(name):
        if pin.marker is None or pin.marker.evaluate(environment):
            found.setdefault(canonicalize_name(pin.name), []).append(str(pin.specifier))
    return found


def group(name: str) -> Iterator[Requirement]:
    for entry in PYPROJECT["dependency-groups"][name]:
        if isinstance(entry, str):
            yield Requirement(entry)
        else:
            yield from group(entry["include-group"])


def test_the_version_stands_in_one_place() -> None:
    assert str(Version(wyoming_server.__version__)) == wyoming_server.__version__
    assert "version" in PYPROJECT["project"]["dynamic"]
    assert PYPROJECT["tool"]["hatch"]["version"]["path"] == "wyoming_server/__init__.py"
    holders = [path.relative_to(ROOT) for path in files() if re.search(r"^__version__\s*=", text(path), re.MULTILINE)]
    assert holders == [Path("wyoming_server/__init__.py")]


def test_the_build_group_is_what_the_build_requires() -> None:
    assert PYPROJECT["dependency-groups"]["build"] == PYPROJECT["build-system"]["requires"]


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_every_requirement_has_one_version_and_hashes(name: str) -> None:
    entries = pins(name)
    assert entries
    for pin, hashes in entries:
        assert [specifier.operator for specifier in pin.specifier] == ["=="], pin
        assert pin.url is None
        assert hashes, pin
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", value) for value in hashes), pin


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_a_requirements_file_names_no_index_and_no_folder(name: str) -> None:
    content = text(ROOT / f"script/requirements/{name}.txt")
    assert "script/lock" in content
    assert "://" not in content
    assert not re.search(r"--(?!hash=)\S", content)
    assert not re.search(r"(^|\s)\.{0,2}/", content)


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("name", REQUIREMENTS)
def test_a_requirements_file_is_up_to_date_with_pyproject(name: str, python: str) -> None:
    with_dependencies, extra = REQUIREMENTS[name]
    wanted = [*group(extra)]
    if with_dependencies:
        wanted += map(Requirement, PYPROJECT["project"]["dependencies"])
    found = versions(name, python)
    environment = {"python_version": python.rpartition(".")[0], "python_full_version": python}
    for requirement in wanted:
        if requirement.marker is not None and not requirement.marker.evaluate(environment):
            continue
        [pinned] = found.get(canonicalize_name(requirement.name), ["missing"])
        assert requirement.specifier.contains(pinned.removeprefix("==")), f"{requirement}, pinned {pinned}: run script/lock"


@pytest.mark.parametrize("python", PYTHONS)
def test_the_server_runs_with_the_versions_that_the_tests_ran_with(python: str) -> None:
    assert versions("server", python).items() <= versions("dev", python).items()


@pytest.mark.parametrize("script", [*SCRIPTS, ROOT / ".ci/run"], ids=lambda path: path.name)
def test_a_script_is_executable_and_opens_with_its_usage(script: Path) -> None:
    assert os.access(script, os.X_OK)
    shebang, *lines = text(script).splitlines()
    assert shebang == "#!/usr/bin/env bash"
    comment = lines[: next(number for number, line in enumerate(lines) if not line.startswith("#"))]
    assert any("usage: " in line for line in comment)


def test_no_file_names_a_registry_or_a_folder_of_one_machine() -> None:
    hosts = r"\bpypi\.org|\bpythonhosted\.org|\bdeb\.debian\.org|\bregistry\.npmjs\.org|\bproxy\.golang\.org"
    folders = "|".join(re.escape(f"{folder}/") for folder in (ROOT, Path.home()) if folder != Path("/"))
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in files()
        if (match := re.search(f"{hosts}|{folders}", text(path), re.IGNORECASE))
    ]
    assert not found


def test_no_lock_file_with_addresses_is_kept() -> None:
    assert not [path for path in files() if path.name in {"uv.lock", "poetry.lock", "Pipfile.lock", "pdm.lock"}]
