"""What this front end needs of the server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ...administration import Administration
from ...config import Config
from ...converters.base import Converter
from ...engines.base import Engine
from ...monitoring.hub import Hub
from ...monitoring.monitor import Monitor
from ...sessions import Sessions
from ...state.tokens import Token
from ...synthesis.cache.store import Store
from ...synthesis.chimes import ChimeStore
from ...voices import Catalogue


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """The server, as others know it."""

    id: str
    """See `identity`."""
    name: str
    """For people."""
    started: datetime
    fingerprint: str | None
    """Of the port's certificate; `None`: it speaks no TLS."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """Everything that can be looked at and changed from outside."""

    about: About
    token: Token
    catalogue: Catalogue
    engines: Mapping[str, Engine]
    converters: Mapping[str, Converter]
    administration: Administration
    monitor: Monitor
    chimes: ChimeStore
    cache: Store | None
    """Of finished replies, if they are kept."""
    namespaces: tuple[Sessions, ...]
    """The sessions of every front end."""

    @property
    def config(self) -> Config:
        """As it is now."""
        return self.administration.config

    @property
    def hub(self) -> Hub:
        return self.monitor.hub
