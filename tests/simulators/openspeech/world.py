"""What all connections share: how the service behaves, what it has seen, and what is to go wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from .accounts import Account
from .faults import Faults
from .frames import Style
from .journal import Journal


@dataclass(frozen=True, kw_only=True)
class Options:
    """How the service behaves. Changed at any time, they hold from the next request or session on."""

    account: Account = field(default_factory=Account)
    style: Style = field(default_factory=Style)
    pace: float = 0
    """Audio comes at so many times real time; 0: at once."""
    delay: float = 0
    """Seconds before the first audio of a request or session."""
    piece: float = 0.2
    """Seconds of audio in a message; 0: a whole sentence in one."""
    split: int = 0
    """Bytes that a message has at most, odd or not; 0: no limit."""
    latency: float = 0
    """Seconds before ConnectionStarted and SessionStarted."""
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
class World:
    """One service, from its start to its end."""

    options: Options
    journal: Journal = field(default_factory=Journal)
    faults: Faults = field(default_factory=Faults)
    reqids: set[str] = field(default_factory=set)
    session_ids: set[str] = field(default_factory=set)

    @property
    def is_full(self) -> bool:
        parallel = self.options.account.parallel
        return parallel is not None and self.journal.counters.sessions >= parallel
