"""When more speech may go up, and until when something must come down: counted in seconds of audio, by a clock that is given.

No I/O here, and no asyncio.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

BEHIND_MAX = 0.2
"""Seconds that a paced stream may be behind its times and still catch up."""
KEPT_MAX = 1.0
"""Seconds of speech that a live converter may keep to itself and owe nothing for: it looks ahead."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """In seconds, but for `pace`."""

    window: float = 2.0
    """By which the speech that went up may be ahead of what came down."""
    release: float = 0.5
    """Without anything coming down, after which as much more goes up anyway: so it goes on in real time."""
    pace: float | None = None
    """Factor of real time at which speech goes up at most. `None`: as it comes."""
    begin: float = 5.0
    """Until the service has begun, with all attempts. The time for a token is not counted."""
    first_audio: float = 10.0
    """Until first audio, while the service owes some."""
    gap: float = 10.0
    """Between audio and audio, while the service owes some."""
    finish: float = 10.0
    """Without anything coming down, once all speech went up."""


class Window:
    """How far what went up is ahead of what came down. What the service has dropped or keeps for good is forgiven in time."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._ahead = 0.0
        self._since = 0.0
        """When something came down last, or, if later, when more went up anyway, or again."""
        self._paced_at = 0.0
        self._is_held = False

    @property
    def due(self) -> float:
        """The time at which more may go up; `inf`: only when something has happened."""
        if not self._is_full:
            return self._paced_at
        return inf if self._is_held else max(self._paced_at, self._since + self._limits.release)

    @property
    def _is_full(self) -> bool:
        return self._ahead >= self._limits.window

    def sent(self, seconds: float, now: float) -> None:
        if self._is_full:
            self._ahead = max(0.0, self._limits.window - self._limits.release)
            self._since = now
        elif not self._ahead:
            self._since = now
        self._ahead += seconds
        if self._limits.pace is not None:
            in_time = self._paced_at if self._paced_at > now - BEHIND_MAX else now
            self._paced_at = in_time + seconds / self._limits.pace

    def heard(self, seconds: float, now: float) -> None:
        self._ahead = max(0.0, self._ahead - seconds)
        self._since = now

    def hold(self) -> None:
        """Nobody takes what came down: while that is so, nothing is overdue."""
        self._is_held = True

    def go_on(self, now: float) -> None:
        self._is_held = False
        self._since = now


class Patience:
    """Until when audio must have come. The service owes some once it has more speech than it may keep, or all of it."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._unanswered = 0.0
        """Seconds of speech since audio came last."""
        self._owed_since: float | None = None
        self._heard = False
        self.finished = False
        """All speech went up."""

    @property
    def limit(self) -> float:
        """Seconds that the service has, where it owes us something."""
        if not self._heard:
            return self._limits.first_audio
        return self._limits.finish if self.finished else self._limits.gap

    @property
    def heard(self) -> bool:
        """Audio came."""
        return self._heard

    @property
    def deadline(self) -> float | None:
        return None if self._owed_since is None else self._owed_since + self.limit

    def sent(self, seconds: float, now: float) -> None:
        self._unanswered += seconds
        if self._owed_since is None and self._unanswered >= min(KEPT_MAX, self._limits.window):
            self._owed_since = now

    def finish(self, now: float) -> None:
        self.finished = True
        self._owed_since = now

    def hear(self, now: float) -> None:
        self._heard = True
        self._unanswered = 0.0
        self._owed_since = now if self.finished else None

    def go_on(self, now: float) -> None:
        """Until now nobody took what came down: that time is nobody's fault."""
        self._owed_since = None if self._owed_since is None else now
