"""What engines have taken today and this month, beside what they may: for Prometheus, and as the HTTP API tells it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ..state.calendar import Period
from ..synthesis.spending import Spending
from .hub import Json


class SpendingNumbers(Collector):
    """Looked up whenever somebody reads. Engines that are in no configuration any more keep what they took."""

    def __init__(self, spending: Spending) -> None:
        self._spending = spending

    def collect(self) -> Iterator[GaugeMetricFamily]:
        labels = ("engine", "period")
        taken = GaugeMetricFamily("herald_period_characters", "Characters that engines took today and this month.", labels=labels)
        limits = GaugeMetricFamily("herald_period_characters_limit", "Characters that they may take in it.", labels=labels)
        for period in Period:
            for engine, characters, limit in _each(self._spending, period):
                taken.add_metric((engine, period), characters)
                if limit is not None:
                    limits.add_metric((engine, period), limit)
        yield taken
        yield limits


def described(spending: Spending, period: Period) -> dict[str, Json]:
    """As the HTTP API tells it."""
    calendar = spending.counters.calendar
    return {
        "period": calendar.name(period),
        "ends": calendar.ends(period).astimezone(UTC).isoformat(),
        "engines": {engine: {"characters": characters, "limit": limit} for engine, characters, limit in _each(spending, period)},
    }


def _each(spending: Spending, period: Period) -> Iterator[tuple[str, int, int | None]]:
    """Every engine that took something, or has a limit."""
    taken = spending.counters.engines(period)
    for engine in sorted({*taken, *(name for name in spending.limits if spending.limit(name, period) is not None)}):
        yield engine, taken.get(engine, 0), spending.limit(engine, period)
