"""A monitor with nothing but an engine, and what a subscriber is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from wyoming_server.config import Config
from wyoming_server.engines.base import Engine
from wyoming_server.monitoring.hub import Event, Subscriber
from wyoming_server.monitoring.monitor import Monitor
from wyoming_server.roster import Roster
from wyoming_server.server import Running
from wyoming_server.synthesis.fallback.breakers import Breakers
from wyoming_server.synthesis.spending import Spending
from wyoming_server.voices import Catalogue

from ..engines.cases import new_engine
from ..serving import serving

SESSION = ("session_started", "session_speaking", "session_ended")


def new_monitor(
    *, catalogue: Catalogue | None = None, spending: Spending | None = None, breakers: Breakers | None = None
) -> Monitor:
    engines: Roster[Engine] = Roster.of({"tone": new_engine("tone")})
    return Monitor(engines, Roster.of({}), catalogue or Catalogue(Config(), engines), spending=spending, breakers=breakers)


class Told:
    """What one subscriber hears, while others go on."""

    def __init__(self, subscriber: Subscriber) -> None:
        self._subscriber = subscriber
        self.events: list[Event] = []

    async def until(self, *names: str) -> Event:
        """The next of these."""
        async with asyncio.timeout(10):
            async for event in self._subscriber:
                self.events.append(event)
                if event.name in names:
                    return event
        raise AssertionError(f"No {' or '.join(names)} before the end.")

    async def all(self) -> list[Event]:
        """Everything, to the end."""
        async with asyncio.timeout(10):
            self.events += [event async for event in self._subscriber]
        return self.events

    def of(self, *names: str) -> list[Mapping[str, Any]]:
        """Data of those so far that are called so."""
        return [event.data for event in self.events if event.name in names]

    @property
    def sessions(self) -> list[tuple[Any, str]]:
        """Ids, and what became of them so far."""
        return [(event.data["id"], event.name) for event in self.events if event.name in SESSION]


@contextmanager
def told_by(monitor: Monitor) -> Iterator[Told]:
    with monitor.hub.subscribe() as subscriber:
        yield Told(subscriber)


@asynccontextmanager
async def watched(folder: Path, yaml: str) -> AsyncIterator[tuple[Running, Told]]:
    """A whole server, and what is told of it."""
    async with serving(folder, yaml) as server:
        with told_by(server.monitor) as told:
            yield server, told


def value(monitor: Monitor, name: str, **labels: str) -> float:
    """Of one sample; 0 where there is none."""
    for family in text_string_to_metric_families(monitor.metrics.rendered().decode()):
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return sample.value
    return 0.0
