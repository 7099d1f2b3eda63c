"""Where the configuration and the state are looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from wyoming_server.config import default_config_path, load_config, state_dir
from wyoming_server.errors import ConfigError


def write(path: Path, port: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"http: {{port: {port}}}")
    return path


def test_the_nearest_configuration_is_read(folder: Path) -> None:
    environ = {"HOME": str(folder / "home")}
    assert load_config(None, environ).source is None
    places = [
        ("HOME", write(folder / "home/.config/herald/herald.yaml", 1)),
        ("XDG_CONFIG_HOME", write(folder / "xdg/herald/herald.yaml", 2)),
        ("HERALD_CONFIG", write(folder / "any.yaml", 3)),
    ]
    environ |= {"HOME": str(folder / "home")}
    for port, (variable, path) in enumerate(places, start=1):
        environ[variable] = {"HOME": str(folder / "home"), "XDG_CONFIG_HOME": str(folder / "xdg")}.get(variable, str(path))
        config = load_config(None, environ)
        assert (config.source, config.http.port) == (path, port)
    option = write(folder / "option.yaml", 4)
    assert load_config(option, environ).http.port == 4


def test_a_file_that_is_named_must_exist() -> None:
    with pytest.raises(ConfigError, match=r"^The configuration missing\.yaml does not exist\.$"):
        load_config(Path("missing.yaml"), {})
    with pytest.raises(ConfigError, match=r"^The configuration missing\.yaml does not exist\.$"):
        load_config(None, {"HERALD_CONFIG": "missing.yaml"})


def test_a_file_that_cannot_be_read_is_an_error(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot be read: Is a directory\.$"):
        load_config(folder, {})


def test_relative_base_directories_are_ignored() -> None:
    """As the XDG specification wants it."""
    assert default_config_path({"XDG_CONFIG_HOME": "here", "HOME": "/home/me"}) == Path("/home/me/.config/herald/herald.yaml")


def test_the_state_is_looked_for_in_order() -> None:
    environ = {"HOME": "/home/me"}
    assert state_dir(None, environ) == Path("/home/me/.local/state/herald")
    environ["XDG_STATE_HOME"] = "/state"
    assert state_dir(None, environ) == Path("/state/herald")
    environ["HERALD_STATE"] = "/var/lib/herald"
    assert state_dir(None, environ) == Path("/var/lib/herald")
    assert state_dir(Path("option"), environ) == Path("option")


def test_without_a_home_the_defaults_hold_and_the_state_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", no_home)
    assert load_config(None, {}).source is None
    with pytest.raises(ConfigError, match="--state or HERALD_STATE"):
        state_dir(None, {})
