"""What every connection of the front end works with, on whichever port it came."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from ...config import HttpConfig
from ...engines.turns import Turns
from ...sessions import Sessions
from ...synthesis import Synthesizer
from ...voices import Catalogue
from .tasks import Tasks

WRITE_TIMEOUT = 30.0
"""Seconds that a client may take nothing of what it is sent."""


def _one_at_a_time() -> Mapping[str, Turns]:
    return defaultdict(lambda: Turns(1))


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """One instance a server: its queues are those of everybody."""

    config: HttpConfig
    catalogue: Catalogue
    synthesizer: Synthesizer
    sessions: Sessions
    turns: asyncio.Semaphore
    """See Pacing."""
    write_timeout: float = WRITE_TIMEOUT
    tasks: Tasks = field(default_factory=Tasks)
    queues: Mapping[str, Turns] = field(default_factory=_one_at_a_time)
    """The inference queue of each engine, by its name."""
