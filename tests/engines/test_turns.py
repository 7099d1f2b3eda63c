"""The fair line in front of an engine: who goes when, who is told what, and that no turn is ever lost."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_server.engines.turns import Turn, Turns
from wyoming_server.models import Waiting


class Owner:
    """Equal to every other: only its identity tells it apart."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Owner)

    def __hash__(self) -> int:
        return 1


def granted(*turns: Turn) -> list[bool]:
    return [turn.granted for turn in turns]


async def stand(turn: Turn, told: list[int]) -> None:
    async for waiting in turn.waiting():
        told.append(waiting.position)  # noqa: PERF401  # as they come


async def settle() -> None:
    """Let the event loop do what is due."""
    for _ in range(5):
        await asyncio.sleep(0)


def is_clean(turns: Turns) -> bool:
    """Whether nobody holds a turn or stands in line."""
    asked = [turns.ask(Owner()) for _ in range(turns.limit + 1)]
    clean = granted(*asked) == [True] * turns.limit + [False] and asked[-1].position == 1
    for turn in asked:
        turn.leave()
    return clean


async def test_a_turn_that_there_is_room_for_is_granted_at_once() -> None:
    turns = Turns(2)
    first, second = turns.ask(Owner()), turns.ask(Owner())
    assert granted(first, second) == [True, True]
    assert [waiting async for waiting in second.waiting()] == []


async def test_the_place_is_told_at_once_and_whenever_it_changes() -> None:
    turns = Turns(1)
    before = [turns.ask(Owner()) for _ in range(3)]
    last = turns.ask(Owner())
    places = last.waiting()
    assert await anext(places) == Waiting(position=3)
    before[0].leave()
    assert await anext(places) == Waiting(position=2)
    before[2].leave()
    assert await anext(places) == Waiting(position=1)
    before[1].leave()
    with pytest.raises(StopAsyncIteration):
        await anext(places)
    assert last.granted


async def test_changes_that_nobody_saw_are_told_as_one() -> None:
    turns = Turns(1)
    before = [turns.ask(Owner()) for _ in range(4)]
    told: list[int] = []
    standing = asyncio.create_task(stand(turns.ask(Owner()), told))
    await settle()
    for turn in before[1:]:
        turn.leave()
    await settle()
    before[0].leave()
    await standing
    assert told == [4, 1]


def test_equals_go_as_they_came() -> None:
    turns = Turns(1)
    line = [turns.ask(Owner()) for _ in range(4)]
    for turn in line:
        assert [other.granted for other in line].index(True) == line.index(turn)
        turn.leave()


def test_who_holds_none_goes_before_who_holds_some() -> None:
    turns, long = Turns(2), Owner()
    first, second, third = (turns.ask(long) for _ in range(3))
    other = turns.ask(Owner())
    assert (other.position, third.position) == (1, 2)
    first.leave()
    assert granted(second, third, other) == [True, False, True]


def test_who_asks_for_several_at_once_gets_the_second_after_everybodys_first() -> None:
    turns, greedy = Turns(1), Owner()
    running = turns.ask(Owner())
    line = [turns.ask(greedy), turns.ask(greedy), turns.ask(greedy), turns.ask(Owner())]
    assert [turn.position for turn in line] == [1, 3, 4, 2]
    running.leave()
    assert granted(*line) == [True, False, False, False]


def test_a_client_with_fifty_replies_keeps_no_other_from_its_turn() -> None:
    turns = Turns(1)
    flood = [turns.ask(Owner(), "flood") for _ in range(50)]
    other = [turns.ask(Owner(), "other") for _ in range(3)]
    assert [turn.position for turn in other] == [1, 3, 5]
    order: list[str] = []
    waiting = [*flood, *other]
    while waiting:
        (granted,) = (turn for turn in waiting if turn.granted)
        order.append(granted.client)
        waiting.remove(granted)
        granted.leave()
    assert order == ["flood", "other", "flood", "other", "flood", "other", *["flood"] * 47]


def test_clients_go_in_rounds_and_each_ones_replies_as_they_came() -> None:
    turns = Turns(2)
    asked = [turns.ask(Owner(), client) for client in "aaabbc"]
    assert [turn.granted for turn in asked] == [True, True, False, False, False, False]
    assert [turn.position for turn in asked[2:]] == [4, 1, 3, 2]


def test_a_clients_look_ahead_does_not_pass_another_clients_first_sentence_though_that_one_has_more() -> None:
    turns, long = Turns(3), Owner()
    for _ in range(2):
        turns.ask(Owner(), "busy")
    turns.ask(long, "quiet")
    look_ahead, first = turns.ask(long, "quiet"), turns.ask(Owner(), "busy")
    assert (first.position, look_ahead.position) == (1, 2)


def test_newcomers_of_other_clients_do_not_keep_a_client_back_for_ever() -> None:
    turns = Turns(1)
    running, waits = turns.ask(Owner(), "a"), turns.ask(Owner(), "a")
    newcomers = 0
    while not waits.granted:
        newcomer = turns.ask(Owner(), f"new {newcomers}")
        newcomers += 1
        running.leave()
        running = newcomer if newcomer.granted else waits
    assert newcomers <= 2


def test_who_says_no_client_is_one_of_its_own() -> None:
    turns = Turns(1)
    turns.ask(Owner())
    line = [turns.ask(Owner()), turns.ask(Owner(), "a"), turns.ask(Owner())]
    assert [turn.position for turn in line] == [1, 2, 3]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), max_size=40), st.integers(1, 3), st.randoms())
def test_everybody_has_a_turn_whatever_client_and_owner(asked: list[tuple[int, int]], limit: int, chance: random.Random) -> None:
    turns, owners = Turns(limit), [Owner() for _ in range(6)]
    there = [turns.ask(owners[owner], "" if client == 0 else str(client)) for client, owner in asked]
    had = 0
    while there:
        holders = [turn for turn in there if turn.granted]
        assert len(holders) == min(limit, len(there))
        assert sorted(turn.position for turn in there if not turn.granted) == list(range(1, len(there) - len(holders) + 1))
        leaving = chance.choice(holders)
        leaving.leave()
        there.remove(leaving)
        had += 1
    assert had == len(asked)


def test_a_look_ahead_of_one_that_ends_does_not_pass_who_waited_without_any() -> None:
    turns, long = Turns(1), Owner()
    sentence, next_sentence = turns.ask(long), turns.ask(long)
    other = turns.ask(Owner())
    sentence.leave()
    assert granted(next_sentence, other) == [False, True]
    newcomer = turns.ask(Owner())
    assert (next_sentence.position, newcomer.position) == (1, 2)


def test_leaving_twice_is_nothing() -> None:
    turns = Turns(1)
    first, second, third = (turns.ask(Owner()) for _ in range(3))
    first.leave()
    first.leave()
    assert granted(first, second, third) == [False, True, False]
    third.leave()
    third.leave()
    second.leave()
    assert is_clean(turns)


def test_an_error_gives_the_turn_back() -> None:
    turns = Turns(1)
    with pytest.raises(LookupError), turns.ask(Owner()):
        raise LookupError
    assert is_clean(turns)


async def test_a_waiter_that_is_cancelled_leaves_the_line() -> None:
    turns = Turns(1)
    told: list[int] = []

    async def wait() -> None:
        with turns.ask(Owner()) as turn:
            await stand(turn, [])

    with turns.ask(Owner()):
        ahead = asyncio.create_task(wait())
        await settle()
        behind = asyncio.create_task(stand(turns.ask(Owner()), told))
        await settle()
        ahead.cancel()
        await settle()
        assert told == [2, 1]
    await behind


async def test_a_turn_granted_to_one_that_is_cancelled_at_that_moment_goes_on_to_the_next() -> None:
    turns = Turns(1)
    running = turns.ask(Owner())

    async def wait() -> None:
        with turns.ask(Owner()) as turn:
            await stand(turn, [])

    cancelled = asyncio.create_task(wait())
    await settle()
    following = turns.ask(Owner())
    running.leave()
    assert not following.granted
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    assert following.granted


async def test_nobody_takes_a_turn_that_was_left_for_a_granted_one() -> None:
    turns = Turns(1)
    turns.ask(Owner())
    turn = turns.ask(Owner())
    waiting = asyncio.create_task(stand(turn, []))
    await settle()
    turn.leave()
    with pytest.raises(RuntimeError, match="was left"):
        await waiting


def test_contended_is_said_of_those_who_hold_none() -> None:
    turns, long = Turns(1), Owner()
    with turns.ask(long), turns.ask(long):
        assert not turns.contended
        with turns.ask(Owner()):
            assert turns.contended
        assert not turns.contended


def test_one_key_is_one_line_with_the_smaller_limit() -> None:
    one, same, other = Turns.shared(("appid", "s3cret"), 3), Turns.shared(("appid", "s3cret"), 2), Turns.shared("other", 5)
    assert one is same
    assert one is not other
    assert (one.limit, other.limit) == (2, 5)
    assert Turns.shared(("appid", "s3cret"), 9).limit == 2
    assert "s3cret" not in repr((one, vars(one), dict(Turns._shared)))  # noqa: SLF001  # where it must not be


def test_a_line_that_nobody_keeps_is_forgotten() -> None:
    kept = Turns.shared("short-lived", 1)
    assert kept.limit == 1
    del kept
    assert Turns.shared("short-lived", 7).limit == 7


def line_of(alive: list[Turn]) -> list[Turn]:
    return sorted((turn for turn in alive if not turn.granted), key=lambda turn: turn.position)


def counts(alive: list[Turn]) -> dict[Turn, int]:
    """How many turns each one's owner will hold before it, of those in line, in their order."""
    owned = Counter(id(turn.owner) for turn in alive if turn.granted)
    before: dict[Turn, int] = {}
    for turn in line_of(alive):
        before[turn] = owned[id(turn.owner)]
        owned[id(turn.owner)] += 1
    return before


STEPS = st.lists(st.tuples(st.booleans(), st.integers(0, 5)), max_size=80)
"""Ask for the owner of that number, or let the turn of that place among those alive leave."""


@given(limit=st.integers(1, 4), steps=STEPS)
def test_any_schedule_is_bounded_busy_and_fair(limit: int, steps: list[tuple[bool, int]]) -> None:
    turns, owners = Turns(limit), [Owner() for _ in range(6)]
    alive: list[Turn] = []
    for asks, number in steps:
        firsts = {turn: turn.position for turn, count in counts(alive).items() if count == 0}
        if asks or not alive:
            alive.append(turns.ask(owners[number]))
        else:
            alive.pop(number % len(alive)).leave()
        assert sum(turn.granted for turn in alive) == min(limit, len(alive))
        assert [turn.position for turn in line_of(alive)] == [*range(1, 1 + len(line_of(alive)))]
        assert list(counts(alive).values()) == sorted(counts(alive).values())
        # Nobody starves: who waits for its owner's first turn is never passed.
        assert all(turn.position <= place for turn, place in firsts.items())
    for turn in alive:
        turn.leave()
    assert is_clean(turns)


@pytest.mark.parametrize("seed", range(20))
async def test_tasks_that_are_cancelled_anywhere_leave_no_turn_behind(seed: int) -> None:
    dice, turns = random.Random(seed), Turns(3)
    owners = [Owner() for _ in range(8)]
    holding: set[Turn] = set()
    served: list[Turn] = []

    async def request(owner: Owner) -> None:
        with turns.ask(owner) as turn:
            await stand(turn, [])
            holding.add(turn)
            assert len(holding) <= turns.limit
            try:
                for _ in range(dice.randrange(4)):
                    await asyncio.sleep(0)
                served.append(turn)
            finally:
                holding.remove(turn)

    tasks: list[asyncio.Task[None]] = []
    cancelled = 0
    for _ in range(200):
        tasks.append(asyncio.create_task(request(dice.choice(owners))))
        for _ in range(dice.randrange(3)):
            await asyncio.sleep(0)
        if dice.random() < 0.3:
            cancelled += dice.choice(tasks).cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert len(served) >= len(tasks) - cancelled
    assert [outcome for outcome in outcomes if outcome is not None and not isinstance(outcome, asyncio.CancelledError)] == []
    assert is_clean(turns)
