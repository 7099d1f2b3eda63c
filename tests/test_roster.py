"""The roster: who is there, who is replaced while others are heard, and when each is closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from wyoming_server.config import EngineConfig
from wyoming_server.errors import EngineUnavailable
from wyoming_server.roster import Changes, Roster, ServiceConfig
from wyoming_server.service import Service


class Noted(Service):
    """Writes down what becomes of it."""

    def __init__(self, name: str, config: ServiceConfig, told: list[str]) -> None:
        super().__init__(name, config.options)
        self._told = told

    async def start(self) -> None:
        if (gate := self.options.get("gate")) is not None:
            await gate.wait()
        if self.options.get("broken"):
            msg = f"{self.name} is not installed."
            raise EngineUnavailable(msg)
        self._tell("started")

    async def _close(self) -> None:
        if (gate := self.options.get("closing")) is not None:
            self._tell("closing")
            await gate.wait()
        self._tell("closed")

    def _tell(self, what: str) -> None:
        self._told.append(f"{self.name}{self.options.get('number', '')} {what}")


def configs(**options: dict[str, object]) -> dict[str, EngineConfig]:
    return {name: EngineConfig(name=name, type="tone", options=own) for name, own in options.items()}


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
async def roster(told: list[str]) -> AsyncIterator[Roster[Noted]]:
    tasks = asyncio.all_tasks()
    made: Roster[Noted] = Roster(lambda name, config: Noted(name, config, told), "engine")
    yield made
    await made.aclose()
    assert asyncio.all_tasks() - {asyncio.current_task()} <= tasks


async def soon() -> None:
    """Time for whoever need not wait."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_it_tells_what_became_of_everybody(roster: Roster[Noted]) -> None:
    assert await roster.apply(configs(a={}, b={})) == Changes(added=("a", "b"))
    assert await roster.apply(configs(c={}, b={"number": 2})) == Changes(added=("c",), replaced=("b",), removed=("a",))
    assert list(roster) == ["c", "b"], "in the configuration's order"
    assert await roster.apply(configs(c={}, b={"number": 2})) == Changes()


async def test_who_is_not_changed_is_not_touched(roster: Roster[Noted], told: list[str]) -> None:
    await roster.apply(configs(a={}, b={}))
    before = roster["a"]
    await roster.apply(configs(b={"number": 2}, a={}))
    await soon()
    assert roster["a"] is before
    assert told == ["a started", "b started", "b2 started", "b closed"]


async def test_another_type_of_the_same_name_is_another_service(roster: Roster[Noted]) -> None:
    await roster.apply(configs(a={}))
    assert await roster.apply({"a": EngineConfig(name="a", type="espeak")}) == Changes(replaced=("a",))


async def test_who_is_leased_is_closed_when_the_last_lease_ends(roster: Roster[Noted], told: list[str]) -> None:
    await roster.apply(configs(a={}))
    with roster.leased("a") as first:
        with roster.leased("a") as second:
            assert first is second
            await roster.apply(configs(a={"number": 2}))
            await soon()
            assert roster["a"] is not first
            with roster.leased("a") as newer:
                assert newer is roster["a"], "whoever comes now has the new one"
        await soon()
        assert told == ["a started", "a2 started"]
    await soon()
    assert told == ["a started", "a2 started", "a closed"]


async def test_who_was_removed_is_leased_to_nobody_else(roster: Roster[Noted], told: list[str]) -> None:
    await roster.apply(configs(a={}))
    with roster.leased("a"):
        await roster.apply({})
        with pytest.raises(KeyError), roster.leased("a"):
            pass
    await soon()
    assert told[-1] == "a closed"


async def test_a_lease_that_ends_in_a_failure_ends(roster: Roster[Noted], told: list[str]) -> None:
    await roster.apply(configs(a={}))
    try:
        with roster.leased("a"):
            await roster.apply({})
            raise EngineUnavailable
    except EngineUnavailable:
        await soon()
    assert told[-1] == "a closed"


async def test_who_cannot_be_started_is_there_all_the_same_and_told(
    roster: Roster[Noted], caplog: pytest.LogCaptureFixture
) -> None:
    await roster.apply(configs(a={"broken": True}, b={}))
    assert list(roster) == ["a", "b"]
    assert str(roster.failures["a"]) == "a is not installed."
    assert "The engine a could not be started: a is not installed." in caplog.text
    await roster.apply(configs(a={"broken": True}, b={"number": 2}))
    assert list(roster.failures) == ["a"], "it was not tried again"
    await roster.apply(configs(a={}, b={"number": 2}))
    assert not roster.failures


async def test_who_is_new_is_started_before_the_old_one_goes(roster: Roster[Noted], told: list[str]) -> None:
    await roster.apply(configs(a={}))
    old, gate = roster["a"], asyncio.Event()
    change = asyncio.create_task(roster.apply(configs(a={"gate": gate})))
    await soon()
    assert roster["a"] is old
    gate.set()
    await change
    assert roster["a"] is not old


async def test_a_change_that_is_given_up_leaves_everybody_as_they_were(roster: Roster[Noted], told: list[str]) -> None:
    await roster.apply(configs(a={}))
    old = roster["a"]
    change = asyncio.create_task(roster.apply(configs(a={"number": 2}, b={"gate": asyncio.Event()})))
    await soon()
    change.cancel()
    with pytest.raises(asyncio.CancelledError):
        await change
    assert dict(roster) == {"a": old}
    assert told == ["a started", "a2 started", "b closed", "a2 closed"]


async def test_what_was_prepared_for_nothing_is_closed(roster: Roster[Noted], told: list[str]) -> None:
    await roster.apply(configs(a={}))
    old = roster["a"]
    with pytest.raises(EngineUnavailable):
        async with roster.prepared(configs(a={"number": 2})):
            raise EngineUnavailable
    assert (roster["a"], told) == (old, ["a started", "a2 started", "a2 closed"])


async def test_at_the_end_the_last_is_closed_first_and_nobody_waits_for_leases(roster: Roster[Noted], told: list[str]) -> None:
    await roster.apply(configs(a={}, b={}, gone={}))
    with roster.leased("gone"), roster.leased("a"):
        await roster.apply(configs(a={}, b={}))
        await roster.aclose()
    assert told[3:] == ["b closed", "a closed", "gone closed"]
    assert not roster


async def test_the_end_waits_for_who_is_just_being_closed(roster: Roster[Noted], told: list[str]) -> None:
    gate = asyncio.Event()
    await roster.apply(configs(a={"closing": gate}))
    await roster.apply({})
    await soon()
    assert told[-1] == "a closing"
    end = asyncio.create_task(roster.aclose())
    await soon()
    assert not end.done()
    gate.set()
    await end
    assert told[-1] == "a closed"


async def test_who_was_there_before_stays() -> None:
    there = Noted("a", EngineConfig(name="a", type="tone"), [])
    fixed = Roster.of({"a": there})
    with fixed.leased("a") as leased:
        assert leased is there
