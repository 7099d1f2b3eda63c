"""The engines, or the converters, that are configured now, each replaced while others, and its own last replies, go on.

A reply leases whom it needs; whoever is replaced is closed when the last lease of it has ended.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar

from .errors import EngineError
from .service import Service

_LOGGER = logging.getLogger(__name__)


class ServiceConfig(Protocol):
    """One that is configured."""

    @property
    def type(self) -> str: ...

    @property
    def options(self) -> Mapping[str, Any]: ...


S = TypeVar("S", bound=Service)


@dataclass(frozen=True, kw_only=True, slots=True)
class Changes:
    """What became of the services, by name."""

    added: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.added, *self.replaced, *self.removed)

    def __add__(self, other: Changes) -> Changes:
        return Changes(
            added=self.added + other.added, replaced=self.replaced + other.replaced, removed=self.removed + other.removed
        )


class _Entry(Generic[S]):
    def __init__(self, service: S, config: ServiceConfig | None) -> None:
        self.service = service
        self.config = config
        self.leases = 0
        self.free = asyncio.Event()
        self.free.set()

    def is_of(self, config: ServiceConfig) -> bool:
        """Whether it is what `config` asks for."""
        return self.config is not None and (self.config.type, self.config.options) == (config.type, config.options)


class Roster(Mapping[str, S]):
    """By name, in the configuration's order. `make` makes one of them, not started yet; `kind` is what people call one."""

    def __init__(self, make: Callable[[str, ServiceConfig], S], kind: str) -> None:
        self._make = make
        self._kind = kind
        self._entries: dict[str, _Entry[S]] = {}
        self._retiring: dict[asyncio.Task[None], _Entry[S]] = {}
        self.failures: dict[str, EngineError] = {}
        """Why one could not be started; it is tried again when it is asked for something."""

    @classmethod
    def of(cls, services: Mapping[str, S]) -> Self:
        """Some that are there already, and stay."""

        def make(name: str, config: ServiceConfig) -> S:
            msg = f"{name} is not made here."
            raise NotImplementedError(msg)

        roster = cls(make, "service")
        roster._entries = {name: _Entry(service, None) for name, service in services.items()}
        return roster

    def __getitem__(self, name: str) -> S:
        return self._entries[name].service

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    @contextmanager
    def leased(self, name: str) -> Iterator[S]:
        """The one of this name, which is not closed while the block runs. Raises KeyError."""
        entry = self._entries[name]
        entry.leases += 1
        entry.free.clear()
        try:
            yield entry.service
        finally:
            entry.leases -= 1
            if not entry.leases:
                entry.free.set()

    async def apply(self, wanted: Mapping[str, ServiceConfig]) -> Changes:
        """Be what `wanted` says from now on: those that it does not change stay as they are, with what they have open."""
        async with self.prepared(wanted) as put:
            return put()

    @asynccontextmanager
    async def prepared(self, wanted: Mapping[str, ServiceConfig]) -> AsyncIterator[Callable[[], Changes]]:
        """Those that are new to `wanted`, started, while nobody uses them yet. Calling what is given puts them in place.

        Where it is not called they are closed when the block ends, and nothing has changed.
        """
        before = self._entries
        kept = {name: before[name] for name, config in wanted.items() if name in before and before[name].is_of(config)}
        made = {name: _Entry(self._make(name, config), config) for name, config in wanted.items() if name not in kept}
        async with AsyncExitStack() as unused:
            for entry in made.values():
                unused.push_async_callback(entry.service.aclose)
            failures = {name: error for name, entry in made.items() if (error := await self._started(entry)) is not None}

            def put() -> Changes:
                unused.pop_all()
                self._entries = {name: kept.get(name) or made[name] for name in wanted}
                self.failures = {**{name: error for name, error in self.failures.items() if name in kept}, **failures}
                for name, entry in before.items():
                    if name not in kept:
                        self._retire(entry)
                return _changes(before, made, wanted)

            yield put

    async def aclose(self) -> None:
        """Close everybody, the last first, whoever still has a lease."""
        entries, self._entries = self._entries, {}
        for entry in reversed(entries.values()):
            await entry.service.aclose()
        for entry in self._retiring.values():
            entry.free.set()
        if self._retiring:
            await asyncio.wait(self._retiring)

    async def _started(self, entry: _Entry[S]) -> EngineError | None:
        try:
            await entry.service.start()
        except EngineError as error:
            _LOGGER.warning("The %s %s could not be started: %s", self._kind, entry.service.name, error)
            return error
        return None

    def _retire(self, entry: _Entry[S]) -> None:
        task = asyncio.create_task(_closed_when_free(entry))
        self._retiring[task] = entry
        task.add_done_callback(self._retiring.pop)


async def _closed_when_free(entry: _Entry[S]) -> None:
    await entry.free.wait()
    await entry.service.aclose()


def _changes(before: Collection[str], made: Collection[str], wanted: Collection[str]) -> Changes:
    return Changes(
        added=tuple(name for name in made if name not in before),
        replaced=tuple(name for name in made if name in before),
        removed=tuple(name for name in before if name not in wanted),
    )
