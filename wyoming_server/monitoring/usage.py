"""What every engine was used for, since some moment. Behind an interface: it may be kept in a file one day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from ..progress import Part
from ..sessions import Outcome
from .hub import Json
from .replies import Ended


@dataclass(kw_only=True, slots=True)
class EngineUsage:
    """Of one engine."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    """Of the replies that it was asked for."""
    shared: int = 0
    """Replies that listened to one of those as well."""
    characters: int = 0
    """That it took."""
    audio_seconds: float = 0.0
    """Made for listeners."""
    errors: Counter[str] = field(default_factory=Counter)
    """Failures by code."""

    def add(self, reply: Ended) -> None:
        """One that it was asked for, and spoke last."""
        if reply.shared:
            self.shared += 1
            return
        self.outcomes[reply.outcome] += 1
        if reply.outcome is Outcome.FAILED and reply.code is not None:
            self.errors[reply.code] += 1

    def did(self, part: Part) -> None:
        """Of a reply, whoever ended it."""
        self.characters += part.characters
        self.audio_seconds += part.audio_seconds

    def described(self) -> dict[str, Json]:
        return {
            "requests": self.outcomes.total(),
            **{outcome.value: self.outcomes[outcome] for outcome in Outcome},
            "shared": self.shared,
            "characters": self.characters,
            "audio_seconds": round(self.audio_seconds, 3),
            "errors": dict(self.errors),
        }


class Usage(Protocol):
    """What is needed of it. Adding must not wait."""

    @property
    def since(self) -> datetime: ...

    @property
    def engines(self) -> Mapping[str, EngineUsage]:
        """By name."""

    def add(self, reply: Ended) -> None: ...


class LocalUsage:
    """Of one process, since its start."""

    def __init__(self) -> None:
        self.since = datetime.now(UTC)
        self.engines: dict[str, EngineUsage] = {}

    def add(self, reply: Ended) -> None:
        """A reply that ended before an engine was at work for it is none of any engine."""
        if not reply.asked:
            return
        self._of(reply.engine).add(reply)
        for engine, part in reply.parts.items():
            self._of(engine).did(part)

    def _of(self, engine: str) -> EngineUsage:
        return self.engines.setdefault(engine, EngineUsage())


def described(usage: Usage) -> dict[str, Json]:
    """As the HTTP API tells it."""
    return {
        "since": usage.since.isoformat(),
        "engines": {name: engine.described() for name, engine in usage.engines.items()},
    }
