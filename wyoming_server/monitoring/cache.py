"""The numbers of the audio cache, as Prometheus reads them: looked up when it asks. docs/monitoring.md lists them."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ..synthesis.cache.store import Store

COUNTERS = (
    ("stored", "Replies that were kept."),
    ("evicted", "Kept replies that had to make room."),
    ("damaged", "Kept replies, or lists of them, that were not as they had been written."),
    ("failures", "Times that the disk failed."),
)
GAUGES = (
    ("entries", "Replies that are kept."),
    ("bytes", "What they take on the disk."),
)


class CacheNumbers(Collector):
    """Of one server's cache."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def collect(self) -> Iterator[Metric]:
        counts = self._store.counts
        requests = CounterMetricFamily("herald_cache_requests", "Replies that may be kept.", labels=("result",))
        for result, number in (("hit", counts.hits), ("shared", counts.shared), ("miss", counts.misses)):
            requests.add_metric((result,), number)
        yield requests
        for name, words in COUNTERS:
            yield CounterMetricFamily(f"herald_cache_{name}", words, value=getattr(counts, name))
        for name, words in GAUGES:
            yield GaugeMetricFamily(f"herald_cache_{name}", words, value=getattr(counts, name))
        yield GaugeMetricFamily("herald_cache_limit_bytes", "What they may take.", value=self._store.limit)
