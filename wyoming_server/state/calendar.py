"""Days and months as the machine's own clock and time zone have them: what characters are counted by."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum


class Period(StrEnum):
    DAY = "day"
    MONTH = "month"


def _now() -> datetime:
    return datetime.now(UTC)


class Calendar:
    """`now`: the clock, aware of its zone. `zone`: `None` is the machine's own."""

    def __init__(self, now: Callable[[], datetime] = _now, zone: tzinfo | None = None) -> None:
        self._now = now
        self._zone = zone

    def today(self) -> date:
        return self._now().astimezone(self._zone).date()

    def name(self, period: Period) -> str:
        """2026-11-22, or 2026-11: what the days of this period begin with."""
        today = self.today()
        return today.isoformat() if period is Period.DAY else f"{today:%Y-%m}"

    def ends(self, period: Period) -> datetime:
        """When the next one begins, in the zone: that midnight, even where the clock is put forward or back on the way."""
        today = self.today()
        following = (
            today + timedelta(days=1) if period is Period.DAY else (today.replace(day=1) + timedelta(days=32)).replace(day=1)
        )
        midnight = datetime.combine(following, time.min, self._zone)
        return midnight.astimezone(UTC).astimezone(self._zone)
