"""The numbers that Prometheus reads, in a registry of their own for every server.

Labels are of sets that no client can make longer: engines that are configured, front ends, codes and outcomes; never a voice, a
session or a client. docs/monitoring.md lists them all.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.registry import Collector

from .. import __version__
from ..sessions import Outcome
from .replies import Ended
from .states import State

NONE = "none"
"""The label of what has no name, such as the engine of a reply that ended before one had it."""
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Of `Metrics.rendered`."""
FIRST_AUDIO_BUCKETS = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30)
"""Seconds."""
INTERRUPT_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
"""Seconds."""

disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more for each of these, of when it began


class Metrics:
    """Of one server."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "herald_requests_total", "Replies that are over.", ("engine", "front_end", "outcome"), registry=registry
        )
        self._first_audio = Histogram(
            "herald_first_audio_seconds",
            "From the request until there is something to hear.",
            ("engine",),
            buckets=FIRST_AUDIO_BUCKETS,
            registry=registry,
        )
        self._interrupt = Histogram(
            "herald_interrupt_seconds",
            "From an interrupt until all of the reply has stopped, the engine too.",
            buckets=INTERRUPT_BUCKETS,
            registry=registry,
        )
        self._errors = Counter("herald_errors_total", "Replies that failed.", ("engine", "code"), registry=registry)
        self._characters = Counter("herald_characters_total", "Characters that engines took.", ("engine",), registry=registry)
        self._audio = Counter("herald_audio_seconds_total", "Audio made for listeners.", ("engine",), registry=registry)
        self._sessions = Gauge("herald_sessions", "Replies that are waiting or being spoken.", ("front_end",), registry=registry)
        self._states = Gauge(
            "herald_engine_state", "1 for the state that an engine is in.", ("engine", "state"), registry=registry
        )
        Gauge("herald_info", "Herald itself.", ("version",), registry=registry).labels(__version__).set(1)

    def watch(self, numbers: Collector) -> None:
        """More that is counted elsewhere, and looked up whenever somebody reads."""
        self._registry.register(numbers)

    def started(self, front_end: str) -> None:
        self._sessions.labels(front_end or NONE).inc()

    def speaking(self, engine: str, seconds: float) -> None:
        """There was something to hear so many seconds after the request."""
        self._first_audio.labels(engine or NONE).observe(seconds)

    def ended(self, reply: Ended) -> None:
        engine, front_end = reply.engine or NONE, reply.front_end or NONE
        self._sessions.labels(front_end).dec()
        self._requests.labels(engine, front_end, reply.outcome).inc()
        if reply.outcome is Outcome.FAILED:
            self._errors.labels(engine, reply.code or NONE).inc()
        if reply.interrupt_seconds is not None:
            self._interrupt.observe(reply.interrupt_seconds)
        for name, part in reply.parts.items():
            if part.characters:
                self._characters.labels(name or NONE).inc(part.characters)
            if part.audio_seconds:
                self._audio.labels(name or NONE).inc(part.audio_seconds)

    def engine_is(self, engine: str, state: State | None) -> None:
        """`None`: it is not configured any more."""
        for each in State:
            if state is None:
                self._states.remove(engine, each)
            else:
                self._states.labels(engine, each).set(each is state)

    def rendered(self) -> bytes:
        """In Prometheus' text format, of CONTENT_TYPE."""
        return generate_latest(self._registry)
