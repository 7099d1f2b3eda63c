"""What the simulator can see and do."""

from __future__ import annotations

from typing import Any, Literal

from ..common import journal

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


class Entry(journal.Entry[What]):
    """One thing that happened."""


class Journal(journal.Journal[What, Entry]):
    """What happened."""

    def add(self, what: What, connection: int = 0, **detail: Any) -> None:
        self.put(Entry(what=what, connection=connection, detail=detail))
