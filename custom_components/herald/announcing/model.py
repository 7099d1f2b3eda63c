"""What an announcement is, and what became of it. Values alone: nothing is decided or done here."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from ..api import Order


class Mode(StrEnum):
    """What it does where something is announced already: the table is in rooms.py."""

    INTERRUPT = "interrupt"
    REPLACE = "replace"
    QUEUE = "queue"
    DROP = "drop"


class State(StrEnum):
    """How it ended, on one target."""

    COMPLETED = "completed"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True, slots=True)
class Announcement:
    text: str = field(repr=False)
    order: Order
    """Who speaks, and how; with the server's chime and `share` in its options. A player chooses the format."""
    entry_id: str
    """Of the server that speaks."""
    speaker: str | None = None
    """The text-to-speech entity of ours whose voice it is; None: none was named."""
    chime: str | None = None
    """A media id: what is heard first."""
    volume: float | None = None
    """0 to 1, of the player while it is announced; None: as it is."""
    mode: Mode = Mode.QUEUE
    priority: int = 0
    """More is more important."""
    expires: float | None = None
    """Seconds after which it is not begun any more; None: whenever."""
    session_id: str
    """By which it can be interrupted. A later one with the same id interrupts it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    state: State
    reason: str | None = None
    """Why it was not completed, or what was not as it should be though it was: a word for programs (docs/announcements.md)."""
    message: str | None = None
    """The same for people, in the language of Home Assistant, where there is more to say than that."""
    first_audio_ms: int | None = None
    """Milliseconds from when the server was asked until it had something to hear."""
    duration: float | None = None
    """Seconds of audio that the player was given."""
    voice: str | None = None
    """Who spoke, or was to speak."""
