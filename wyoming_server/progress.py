"""How far one reply has come: written by whoever speaks it, read by whoever watches. Numbers and names, never text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from .models import Notice


def _nobody_waits() -> None:
    """For a reply that nobody watches."""


@dataclass(kw_only=True, slots=True)
class Part:
    """What one engine did of a reply."""

    characters: int = 0
    """Code points that it has taken: what a service charges for."""
    audio_seconds: float = 0.0
    """Of audio made for the listener."""


@dataclass(kw_only=True, slots=True)
class Progress:
    """Of one reply."""

    voice: str = ""
    client: str = ""
    """The address of whoever asked; replies of one share what others may have too."""
    engine: str = ""
    """Name of the engine that speaks it, or will."""
    converter: str = ""
    """Name of the converter behind the engine, where there is one."""
    converter_failed: bool = False
    """It did, and not the engine."""
    asked: bool = False
    """The engine is at work for it."""
    shared: bool = False
    """At what another reply asked for, which this one listens to as well."""
    characters: int = 0
    """Code points that engines have taken."""
    position: int | None = None
    """Its place in the engine's line, where it stands in one; 1 is the next."""
    first_audio: float | None = None
    """When there was something to hear of the speech (monotonic seconds). A chime before it is none of it."""
    audio_seconds: float = 0.0
    """Of audio made for the listener, a chime too."""
    parts: dict[str, Part] = field(default_factory=dict)
    """What each engine did of it, by its name: several, where one failed, or was too late."""
    notice: Notice | None = None
    """What the listener should know of it."""
    on_first_audio: Callable[[], None] = field(default=_nobody_waits, repr=False)
    """Called when `first_audio` is known."""

    def took(self, engine: str, characters: int) -> None:
        """It has taken so many more."""
        self.characters += characters
        self.parts.setdefault(engine, Part()).characters += characters

    def adds(self, seconds: float) -> None:
        """Of audio, of the engine that speaks now, or will."""
        self.audio_seconds += seconds
        self.parts.setdefault(self.engine, Part()).audio_seconds += seconds

    def waits(self, position: int) -> None:
        """For its turn at the engine."""
        if self.first_audio is None:
            self.position = position

    def heard(self, seconds: float) -> None:
        """So much more of the speech was made."""
        self.adds(seconds)
        self.speaks()

    def speaks(self) -> None:
        """There is some of the speech, though it may not be its turn yet."""
        self.position = None
        if self.first_audio is None:
            self.first_audio = monotonic()
            self.on_first_audio()
