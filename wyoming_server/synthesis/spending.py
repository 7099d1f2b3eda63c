"""How many characters each engine may still take today and this month, and what is to be said about that.

Replies at the same moment share what is left: each has a promise of what its engine was given and has not taken yet. Decides
synchronously; knows no text.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ..errors import QuotaExceeded
from ..state.calendar import Period
from ..state.counters import Counters, LocalCounters
from .limits import NO_LIMITS, Limits

_LOGGER = logging.getLogger(__name__)

WARN_AT = 0.8
"""Part of a limit that is worth a word."""
_REMEDY = "A higher limit in herald.yaml holds as soon as that is reloaded."
KEYS: Mapping[Period, str] = {Period.DAY: "characters_per_day", Period.MONTH: "characters_per_month"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowance:
    """One limit of one engine, and how much of it is used up."""

    engine: str
    period: Period
    limit: int
    used: int
    resets: str
    """When, by the machine's clock, with the zone."""

    @property
    def is_near(self) -> bool:
        return self.used >= WARN_AT * self.limit

    def words(self) -> str:
        return (
            f"The engine {self.engine} has taken {self.used} of the {self.limit} characters that it may take a {self.period} "
            f"({KEYS[self.period]}); the count begins anew at {self.resets}"
        )


class Promise:
    """What one reply was given, and what of it was taken."""

    def __init__(self, engine: str) -> None:
        self.engine = engine
        self.given = 0
        self.taken = 0

    @property
    def open(self) -> int:
        return max(0, self.given - self.taken)


def _nobody_listens(engine: str) -> None:
    """Of a spending that is used alone."""


def _nobody_is_told(engine: str, error: QuotaExceeded) -> None:
    """The same."""


class Spending:
    """Of all engines."""

    def __init__(self, counters: Counters | None = None, limits: Limits = NO_LIMITS) -> None:
        self.counters: Counters = counters or LocalCounters()
        self.limits = limits
        self.promises: set[Promise] = set()
        """Of the replies that are being made."""
        self.on_warned: Callable[[str], None] = _nobody_listens
        """Called with the name of an engine that is near a limit, once in its period."""
        self.on_refused: Callable[[str, QuotaExceeded], None] = _nobody_is_told
        """Called with the name of an engine that may take no more, or not so much."""
        self._warned: dict[tuple[str, Period], tuple[str, int]] = {}
        """Engine and period → the day or month of which somebody was warned, and the limit."""

    def limit(self, engine: str, period: Period) -> int | None:
        """Characters; `None`: it has none."""
        found: int | None = getattr(self.limits.get(engine), KEYS[period], None)
        return found

    def allowances(self, engine: str) -> Iterator[Allowance]:
        """The limits that it has."""
        for period in KEYS:
            if (limit := self.limit(engine, period)) is not None:
                resets = self.counters.calendar.ends(period).isoformat(" ", "minutes")
                used = self.counters.used(engine, period)
                yield Allowance(engine=engine, period=period, limit=limit, used=used, resets=resets)

    def warning(self, engine: str) -> str:
        """What is to be said of it now; empty: nothing."""
        return " ".join(f"{allowance.words()}." for allowance in self.allowances(engine) if allowance.is_near)

    def took(self, engine: str, characters: int) -> None:
        """So many more."""
        self.counters.add(engine, characters)
        for allowance in self.allowances(engine):
            key, now = (engine, allowance.period), (self.counters.calendar.name(allowance.period), allowance.limit)
            if allowance.is_near and self._warned.get(key) != now:
                self._warned[key] = now
                _LOGGER.warning("%s", allowance.words())
                self.on_warned(engine)

    def room(self, engine: str) -> float:
        """Characters that it may still be given."""
        left = (allowance.limit - allowance.used for allowance in self.allowances(engine))
        return min(left, default=float("inf")) - self._promised(engine)

    def refusal(self, engine: str, characters: int) -> QuotaExceeded | None:
        """Why it may not be given so many more; `None`: it may."""
        for allowance in self.allowances(engine):
            promised = self._promised(engine)
            if allowance.used + promised + characters > allowance.limit:
                others = f"; {promised} more are promised" if promised else ""
                error = QuotaExceeded(f"{allowance.words()}{others}. {characters} more do not fit. {_REMEDY}")
                self.on_refused(engine, error)
                return error
        return None

    def _promised(self, engine: str) -> int:
        return sum(promise.open for promise in self.promises if promise.engine == engine)
