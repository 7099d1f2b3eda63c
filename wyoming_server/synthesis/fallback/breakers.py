"""Keeps requests from an engine that fails again and again: for a while nobody waits for it, then one request at a time tries it.

    closed      it is asked; so many failures in a row, of a kind that means the engine, open it
    open        nobody asks it, for so many seconds; but for those whom nobody else would speak for
    half_open   one request at a time asks it: its first audio closes it, its failure opens it again

A failure counts when the reply ends with it, and a reply that was heard ends the row when it is over: an engine that begins every
reply and finishes none is one that fails. Decides synchronously; knows no reply and no text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from time import monotonic
from typing import Any, Protocol

from ...errors import (
    CredentialsRefused,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    HeraldError,
    QuotaExceeded,
)

COUNTED = frozenset(cls.code for cls in (EngineError, EngineUnavailable, EngineTimeout, CredentialsRefused, QuotaExceeded))
"""Codes of failures that mean the engine. Others mean this text, this voice, or that it has much to do just now."""


class BreakerState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Terms(Protocol):
    """Of one engine. See config.EngineConfig."""

    @property
    def breaker_failures(self) -> int: ...

    @property
    def breaker_seconds(self) -> float: ...


NEVER: Mapping[str, Terms] = {}


class Breaker:
    """Of one engine. `terms`: as they are now; where there are none, it never opens."""

    def __init__(
        self, engine: str, terms: Callable[[], Terms | None], clock: Callable[[], float], changed: Callable[[], None]
    ) -> None:
        self.failures = 0
        """In a row."""
        self.last: HeraldError | None = None
        """Why it failed."""
        self._engine = engine
        self._terms = terms
        self._clock = clock
        self._changed = changed
        self._opened: float | None = None
        self._probe: Trial | None = None

    @property
    def state(self) -> BreakerState:
        if self._opened is None or not self._limit:
            return BreakerState.CLOSED
        return BreakerState.HALF_OPEN if self.opens_for <= 0 else BreakerState.OPEN

    @property
    def opens_for(self) -> float:
        """Seconds until it may be tried again."""
        terms = self._terms()
        return 0.0 if self._opened is None or terms is None else max(0.0, self._opened + terms.breaker_seconds - self._clock())

    @property
    def _limit(self) -> int:
        """Failures in a row that open it; 0: never."""
        terms = self._terms()
        return 0 if terms is None else terms.breaker_failures

    @contextmanager
    def trial(self, *, insists: bool) -> Iterator[Trial]:
        """One request to the engine. Raises EngineUnavailable where it is not to be asked, unless somebody `insists`."""
        state = self.state
        if state is not BreakerState.CLOSED and (state is BreakerState.OPEN or self._probe is not None) and not insists:
            raise EngineUnavailable(self._refusal(), retry_after=self.opens_for or None)
        trial = Trial(self)
        if state is BreakerState.HALF_OPEN and self._probe is None:
            self._probe = trial
        try:
            yield trial
        except EngineError as error:
            trial.failed(error)
            raise
        finally:
            if self._probe is trial:
                self._probe = None
            if trial.was_heard and not trial.has_failed:
                self.failures = 0

    def works(self) -> None:
        """There is audio of it."""
        if self._opened is not None:
            self._opened = None
            self._changed()

    def fails(self, trial: Trial, error: HeraldError) -> None:
        if error.code not in COUNTED:
            return
        self.failures, self.last = self.failures + 1, error
        is_probe = self._probe is trial
        if self._limit and (is_probe or (self._opened is None and self.failures >= self._limit)):
            self._opened = self._clock()
            self._changed()

    def described(self) -> dict[str, Any]:
        """As anybody may know it."""
        return {
            "state": self.state.value,
            "failures": self.failures,
            "code": self.last.code if self.last is not None and self.failures else None,
            "retry_in": round(self.opens_for, 1),
        }

    def _refusal(self) -> str:
        when = f"in {self.opens_for:.0f} s" if self.opens_for else "by one request at a time, and one is under way"
        code = f", the last time with {self.last.code}" if self.last is not None else ""
        return f"The engine {self._engine} failed {self.failures} times in a row{code}. It is tried again {when}."


class Trial:
    """One request. See Breaker.trial."""

    def __init__(self, breaker: Breaker) -> None:
        self.was_heard = False
        self.has_failed = False
        self._breaker = breaker

    def heard(self) -> None:
        """There is audio. Often is fine."""
        if not self.was_heard:
            self.was_heard = True
            self._breaker.works()

    def failed(self, error: HeraldError) -> None:
        """Only the first call counts."""
        if not self.has_failed:
            self.has_failed = True
            self._breaker.fails(self, error)

    def forget(self) -> None:
        """It failed because of somebody else."""
        self.has_failed = True


class Breakers:
    """By engine. `terms` are looked at each time, and so may change; an engine without any is always asked."""

    def __init__(self, terms: Mapping[str, Terms] = NEVER, clock: Callable[[], float] = monotonic) -> None:
        self._terms = terms
        self._clock = clock
        self._breakers: dict[str, Breaker] = {}
        self.on_failure: Callable[[str, HeraldError, float], None] = _nobody_listens
        """Called with an engine that failed, why, and when it was asked (monotonic seconds), whoever else then speaks."""
        self.on_change: Callable[[str], None] = _nobody_is_told
        """Called with an engine whose breaker has opened or closed; that its time is over, nobody tells."""

    def of(self, engine: str) -> Breaker:
        if (known := self._breakers.get(engine)) is None:
            known = self._breakers[engine] = Breaker(
                engine, partial(self._terms.get, engine), self._clock, lambda: self.on_change(engine)
            )
        return known

    def renew(self, engines: Iterable[str]) -> None:
        """These are others than before: nothing is known of them."""
        for engine in engines:
            self._breakers.pop(engine, None)

    def states(self) -> dict[str, BreakerState]:
        """By engine."""
        return {name: self.of(name).state for name in self._terms}

    def described(self) -> dict[str, dict[str, Any]]:
        """By engine: state, failures in a row, the code of the last one, and seconds until it is tried again."""
        return {name: self.of(name).described() for name in self._terms}


def _nobody_listens(engine: str, error: HeraldError, asked: float) -> None:
    """Of breakers that are used alone."""


def _nobody_is_told(engine: str) -> None:
    """The same."""
