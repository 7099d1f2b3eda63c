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
    "handshake",  # a connection asks to be opened; detail: path, headers
    "connected",  # StartConnection answered (v3)
    "request",  # a v1 request was accepted; detail: its JSON
    "session",  # a v3 session was accepted; detail: id, and the JSON of StartSession
    "text",  # a fragment arrived; characters: its length
    "first audio",  # the first message with audio of this request or session is about to be written
    "audio",  # a message with audio is about to be written; characters: those that it finishes
    "audio finished",  # the last audio was written; characters: all of this request or session
    "finished",  # a request or session ended as it should; characters as above
    "cancelled",  # CancelSession, or the client left mid-speech; detail: by; characters: those made so far
    "refused",  # the client broke a rule; detail: code, message
    "fault",  # a fault was acted out; detail: its name
    "closed",  # the client left; detail: by (close frame, end of file, reset), code
]
"""What an entry can say."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One thing that happened."""

    what: What
    time_ns: int
    """CLOCK_MONOTONIC."""
    connection: int
    """Counts from 1, in the order of the handshakes."""
    characters: int = 0
    detail: dict[str, Any] = field(default_factory=dict)

    def line(self) -> str:
        """As JSON, in ASCII."""
        return json.dumps(asdict(self))


@dataclass(kw_only=True)
class Counters:
    """How much, now and ever."""

    connections: int = 0
    """Open now."""
    connections_ever: int = 0
    """Handshakes that were accepted."""
    sessions: int = 0
    """Requests (v1) and sessions (v3) that run now."""
    sessions_ever: int = 0
    sessions_most: int = 0
    """At most at once."""
    characters: int = 0
    """Made into audio, and no others."""
    audio_messages: int = 0

    def session_started(self) -> None:
        self.sessions += 1
        self.sessions_ever += 1
        self.sessions_most = max(self.sessions_most, self.sessions)


class Journal:
    """A list of entries that can be waited for."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.counters = Counters()
        self.on_entry: Callable[[Entry], None] | None = None
        self._seen: Counter[str] = Counter()
        self._waiting: list[tuple[What, int, asyncio.Future[Entry]]] = []

    def add(self, what: What, connection: int, characters: int = 0, **detail: Any) -> None:
        entry = Entry(what=what, time_ns=monotonic_ns(), connection=connection, characters=characters, detail=detail)
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
