"""Where the configuration and the state live, and how it is read: file, environment, stored credentials, checks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ..errors import ConfigError
from ..state.credentials import Stored
from .assemble import assemble
from .document import SIZE_MAX, Document, parse
from .environment import overlay
from .problems import Problems
from .stored import NOTHING, underlay, unused
from .values import Config


def load_config(path: Path | None = None, environ: Mapping[str, str] = os.environ, stored: Stored = NOTHING) -> Config:
    """The configuration in `path`, with the environment over it, and stored credentials where both say nothing.

    Without a path: the file that HERALD_CONFIG names, else the user's herald.yaml if there is one, else the defaults.
    Raises ConfigError with one line for everything that is wrong.
    """
    named = path or _named_by(environ, "HERALD_CONFIG")
    source = named or default_config_path(environ)
    data = _read(source, must_exist=named is not None) if source else None
    document = Document() if data is None else parse(data, str(source))
    problems = Problems(document, str(source))
    overlay(document, environ, problems)
    underlay(document, stored)
    config = assemble(document, problems, source if data is not None else None)
    problems.raise_if_any()
    return replace(config, unused=unused(config, stored))


def default_config_path(environ: Mapping[str, str] = os.environ) -> Path | None:
    """$XDG_CONFIG_HOME/herald/herald.yaml; `None` where there is no home directory."""
    base = _base(environ, "XDG_CONFIG_HOME", ".config")
    return base / "herald" / "herald.yaml" if base else None


def state_dir(option: Path | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """Where token, credentials, counters and cache live: the option, else HERALD_STATE, else $XDG_STATE_HOME/herald.

    Not created here. Raises ConfigError where none of these is known.
    """
    if named := option or _named_by(environ, "HERALD_STATE"):
        return named
    base = _base(environ, "XDG_STATE_HOME", ".local/state")
    if base is None:
        msg = "There is no home directory to keep the state in. Name a directory with --state or HERALD_STATE."
        raise ConfigError(msg)
    return base / "herald"


def _named_by(environ: Mapping[str, str], variable: str) -> Path | None:
    name = environ.get(variable)
    return Path(name) if name else None


def _base(environ: Mapping[str, str], variable: str, below_home: str) -> Path | None:
    """A base directory of the XDG specification, which says that relative ones are ignored."""
    named = _named_by(environ, variable)
    if named and named.is_absolute():
        return named
    try:
        return (_named_by(environ, "HOME") or Path.home()) / below_home
    except RuntimeError:
        return None


def _read(path: Path, *, must_exist: bool) -> bytes | None:
    try:
        with path.open("rb") as file:
            data = file.read(SIZE_MAX + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        if not must_exist:
            return None
        msg = f"The configuration {path} does not exist."
        raise ConfigError(msg) from error
    except OSError as error:
        msg = f"The configuration {path} cannot be read: {error.strerror or error}."
        raise ConfigError(msg) from error
    if len(data) > SIZE_MAX:
        msg = f"The configuration {path} has {max(len(data), path.stat().st_size)} bytes; {SIZE_MAX} are allowed."
        raise ConfigError(msg)
    return data
