"""What a simulator saw and did, in order, with times that another process on this machine can compare with its own."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from time import monotonic_ns
from typing import Any, Generic, TypeVar

W = TypeVar("W", bound=str)
"""What can happen: a service's own literals."""
T = TypeVar("T")


class Occasions(Generic[W, T]):
    """What happened, by its kind, and a way to wait for more of it."""

    def __init__(self) -> None:
        self._past: defaultdict[W, list[T]] = defaultdict(list)
        self._waiting: list[tuple[W, int, asyncio.Future[T]]] = []

    def all(self, what: W) -> list[T]:
        return list(self._past[what])

    async def saw(self, what: W, count: int = 1, *, within: float = 10) -> T:
        """The `count`th of that kind, now or when it comes. Raises TimeoutError after `within` seconds."""
        if len(past := self._past[what]) >= count:
            return past[count - 1]
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((what, count, future))
        async with asyncio.timeout(within):
            return await future

    def happened(self, what: W, it: T) -> None:
        past = self._past[what]
        past.append(it)
        for waiting in [waiting for waiting in self._waiting if waiting[:2] == (what, len(past))]:
            self._waiting.remove(waiting)
            if not waiting[2].done():
                waiting[2].set_result(it)


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry(Generic[W]):
    """One thing that happened."""

    what: W
    time_ns: int = field(default_factory=monotonic_ns)
    """CLOCK_MONOTONIC."""
    connection: int = 0
    """Counts from 1, in the order in which they came; 0: of none."""
    detail: dict[str, Any] = field(default_factory=dict)

    def line(self) -> str:
        """As JSON, in ASCII."""
        return json.dumps(asdict(self))


E = TypeVar("E", bound=Entry[Any])


class Journal(Occasions[W, E]):
    """A list of entries that can be waited for. A service adds how its own are made."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[E] = []
        self.on_entry: Callable[[E], None] | None = None

    def put(self, entry: E) -> None:
        self.entries.append(entry)
        self.happened(entry.what, entry)
        if self.on_entry is not None:
            self.on_entry(entry)
