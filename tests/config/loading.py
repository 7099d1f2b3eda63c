"""A text as herald.yaml, loaded: the configuration, or what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from wyoming_server.config import Config, load_config
from wyoming_server.errors import ConfigError
from wyoming_server.state.credentials import Stored

FILE = Path("herald.yaml")


def load(text: str | bytes = "", environ: Mapping[str, str] | None = None, stored: Stored | None = None) -> Config:
    FILE.write_bytes(text if isinstance(text, bytes) else dedent(text).encode())
    return load_config(FILE, environ or {}, stored or {})


def wrong(text: str | bytes = "", environ: Mapping[str, str] | None = None, stored: Stored | None = None) -> list[str]:
    """The sentences of the error."""
    with pytest.raises(ConfigError) as caught:
        load(text, environ, stored)
    return str(caught.value).split("\n")
