"""What can go wrong on demand, as far as it is the same everywhere: faults that wait to strike, and what some kinds do."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

from .line import Line

GARBAGE = "upstream connect error or disconnect/reset before headers"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Strikes the first occasion that fits, `times` times."""

    times: int = 1


F = TypeVar("F", bound=Fault)


def taken(waiting: list[F], fits: Callable[[F], bool]) -> F | None:
    """The first that strikes now; it waits on where it is to strike again."""
    for index, fault in enumerate(waiting):
        if fits(fault):
            waiting[index : index + 1] = [replace(fault, times=fault.times - 1)] if fault.times > 1 else []
            return fault
    return None


class Faults(Generic[F]):
    """Those that wait to strike. A service adds `take`, which says when one does."""

    def __init__(self) -> None:
        self.waiting: list[F] = []
        self._gate = asyncio.Event()

    def add(self, *faults: F) -> None:
        self.waiting += faults

    def clear(self) -> None:
        self.waiting.clear()

    def go_on(self) -> None:
        """Ends every stall that is under way."""
        self._gate.set()
        self._gate = asyncio.Event()

    def first(self, fits: Callable[[F], bool]) -> F | None:
        """The one that strikes now."""
        return taken(self.waiting, fits)

    async def stalled(self, seconds: float | None = None) -> None:
        """For so long; None: until `go_on`, or for ever."""
        await (self._gate.wait() if seconds is None else asyncio.sleep(seconds))


def noise(count: int) -> bytes:
    """The same bytes every time, and none of them speech."""
    return random.Random(count).randbytes(count)


# what some kinds do


class Over(Exception):
    """A fault or an error ended what was going on."""


class Struck(Protocol):
    """A connection, as far as these need to know it."""

    @property
    def line(self) -> Line: ...

    @property
    def faults(self) -> Faults[Any]: ...


class Lasting(Protocol):
    """A fault that can take its time."""

    @property
    def seconds(self) -> float | None: ...


S = TypeVar("S", bound=Struck)


async def stall(struck: Struck, fault: Lasting) -> None:
    await struck.faults.stalled(fault.seconds)


async def drop(struck: Struck, _: object) -> None:
    struck.line.drop()
    raise Over


async def reset(struck: Struck, _: object) -> None:
    struck.line.reset()
    raise Over


async def otherwise(_: object, __: object) -> None:
    """Whoever tells the message sees to it."""


def telling(make: Callable[[S], bytes | str]) -> Callable[[S, object], Awaitable[None]]:
    """A message more."""

    async def tell(struck: S, _: object) -> None:
        await struck.line.tell(make(struck))

    return tell
