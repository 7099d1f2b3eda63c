"""What the simulator saw and did, in order, with times that another process on this machine can compare with its own."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from time import monotonic_ns
from typing import Any, Literal

What = Literal[
    "connected",  # over TCP: the real server may be deaf yet
    "handshake",  # a connection asks to be opened; detail: path, headers
    "opened",  # and it is; the welcome comes next
    "request",  # a tts_stream was accepted; detail: its JSON as body
    "status",  # a task_status was accepted; detail: its JSON as body
    "queued",  # told
    "start",  # told; the model begins
    "audio",  # the WAV is about to be told; detail: bytes
    "completed",  # all was told
    "for nobody",  # the model has finished, and who asked had left
    "dropped",  # its turn came, and who asked had left (real)
    "cancelled",  # who asked left (document)
    "failed",  # an error was told; detail: message
    "refused",  # the client broke a rule; detail: message
    "fault",  # a fault was acted out; detail: kind, on
    "closed",  # the client left, or the simulator made it so; detail: by (close frame, end of file, reset, simulator), code
]
"""What an entry can say."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One thing that happened."""

    what: What
    time_ns: int
    """CLOCK_MONOTONIC."""
    connection: int
    """Counts from 1, in the order of connecting."""
    task: str = ""
    """The task id, where it is about a request."""
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def body(self) -> dict[str, Any]:
        """Of a request."""
        body: dict[str, Any] = self.detail["body"]
        return body

    def line(self) -> str:
        """As JSON, in ASCII."""
        return json.dumps(asdict(self))


class Journal:
    """A list of entries that can be waited for."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.on_entry: Callable[[Entry], None] | None = None
        self._seen: Counter[str] = Counter()
        self._waiting: list[tuple[What, int, asyncio.Future[Entry]]] = []

    def add(self, what: What, connection: int, task: str = "", **detail: Any) -> None:
        entry = Entry(what=what, time_ns=monotonic_ns(), connection=connection, task=task, detail=detail)
        self.entries.append(entry)
        self._seen[what] += 1
        for waiting in [waiting for waiting in self._waiting if waiting[:2] == (what, self._seen[what])]:
            self._waiting.remove(waiting)
            if not waiting[2].done():
                waiting[2].set_result(entry)
        if self.on_entry is not None:
            self.on_entry(entry)

    def all(self, what: What) -> list[Entry]:
        return [entry for entry in self.entries if entry.what == what]

    async def saw(self, what: What, count: int = 1, *, within: float = 10) -> Entry:
        """The `count`th entry of that kind, now or when it comes. Raises TimeoutError after `within` seconds."""
        if self._seen[what] >= count:
            return self.all(what)[count - 1]
        future: asyncio.Future[Entry] = asyncio.get_running_loop().create_future()
        self._waiting.append((what, count, future))
        async with asyncio.timeout(within):
            return await future
