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
    "listening",  # the first entry; detail: url, token_url
    "token",  # GetToken was answered; detail: status (of HTTP), code, lifetime
    "handshake",  # a connection asks to be opened; detail: path, headers
    "opened",  # and it is
    "start",  # a StartTask was accepted; detail: its JSON as body, its payload
    "started",  # TaskStarted was told
    "audio",  # audio came in; detail: bytes, how (binary, text), ahead (see Task.ahead)
    "output",  # audio is about to be told; detail: bytes, how (binary, text, event, TaskFinished)
    "finish",  # FinishTask came; detail: bytes, all that came in
    "finished",  # TaskFinished was told; detail: bytes, all that was told
    "failed",  # TaskFailed was told; detail: code, message
    "refused",  # the client broke a rule; detail: code, message
    "habit",  # what the vendor's samples do, and nobody should; detail: name
    "fault",  # a fault was acted out; detail: kind, on
    "closed",  # the client left, or the simulator made it so; detail: by (as elsewhere, or simulator), code, during
]
"""What an entry can say."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One thing that happened."""

    what: What
    time_ns: int
    """CLOCK_MONOTONIC."""
    connection: int = 0
    """Counts from 1, in the order of the handshakes; 0: of none."""
    detail: dict[str, Any] = field(default_factory=dict)

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

    def add(self, what: What, connection: int = 0, **detail: Any) -> None:
        entry = Entry(what=what, time_ns=monotonic_ns(), connection=connection, detail=detail)
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
