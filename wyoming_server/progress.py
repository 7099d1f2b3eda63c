"""How far one reply has come: written by whoever speaks it, read by whoever watches. Numbers and names, never text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from .models import Notice


def _nobody_waits() -> None:
    """For a reply that nobody watches."""


@dataclass(kw_only=True, slots=True)
class Progress:
    """Of one reply."""

    voice: str = ""
    client: str = ""
    """The address of whoever asked; replies of one share what others may have too."""
    engine: str = ""
    """Name of the engine that speaks it."""
    converter: str = ""
    """Name of the converter behind the engine, where there is one."""
    converter_failed: bool = False
    """It did, and not the engine."""
    characters: int = 0
    """Code points that the engine has taken: what a service charges for."""
    position: int | None = None
    """Its place in the engine's line, where it stands in one; 1 is the next."""
    first_audio: float | None = None
    """When there was something to hear (monotonic seconds)."""
    audio_seconds: float = 0.0
    """Of audio made for the listener."""
    notice: Notice | None = None
    """What the listener should know of it."""
    on_first_audio: Callable[[], None] = field(default=_nobody_waits, repr=False)
    """Called when `first_audio` is known."""

    def heard(self, seconds: float) -> None:
        """So much more audio was made."""
        self.position = None
        self.audio_seconds += seconds
        if self.first_audio is None:
            self.first_audio = monotonic()
            self.on_first_audio()
