"""An engine that fails again and again is spared for a while, and then tried by one request at a time."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from wyoming_server.errors import (
    CredentialsRefused,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    HeraldError,
    Unspeakable,
    VoiceRefused,
)
from wyoming_server.synthesis.fallback.breakers import Breakers, BreakerState

from ...serving import until
from .troupe import Terms, Troupe, no_task_is_left, text_of, tone

TEXT = "One sentence."


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def breakers(clock: Clock, **terms: float) -> Breakers:
    return Breakers({"a": Terms(**terms)}, clock)  # type: ignore[arg-type]


def fail(owner: Breakers, error: EngineError, *, heard: bool = False, insists: bool = False) -> None:
    with suppress(type(error)), owner.of("a").trial(insists=insists) as trial:
        if heard:
            trial.heard()
        raise error


def work(owner: Breakers) -> None:
    with owner.of("a").trial(insists=False) as trial:
        trial.heard()


def state(owner: Breakers) -> BreakerState:
    return owner.of("a").state


def test_whoever_watches_is_told_when_it_opens_and_closes() -> None:
    clock = Clock()
    found, told = breakers(clock), list[tuple[str, BreakerState]]()
    found.on_change = lambda engine: told.append((engine, state(found)))
    for _ in range(3):
        fail(found, EngineTimeout())
    assert told == [("a", BreakerState.OPEN)]
    clock.now += 10_000
    fail(found, EngineTimeout())
    clock.now += 10_000
    work(found)
    work(found)
    assert told == [("a", BreakerState.OPEN), ("a", BreakerState.OPEN), ("a", BreakerState.CLOSED)]


def test_so_many_failures_in_a_row_open_it() -> None:
    found = breakers(Clock())
    fail(found, EngineTimeout())
    fail(found, CredentialsRefused())
    assert state(found) is BreakerState.CLOSED
    fail(found, EngineUnavailable())
    assert state(found) is BreakerState.OPEN
    with pytest.raises(EngineUnavailable, match=r"failed 3 times in a row, the last time with engine_unavailable.* in 30 s"):
        work(found)


@pytest.mark.parametrize("error", [VoiceRefused(), Unspeakable()])
def test_what_does_not_mean_the_engine_does_not_count(error: EngineError) -> None:
    found = breakers(Clock(), breaker_failures=1)
    fail(found, error)
    assert state(found) is BreakerState.CLOSED


def test_a_reply_that_worked_ends_the_row() -> None:
    found = breakers(Clock(), breaker_failures=2)
    fail(found, EngineTimeout())
    work(found)
    fail(found, EngineTimeout())
    assert state(found) is BreakerState.CLOSED


def test_an_engine_that_begins_every_reply_and_finishes_none_fails() -> None:
    found = breakers(Clock(), breaker_failures=2)
    fail(found, EngineTimeout(), heard=True)
    fail(found, EngineTimeout(), heard=True)
    assert state(found) is BreakerState.OPEN


def test_it_is_tried_by_one_request_at_a_time() -> None:
    clock = Clock()
    found = breakers(clock, breaker_failures=1)
    fail(found, EngineTimeout())
    clock.now += 30
    assert state(found) is BreakerState.HALF_OPEN
    with found.of("a").trial(insists=False), pytest.raises(EngineUnavailable, match="one is under way"):
        work(found)
    work(found)  # the one before left without a word
    assert state(found) is BreakerState.CLOSED


def test_a_probe_that_fails_opens_it_again() -> None:
    clock = Clock()
    found = breakers(clock, breaker_failures=3)
    for _ in range(3):
        fail(found, EngineTimeout())
    clock.now += 30
    fail(found, EngineTimeout())
    assert state(found) is BreakerState.OPEN
    clock.now += 29
    assert state(found) is BreakerState.OPEN


def test_the_first_audio_of_a_probe_closes_it() -> None:
    clock = Clock()
    found = breakers(clock, breaker_failures=1)
    fail(found, EngineTimeout())
    clock.now += 30
    with found.of("a").trial(insists=False) as trial:
        trial.heard()
        assert state(found) is BreakerState.CLOSED


def test_who_has_nobody_else_asks_all_the_same() -> None:
    found = breakers(Clock(), breaker_failures=1)
    fail(found, EngineTimeout())
    fail(found, EngineTimeout(), insists=True)
    with found.of("a").trial(insists=True) as trial:
        trial.heard()
    assert state(found) is BreakerState.CLOSED


def test_with_no_failures_allowed_it_never_opens() -> None:
    found = breakers(Clock(), breaker_failures=0)
    for _ in range(100):
        fail(found, EngineTimeout())
    assert state(found) is BreakerState.CLOSED
    assert Breakers().of("somebody").state is BreakerState.CLOSED


def test_an_engine_that_was_replaced_starts_anew() -> None:
    found = breakers(Clock(), breaker_failures=1)
    fail(found, EngineTimeout())
    found.renew(["a", "another"])
    assert state(found) is BreakerState.CLOSED


def test_its_state_can_be_told() -> None:
    found = breakers(Clock(), breaker_failures=1)
    assert found.described() == {"a": {"state": "closed", "failures": 0, "code": None, "retry_in": 0.0}}
    fail(found, EngineTimeout())
    assert found.described() == {"a": {"state": "open", "failures": 1, "code": "engine_timeout", "retry_in": 30.0}}


# In a chain


async def test_an_engine_that_fails_again_and_again_is_passed_by_until_it_may_be_tried() -> None:
    clock = Clock()
    troupe = Troupe(tone("a", fail_at=0), tone("b"), clock=clock, terms=Terms(breaker_failures=2))
    for _ in range(4):
        heard = await troupe.play(TEXT)
        assert heard.sentences == [TEXT]
    assert troupe.tally("a")["started"] == 2
    assert heard.notices[0].code == "engine_unavailable"
    clock.now += 30
    await troupe.play(TEXT)
    assert troupe.tally("a")["started"] == 3


async def test_the_last_of_a_chain_is_asked_all_the_same() -> None:
    troupe = Troupe(tone("a", fail_at=0), terms=Terms(breaker_failures=1))
    for _ in range(3):
        with pytest.raises(EngineError, match="as its script says"):
            await troupe.play(TEXT)
    assert troupe.breakers.of("a").state is BreakerState.OPEN


async def test_a_probe_that_is_interrupted_lets_the_next_one_try() -> None:
    clock = Clock()
    engine = tone("a", fail_at=0)
    troupe = Troupe(engine, tone("b"), clock=clock, terms=Terms(breaker_failures=1))
    await troupe.play(TEXT)
    clock.now += 30
    engine.options = {**engine.options, "fail_at": None, "stall_at": 0}
    listening = asyncio.create_task(troupe.hear(text_of([TEXT]), troupe.request()))
    await until(lambda: troupe.tally("a")["started"] == 2)
    listening.cancel()
    await asyncio.wait([listening])
    engine.options = {**engine.options, "stall_at": None}
    heard = await troupe.play(TEXT)
    assert heard.notices == []
    assert troupe.breakers.of("a").state is BreakerState.CLOSED
    assert no_task_is_left()


async def test_each_failure_of_an_engine_is_told_whoever_then_speaks() -> None:
    told: list[tuple[str, str]] = []

    def note(engine: str, error: HeraldError, asked: float) -> None:
        told.append((engine, error.code))

    troupe = Troupe(tone("a", fail_at=0, fail_with="quota_exceeded"), tone("b"))
    troupe.breakers.on_failure = note
    await troupe.play(TEXT)
    assert told == [("a", "quota_exceeded")]
