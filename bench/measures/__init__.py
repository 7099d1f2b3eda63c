"""The benches, one a module: each has `measure`, which yields rows as they are known. In the order of docs/benchmarks.md."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping

from ..lab import Lab
from ..rows import Row
from . import (
    cache,
    containers,
    cpu,
    describe,
    endurance,
    espeak,
    fallback,
    flowing,
    http,
    indextts,
    interrupt,
    latency,
    memory,
    openspeech,
    peers,
    realtime,
    resample,
    sami,
    start,
)

BENCHES: Mapping[str, Callable[[Lab], AsyncIterator[Row]]] = {
    "latency": latency.measure,
    "resample": resample.measure,
    "cpu": cpu.measure,
    "realtime": realtime.measure,
    "interrupt": interrupt.measure,
    "describe": describe.measure,
    "espeak": espeak.measure,
    "openspeech": openspeech.measure,
    "flowing": flowing.measure,
    "http": http.measure,
    "indextts": indextts.measure,
    "sami": sami.measure,
    "containers": containers.measure,
    "cache": cache.measure,
    "fallback": fallback.measure,
    "peers": peers.measure,
    "start": start.measure,
    "memory": memory.measure,
    "endurance": endurance.measure,
}
