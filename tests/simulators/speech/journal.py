"""What a service that speaks in sessions can see and do, and how much of it there was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ..common import journal

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
class Entry(journal.Entry[What]):
    """One thing that happened."""

    characters: int = 0


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


class Journal(journal.Journal[What, Entry]):
    """What happened, and how much."""

    def __init__(self) -> None:
        super().__init__()
        self.counters = Counters()

    def add(self, what: What, connection: int, characters: int = 0, **detail: Any) -> None:
        self.put(Entry(what=what, connection=connection, characters=characters, detail=detail))
