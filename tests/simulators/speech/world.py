"""What all connections of a service share that speaks in sessions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from ..common import world
from ..common.world import Q
from .journal import Entry, Journal, What


@dataclass(frozen=True, kw_only=True)
class Options(world.Options):
    """How any such service behaves. Changed at any time, they hold from the next session on."""

    pace: float = 0
    """Audio comes at so many times real time; 0: at once."""
    delay: float = 0
    """Seconds before the first audio of a session."""
    piece: float = 0.2
    """Seconds of audio in a message; 0: a whole sentence in one."""
    split: int = 0
    """Bytes that a message has at most, odd or not; 0: no limit. Headers come on top."""
    latency: float = 0
    """Seconds before a start is answered."""


O = TypeVar("O", bound=Options)  # noqa: E741  # for options


@dataclass(kw_only=True)
class World(world.World[What, Entry, O, Q]):
    """One service, from its start to its end."""

    journal: Journal = field(default_factory=Journal)
    pings: int = 0
    """Of websockets, from all clients."""
