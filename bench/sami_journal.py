"""What the SAMI simulator tells of each task: read from the lines of its journal.

Which reply a task is for, its speaker tells: nobody else uses one at that time. No I/O. Times are CLOCK_MONOTONIC in ns.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from dataclasses import dataclass


@dataclass(kw_only=True, slots=True)
class Conversion:
    """One task, and so one connection."""

    speaker: str
    begun: int
    """When the simulator took it."""
    finished: bool = False
    """It came to its own end."""
    ended: int | None = None
    """When its client had left."""


class SamiJournal:
    """All that was told so far, and what is waited for."""

    def __init__(self) -> None:
        self._by_connection: dict[int, Conversion] = {}
        self._by_speaker: defaultdict[str, list[Conversion]] = defaultdict(list)
        self._changed = asyncio.Event()

    def read(self, line: str | bytes) -> None:
        entry = json.loads(line)
        match entry["what"]:
            case "start":
                task = Conversion(speaker=entry["detail"]["payload"]["speaker"], begun=entry["time_ns"])
                self._by_connection[entry["connection"]] = task
                self._by_speaker[task.speaker].append(task)
            case "finished":
                self._by_connection[entry["connection"]].finished = True
            case "closed" if entry["connection"] in self._by_connection:
                self._by_connection[entry["connection"]].ended = entry["time_ns"]
        self._changed.set()

    def count(self, speaker: str) -> int:
        """Of its tasks so far."""
        return len(self._by_speaker[speaker])

    async def ended(self, speaker: str, number: int) -> Conversion:
        """Its task of this number, from 0, once its client has left."""
        while self.count(speaker) <= number or self._by_speaker[speaker][number].ended is None:
            self._changed.clear()
            await self._changed.wait()
        return self._by_speaker[speaker][number]
