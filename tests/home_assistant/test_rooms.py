"""Whose turn it is: every mode at every priority, and whatever several of them come to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.herald.announcing.model import Mode
from custom_components.herald.announcing.rooms import AHEAD, TABLE, Claim, Rank, Rooms, Skipped, Withdrawn

INTERRUPTS, WAITS, BUSY = "interrupts", "waits", "busy"
AT = {Rank.LOWER: 0, Rank.EQUAL: 1, Rank.HIGHER: 2}
"""Priority of who speaks; who comes has 1."""
EXPECTED = {
    (Mode.INTERRUPT, Rank.LOWER): INTERRUPTS,
    (Mode.INTERRUPT, Rank.EQUAL): INTERRUPTS,
    (Mode.INTERRUPT, Rank.HIGHER): WAITS,
    (Mode.REPLACE, Rank.LOWER): INTERRUPTS,
    (Mode.REPLACE, Rank.EQUAL): INTERRUPTS,
    (Mode.REPLACE, Rank.HIGHER): WAITS,
    (Mode.QUEUE, Rank.LOWER): WAITS,
    (Mode.QUEUE, Rank.EQUAL): WAITS,
    (Mode.QUEUE, Rank.HIGHER): WAITS,
    (Mode.DROP, Rank.LOWER): INTERRUPTS,
    (Mode.DROP, Rank.EQUAL): BUSY,
    (Mode.DROP, Rank.HIGHER): BUSY,
}
REPLACED = {Rank.LOWER: "replaced", Rank.EQUAL: "replaced", Rank.HIGHER: "completed"}
"""What becomes of who waits when somebody comes who replaces."""


class Speaker:
    """Speaks until it is told to stop, by `finish` or because it was asked to."""

    numbers = count()

    def __init__(self, rooms: Rooms, log: list[str], name: str, **wish: Any) -> None:
        self.name = name
        self._log = log
        self._stop = asyncio.Event()
        self.was_asked = False
        told = {"mode": Mode.QUEUE, "priority": 1, "keys": "k", **wish}
        self._is_slow = told.pop("is_slow", False)
        """It lets go only when it is told to finish."""
        owner = told.pop("owner", "") or f"{name}{next(self.numbers)}"
        self.claim = Claim(**{**told, "keys": frozenset(told["keys"])}, owner=owner, interrupt=self.interrupt)
        self._rooms = rooms
        self.is_speaking = False
        self.task: asyncio.Task[str] | None = None

    def interrupt(self) -> None:
        self.was_asked = True
        if not self._is_slow:
            self._stop.set()
        self.claim.withdraw()

    def finish(self) -> None:
        self._stop.set()

    async def come(self, expires: float | None = None) -> None:
        self.task = asyncio.create_task(self.speak(expires))
        await settled()

    async def speak(self, expires: float | None) -> str:
        try:
            async with self._rooms.turn(self.claim, expires):
                self._log.append(self.name)
                self.is_speaking = True
                try:
                    await self._stop.wait()
                finally:
                    self.is_speaking = False
        except Skipped as skipped:
            return skipped.reason
        except Withdrawn:
            return "interrupted"
        return "interrupted" if self.was_asked else "completed"

    @property
    def is_waiting(self) -> bool:
        return self.task is not None and not self.task.done() and not self.is_speaking

    async def outcome(self) -> str:
        assert self.task is not None
        return await self.task


async def settled() -> None:
    """Whatever follows from what was done has happened: nothing here takes time."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with House.open() as house:
        yield house


class House:
    def __init__(self) -> None:
        self.rooms = Rooms()
        self.log: list[str] = []
        self.all: list[Speaker] = []

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator[House]:
        house = cls()
        try:
            yield house
        finally:
            await house.empty()

    async def comes(self, name: str, mode: Mode = Mode.QUEUE, expires: float | None = None, **wish: Any) -> Speaker:
        """`wish`: priority, keys, owner and is_slow."""
        speaker = Speaker(self.rooms, self.log, name, mode=mode, **wish)
        self.all.append(speaker)
        await speaker.come(expires)
        return speaker

    @property
    def there(self) -> list[Speaker]:
        """Who speaks or waits."""
        return [speaker for speaker in self.all if speaker.task is not None and not speaker.task.done()]

    async def empty(self) -> None:
        """Everybody finishes as soon as it may speak."""
        for speaker in self.all:
            speaker.finish()
        for speaker in self.all:
            await speaker.outcome()


def test_the_table_is_whole() -> None:
    assert {(mode, rank) for mode in TABLE for rank in TABLE[mode]} == set(product(Mode, Rank)) == EXPECTED.keys()
    assert {(mode, rank) for mode in AHEAD for rank in AHEAD[mode]} == set(product(Mode, (Rank.EQUAL, Rank.HIGHER)))


@pytest.mark.parametrize("mode", Mode)
async def test_who_comes_to_an_empty_room_speaks(house: House, mode: Mode) -> None:
    assert (await house.comes("a", mode)).is_speaking


@pytest.mark.parametrize(("mode", "rank"), EXPECTED)
async def test_who_comes_where_somebody_speaks(house: House, mode: Mode, rank: Rank) -> None:
    old = await house.comes("old", priority=AT[rank])
    new = await house.comes("new", mode)
    expected = EXPECTED[mode, rank]
    assert old.was_asked is (expected == INTERRUPTS)
    assert new.is_waiting is (expected == WAITS)
    old.finish()
    await settled()
    assert new.is_speaking is (expected != BUSY)
    if expected == BUSY:
        assert await new.outcome() == "busy"


@pytest.mark.parametrize(("mode", "rank"), EXPECTED)
async def test_who_comes_where_somebody_waits(house: House, mode: Mode, rank: Rank) -> None:
    """The one who speaks matters less, so that it is the one who waits who decides."""
    first = await house.comes("first", priority=0)
    waiting = await house.comes("waiting", Mode.QUEUE, priority=AT[rank])
    assert waiting.is_waiting
    new = await house.comes("new", mode)
    if mode is Mode.DROP and rank is not Rank.LOWER:
        assert await new.outcome() == "busy"
    goes_first = (
        mode in (Mode.INTERRUPT, Mode.REPLACE, Mode.DROP)
        and rank is not Rank.HIGHER
        and not (mode is Mode.DROP and rank is Rank.EQUAL)
    )
    assert first.was_asked is goes_first
    first.finish()
    await settled()
    new.finish()
    await settled()
    if mode is Mode.REPLACE and rank is not Rank.HIGHER:
        assert await waiting.outcome() == "replaced"
        assert house.log == ["first", "new"]
    elif goes_first or (mode is Mode.QUEUE and rank is Rank.LOWER):
        assert house.log == ["first", "new", "waiting"]
    else:
        assert house.log[:2] == ["first", "waiting"]


@pytest.mark.parametrize("rank", Rank)
async def test_who_replaces_clears_the_line_even_where_it_waits_itself(house: House, rank: Rank) -> None:
    await house.comes("first", priority=9)
    waiting = await house.comes("waiting", priority=AT[rank])
    new = await house.comes("new", Mode.REPLACE)
    assert new.is_waiting
    await house.empty()
    assert await waiting.outcome() == REPLACED[rank]
    assert house.log == ["first", *(["waiting"] if rank is Rank.HIGHER else []), "new"]


async def test_nobody_speaks_before_who_was_interrupted_let_go(house: House) -> None:
    stubborn = Claim(keys=frozenset("k"), mode=Mode.QUEUE, priority=1, owner="stubborn", interrupt=lambda: None)
    gate = asyncio.Event()

    async def hold() -> None:
        async with house.rooms.turn(stubborn):
            await gate.wait()

    holding = asyncio.create_task(hold())
    await settled()
    new = await house.comes("new", Mode.INTERRUPT)
    assert new.is_waiting
    assert house.rooms.follows(stubborn)
    gate.set()
    await holding
    await settled()
    assert new.is_speaking
    assert not house.rooms.follows(new.claim)
    await house.comes("next")
    assert house.rooms.follows(new.claim)


async def test_ten_in_a_row_each_interrupt_the_one_before(house: House) -> None:
    speakers = [await house.comes(str(number), Mode.INTERRUPT) for number in range(10)]
    assert [speaker.is_speaking for speaker in speakers] == [False] * 9 + [True]
    assert house.log == [str(number) for number in range(10)]


async def test_of_ten_at_once_only_the_last_one_begins(house: House) -> None:
    first = await house.comes("first")
    speakers = [Speaker(house.rooms, house.log, str(number), mode=Mode.INTERRUPT) for number in range(10)]
    house.all += speakers
    for speaker in speakers:
        speaker.task = asyncio.create_task(speaker.speak(None))
    await settled()
    assert first.was_asked
    assert house.log == ["first", "9"]
    assert [await speaker.outcome() for speaker in speakers[:9]] == ["interrupted"] * 9


async def test_the_line_goes_by_priority_and_then_by_who_came_first(house: House) -> None:
    await house.comes("first", priority=9)
    for name, priority in (("b", 1), ("c", 2), ("d", 1), ("e", 3)):
        await house.comes(name, priority=priority)
    await house.comes("f", Mode.INTERRUPT, priority=1)
    await house.empty()
    assert house.log == ["first", "e", "c", "f", "b", "d"]


async def test_rooms_know_nothing_of_each_other(house: House) -> None:
    kitchen, hall = await house.comes("kitchen", keys="k"), await house.comes("hall", Mode.DROP, keys="h")
    assert kitchen.is_speaking
    assert hall.is_speaking


async def test_a_group_waits_for_all_of_its_members_and_they_for_it(house: House) -> None:
    kitchen, hall = await house.comes("kitchen", keys="k"), await house.comes("hall", keys="h")
    both = await house.comes("both", keys="kh")
    late = await house.comes("late", keys="h")
    kitchen.finish()
    await settled()
    assert both.is_waiting
    hall.finish()
    await settled()
    assert both.is_speaking
    assert late.is_waiting, "who comes later does not keep the group waiting for ever"
    both.finish()
    await settled()
    assert late.is_speaking


async def test_a_group_interrupts_all_of_its_members(house: House) -> None:
    kitchen, hall = await house.comes("kitchen", keys="k"), await house.comes("hall", keys="h")
    both = await house.comes("both", Mode.INTERRUPT, keys="kh")
    assert both.is_speaking
    assert (kitchen.was_asked, hall.was_asked) == (True, True)


@pytest.mark.parametrize("mode", [Mode.INTERRUPT, Mode.REPLACE])
async def test_who_waits_for_one_that_matters_more_waits_for_nobody_else(house: House, mode: Mode) -> None:
    alarm, story = await house.comes("alarm", keys="k", priority=9), await house.comes("story", keys="h", priority=0)
    both = await house.comes("both", mode, keys="kh", priority=1)
    assert both.is_waiting
    assert not story.was_asked, "it speaks until the other one can"
    alarm.finish()
    await settled()
    assert both.is_speaking
    assert await story.outcome() == "interrupted"


async def test_who_waits_interrupts_nobody_who_came_to_speak_before_it(house: House) -> None:
    alarm = await house.comes("alarm", priority=9)
    first, second = await house.comes("first", Mode.INTERRUPT), await house.comes("second", Mode.INTERRUPT)
    alarm.finish()
    await settled()
    elsewhere = await house.comes("elsewhere", keys="h")
    elsewhere.finish()
    await settled()
    assert first.is_speaking
    assert second.is_waiting


async def test_who_is_withdrawn_before_it_came_disturbs_nobody(house: House) -> None:
    old = await house.comes("old")
    for mode in Mode:
        new = Speaker(house.rooms, house.log, "new", mode=mode)
        new.interrupt()
        await new.come()
        assert await new.outcome() == "interrupted"
    assert not old.was_asked


async def test_who_is_withdrawn_as_its_turn_comes_disturbs_nobody(house: House) -> None:
    alarm, story = await house.comes("alarm", keys="k", priority=9), await house.comes("story", keys="h", priority=0)
    both = await house.comes("both", Mode.INTERRUPT, keys="kh", priority=1)
    alarm.finish()
    both.interrupt()
    await settled()
    assert await both.outcome() == "interrupted"
    assert not story.was_asked


@pytest.mark.parametrize("mode", Mode)
async def test_nobody_interrupts_himself(house: House, mode: Mode) -> None:
    one = await house.comes("one", mode, keys="kh", owner="same")
    other = await house.comes("other", mode, keys="k", owner="same")
    assert other.is_waiting
    assert not one.was_asked
    one.finish()
    await settled()
    assert other.is_speaking


async def test_who_waits_too_long_is_skipped(house: House) -> None:
    await house.comes("first")
    late = await house.comes("late", expires=0)
    assert await late.outcome() == "expired"
    assert (await house.comes("at once", keys="h", expires=0.001)).is_speaking


async def test_who_is_interrupted_while_it_waits_never_speaks(house: House) -> None:
    first = await house.comes("first")
    waiting = await house.comes("waiting")
    waiting.interrupt()
    assert await waiting.outcome() == "interrupted"
    first.finish()
    assert await first.outcome() == "completed"
    assert house.log == ["first"]


async def test_who_is_cancelled_while_it_waits_leaves_the_line(house: House) -> None:
    first, waiting, last = await house.comes("first"), await house.comes("waiting"), await house.comes("last")
    assert waiting.task is not None
    waiting.task.cancel()
    await settled()
    house.all.remove(waiting)
    first.finish()
    await settled()
    assert last.is_speaking


COMES = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(Mode),
        "priority": st.integers(0, 2),
        "keys": st.sampled_from(["k", "h", "kh", "khp", "p"]),
        "owner": st.sampled_from(["", "", "", "mine"]),
        "is_slow": st.booleans(),
        "expires": st.sampled_from([None, None, 0]),
    }
)
HAPPENS = st.one_of(COMES, st.tuples(st.integers(0, 30), st.sampled_from(["finish", "interrupt"])))
"""Somebody comes, or one of those who are there finishes, or is interrupted."""


@settings(max_examples=300, deadline=None)
@given(happens=st.lists(HAPPENS, min_size=10, max_size=40))
def test_whatever_happens_one_at_a_time_speaks_and_everybody_ends(happens: list[dict[str, Any] | tuple[int, str]]) -> None:
    async def run() -> None:
        async with asyncio.timeout(20):
            async with House.open() as house:
                for number, what in enumerate(happens):
                    if isinstance(what, dict):
                        await house.comes(str(number), **what)
                    elif there := house.there:
                        who, act = what
                        getattr(there[who % len(there)], act)()
                        await settled()
                    all_is_as_it_should_be(house)
            outcomes = [await speaker.outcome() for speaker in house.all]
            assert set(outcomes) <= {"completed", "interrupted", "busy", "replaced", "expired"}

    asyncio.run(run())


def all_is_as_it_should_be(house: House) -> None:
    speaking = [key for speaker in house.all if speaker.is_speaking for key in speaker.claim.keys]
    assert len(speaking) == len(set(speaking)), "one at a time"
    for one in house.there:
        if one.is_waiting:
            others = [other for other in house.there if other is not one and other.claim.keys & one.claim.keys]
            assert others, "it waits for somebody"
            if one.claim.mode in (Mode.INTERRUPT, Mode.REPLACE):
                assert any(has_to_be_waited_for(other, one) for other in others), "it waits for nobody who matters less"


def has_to_be_waited_for(other: Speaker, one: Speaker) -> bool:
    """By one that interrupts."""
    return other.was_asked or other.claim.priority >= one.claim.priority or other.claim.owner == one.claim.owner
