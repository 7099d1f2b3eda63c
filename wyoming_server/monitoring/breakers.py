"""Which engines are spared because they fail again and again, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ..synthesis.fallback.breakers import Breakers, BreakerState


class BreakerNumbers(Collector):
    """Looked up whenever somebody reads: that an engine may be tried again is nobody's doing, but time's."""

    def __init__(self, breakers: Breakers) -> None:
        self._breakers = breakers

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily(
            "herald_breaker_state", "1 for the state that an engine's circuit breaker is in.", labels=("engine", "state")
        )
        for engine, state in self._breakers.states().items():
            for each in BreakerState:
                family.add_metric((engine, each), float(each is state))
        yield family
