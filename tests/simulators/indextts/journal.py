"""What the simulator can see and do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ..common import journal

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
class Entry(journal.Entry[What]):
    """One thing that happened."""

    task: str = ""
    """The task id, where it is about a request."""

    @property
    def body(self) -> dict[str, Any]:
        """Of a request."""
        body: dict[str, Any] = self.detail["body"]
        return body


class Journal(journal.Journal[What, Entry]):
    """What happened."""

    def add(self, what: What, connection: int, task: str = "", **detail: Any) -> None:
        self.put(Entry(what=what, connection=connection, task=task, detail=detail))
