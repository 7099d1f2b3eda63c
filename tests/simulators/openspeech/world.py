"""What all connections share: how the service behaves, what it has seen, and what is to go wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..speech import world
from .accounts import Account
from .faults import Faults
from .frames import Style


@dataclass(frozen=True, kw_only=True)
class Options(world.Options):
    """How the service behaves: `latency` is of v3's ConnectionStarted and SessionStarted."""

    account: Account = field(default_factory=Account)
    style: Style = field(default_factory=Style)
    requests_per_connection: int = 1
    """v1: then the connection is closed."""
    idle_timeout: float = 30
    """Seconds without a request or session after which a connection is closed; 0: never."""
    text_limit: int = 1024
    """v1: bytes of UTF-8."""
    session_text_limit: int = 0
    """v3: characters in a session; 0: no limit."""
    telling: Callable[[str], str] | None = str
    """v3: how a sentence is told with its begin and end; None: neither is told."""


@dataclass(kw_only=True)
class World(world.World[Options, Faults]):
    """One service, from its start to its end."""

    faults: Faults = field(default_factory=Faults)
    reqids: set[str] = field(default_factory=set)
    session_ids: set[str] = field(default_factory=set)

    @property
    def is_full(self) -> bool:
        parallel = self.options.account.parallel
        return parallel is not None and self.journal.counters.sessions >= parallel
