"""What all connections share: how the service behaves, what it has seen, and what is to go wrong."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..speech import world
from ..speech.world import O
from .faults import Faults


@dataclass(kw_only=True)
class World(world.World[O, Faults]):
    """One service, from its start to its end."""

    faults: Faults = field(default_factory=Faults)
    task_ids: set[str] = field(default_factory=set)
    """Of all sessions so far."""
