"""What the simulator saw, in order, and a way to wait for it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Literal

What = Literal[
    "connected",
    "event",  # one came; detail: type, data
    "audio",  # a chunk is about to be written
    "fault",  # one strikes; detail: kind, on
    "gone",  # the connection is no more, whoever ended it; known at once where the client resets it
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One thing that happened."""

    what: What
    connection: int
    """Counts from 1."""
    time: float
    """Of the monotonic clock, in seconds."""
    detail: dict[str, Any] = field(default_factory=dict)


class Journal:
    """Entries, the oldest first."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._more = asyncio.Event()

    def add(self, what: What, connection: int, **detail: Any) -> None:
        self.entries.append(Entry(what=what, connection=connection, time=monotonic(), detail=detail))
        self._more.set()

    def all(self, what: What, event_type: str | None = None, *, connection: int | None = None) -> list[Entry]:
        """`event_type`: of an event; `connection`: on which it happened."""
        fitting = [entry for entry in self.entries if entry.what == what and connection in (None, entry.connection)]
        return [entry for entry in fitting if event_type in (None, entry.detail.get("type"))]

    async def saw(
        self, what: What, event_type: str | None = None, *, count: int = 1, connection: int | None = None, within: float = 10
    ) -> Entry:
        """The `count`th of them, now or when it comes. Raises TimeoutError after `within` seconds."""
        async with asyncio.timeout(within):
            while len(found := self.all(what, event_type, connection=connection)) < count:
                self._more.clear()
                await self._more.wait()
        return found[count - 1]
