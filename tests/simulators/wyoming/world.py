"""What all connections of a server share."""

from __future__ import annotations

import asyncio

from ..common.faults import taken
from .journal import Journal
from .manners import Fault, Manner, Stage


class World:
    """From the server's start to its end."""

    def __init__(self, manner: Manner) -> None:
        self.manner = manner
        self.journal = Journal()
        self.faults: list[Fault] = []
        """Those that wait to strike."""
        self.go_on = asyncio.Event()
        """Ends every stall."""
        self.connections = 0
        """Ever."""
        self.tasks: set[asyncio.Task[None]] = set()
        """One for each that is open."""

    def take(self, on: Stage, *, chunks: int, text: str) -> Fault | None:
        """The fault that strikes now."""
        return taken(
            self.faults,
            lambda fault: fault.on == on and fault.where in text and (on != "audio" or fault.after <= chunks),
        )
