"""What the tests of the command share: a configuration with the test tone alone, and `herald` run in this process."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from wyoming_server.cli import main
from wyoming_server.config.environment import OTHER_NAMES

from .processes import TONE


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """A command that has ended."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """Commands set up logging for their process, which here is everybody's."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file or variable of the user's is read, none written or played; the test's directory is the current one."""
    monkeypatch.chdir(tmp_path)
    for name in OTHER_NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


@pytest.fixture
def herald(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Runs a command in this process."""

    def run(*arguments: str) -> Ran:
        code = main(arguments)
        captured = capsys.readouterr()
        return Ran(code=code, out=captured.out, err=captured.err)

    return run


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    """A configuration with the test tone alone: 10 ms a character, as fast as it is read."""
    path = tmp_path / "tone.yaml"
    path.write_text(TONE)
    return path
