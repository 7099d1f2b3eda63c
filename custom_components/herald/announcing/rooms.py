"""Whose turn it is to speak: one at a time on every device, by the mode and the priority of whoever wants to.

All is decided at once, without waiting; nobody is stopped here, only asked to stop.

  mode       speaks with lower priority   equal       higher     who waits (of lower or equal priority)
  interrupt  interrupts it                interrupts  waits      goes on waiting
  replace    interrupts it                interrupts  waits      is skipped: replaced
  queue      waits                        waits       waits      goes first, if it came first or matters more
  drop       interrupts it                is skipped: busy       counts as if it spoke
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum

from .model import Mode

BUSY, REPLACED, EXPIRED = "busy", "replaced", "expired"
"""Why somebody was skipped."""


class Rank(Enum):
    """Of who speaks, by the priority of who wants to."""

    LOWER = -1
    EQUAL = 0
    HIGHER = 1


class Step(Enum):
    INTERRUPT = 0
    WAIT = 1
    DROP = 2


TABLE: Mapping[Mode, Mapping[Rank, Step]] = {
    Mode.INTERRUPT: {Rank.LOWER: Step.INTERRUPT, Rank.EQUAL: Step.INTERRUPT, Rank.HIGHER: Step.WAIT},
    Mode.REPLACE: {Rank.LOWER: Step.INTERRUPT, Rank.EQUAL: Step.INTERRUPT, Rank.HIGHER: Step.WAIT},
    Mode.QUEUE: {Rank.LOWER: Step.WAIT, Rank.EQUAL: Step.WAIT, Rank.HIGHER: Step.WAIT},
    Mode.DROP: {Rank.LOWER: Step.INTERRUPT, Rank.EQUAL: Step.DROP, Rank.HIGHER: Step.DROP},
}
AHEAD: Mapping[Mode, Mapping[Rank, Step]] = {
    Mode.INTERRUPT: {Rank.EQUAL: Step.INTERRUPT, Rank.HIGHER: Step.WAIT},
    Mode.REPLACE: {Rank.EQUAL: Step.INTERRUPT, Rank.HIGHER: Step.WAIT},
    Mode.QUEUE: {Rank.EQUAL: Step.WAIT, Rank.HIGHER: Step.WAIT},
    Mode.DROP: {Rank.EQUAL: Step.DROP, Rank.HIGHER: Step.DROP},
}
"""The same, of who waits: nobody waits for one that matters less."""


class Skipped(Exception):
    """It is not its turn any more, and never will be."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Withdrawn(Exception):
    """It was interrupted before it was its turn."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Claim:
    """One who wants to speak."""

    keys: frozenset[str]
    """What it takes: of several with one of them in common, one speaks."""
    mode: Mode
    priority: int
    owner: str
    """Whoever has several claims: they wait for each other."""
    interrupt: Callable[[], None]
    """Asks it to stop, and waits for nothing. It lets go by leaving its turn."""
    awaits: set[Claim] = field(default_factory=set)
    """Once admitted: those who were asked to stop, and speak still."""
    spoken_over: set[Claim] = field(default_factory=set)
    """In the line: those who spoke when it came, and do not keep it waiting. They are asked to stop when nobody else does."""
    begun: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def withdraw(self) -> None:
        """Before its turn. Nothing happens after it began."""
        self._fail(Withdrawn())

    def skip(self, reason: str) -> None:
        self._fail(Skipped(reason))

    def _fail(self, error: Exception) -> None:
        if not self.begun.done():
            self.begun.set_exception(error)

    def rank_of(self, other: Claim) -> Rank:
        return Rank((other.priority > self.priority) - (other.priority < self.priority))

    def step_at(self, other: Claim, table: Mapping[Mode, Mapping[Rank, Step]]) -> Step | None:
        """None: the other one is of no account."""
        step = table[self.mode].get(self.rank_of(other))
        return Step.WAIT if step is not None and other.owner == self.owner else step

    def meets(self, others: Iterable[Claim]) -> Iterator[Claim]:
        return (other for other in others if other is not self and other.keys & self.keys)


class Rooms:
    def __init__(self) -> None:
        self._admitted: list[Claim] = []
        """Who speaks, and who will as soon as those who were interrupted for it let go."""
        self._line: list[Claim] = []
        """Who waits: the most important first, of equals those who would have interrupted, and then as they came."""

    @asynccontextmanager
    async def turn(self, claim: Claim, expires: float | None = None) -> AsyncIterator[None]:
        """The block is its turn. Raises Skipped, also where it has not begun after `expires` seconds, and Withdrawn."""
        try:
            if not claim.begun.done():  # withdrawn before it came, it disturbs nobody
                self._enter(claim)
            try:
                async with asyncio.timeout(expires):
                    await claim.begun
            except TimeoutError as error:
                raise Skipped(EXPIRED) from error
            yield
        finally:
            self._leave(claim)

    def follows(self, claim: Claim) -> bool:
        """Whether somebody speaks there, and nowhere else, as soon as it lets go."""
        comes = any(claim in other.awaits for other in self._admitted)
        return comes or any(other.keys == claim.keys for other in self._waiting)

    @property
    def _waiting(self) -> tuple[Claim, ...]:
        """Without those who were withdrawn, and are about to leave the line."""
        return tuple(claim for claim in self._line if not claim.begun.done())

    def _enter(self, claim: Claim) -> None:
        """Decide what becomes of it now."""
        step = self._step(claim)
        if step is Step.DROP:
            raise Skipped(BUSY)
        if claim.mode is Mode.REPLACE:
            for other in claim.meets(self._waiting):
                if other.owner != claim.owner and claim.rank_of(other) is not Rank.HIGHER:
                    self._line.remove(other)
                    other.skip(REPLACED)
        if step is Step.WAIT:
            spoken_over = (other for other in claim.meets(self._admitted) if claim.step_at(other, TABLE) is Step.INTERRUPT)
            claim.spoken_over.update(spoken_over)
            self._line.append(claim)
            self._line.sort(key=lambda one: (-one.priority, one.mode is Mode.QUEUE))  # stable
        else:
            self._admit(claim)

    def _step(self, claim: Claim) -> Step:
        """The last one that anybody calls for."""
        steps = [claim.step_at(other, TABLE) for other in claim.meets(self._admitted)]
        steps += [claim.step_at(other, AHEAD) for other in claim.meets(self._waiting)]
        return max((step for step in steps if step is not None), key=lambda step: step.value, default=Step.INTERRUPT)

    def _admit(self, claim: Claim) -> None:
        before = tuple(claim.meets(self._admitted))
        claim.awaits.update(before)
        self._admitted.append(claim)
        for other in before:
            other.interrupt()
        self._begin(claim)

    def _begin(self, claim: Claim) -> None:
        if not claim.awaits and not claim.begun.done():
            claim.begun.set_result(None)

    def _leave(self, claim: Claim) -> None:
        """And let those speak for whom there is room now."""
        for claims in (self._line, self._admitted):
            if claim in claims:
                claims.remove(claim)
        for other in self._admitted:
            other.awaits.discard(claim)
            self._begin(other)
        taken: set[str] = set()
        """By those who wait longer, or matter more: a group gets all of its rooms some day."""
        for other in self._waiting:
            if not other.keys & taken and other.spoken_over.issuperset(other.meets(self._admitted)):
                self._line.remove(other)
                self._admit(other)
            taken |= other.keys
