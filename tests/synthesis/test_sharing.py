"""One synthesis, several rooms: everybody hears all of it, leaves alone, and nobody is left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from wyoming_server.engines.base import EngineEvent, Utterance
from wyoming_server.engines.tone import ToneEngine
from wyoming_server.errors import EngineError
from wyoming_server.models import Mark, Notice, Waiting
from wyoming_server.synthesis.sharing.shares import Limits

from ..converters.cases import new_converter
from ..engines.cases import new_engine
from .sharing import SPOKEN_ONCE, WISHES, House, alone, failures, no_task_is_left, rest, tone_house

# Everybody hears all of it


async def test_several_rooms_hear_one_synthesis_each_in_its_own_format() -> None:
    house = tone_house()
    rooms = [house.room(wish=wish) for wish in WISHES]
    await rest(*rooms)
    for room, wish in zip(rooms, WISHES, strict=True):
        assert room.heard == await alone(wish=wish)
    assert house.tally == SPOKEN_ONCE
    assert no_task_is_left()


async def test_who_comes_late_hears_it_from_the_start() -> None:
    house = tone_house()
    first = house.room()
    await first.audio()
    second = house.room()
    await second.rest()
    third = house.room(wish=WISHES[1])
    await rest(first, third)
    fourth = house.room()  # nobody listens any more
    await fourth.rest()
    assert first.heard == second.heard == fourth.heard == await alone()
    assert third.heard == await alone(wish=WISHES[1])
    assert house.tally == SPOKEN_ONCE


async def test_one_that_nobody_listens_to_is_forgotten_after_a_while() -> None:
    house = tone_house(Limits(keep=0))
    listener = house.room()
    await listener.audio()
    assert (len(house.shares), house.shares.size > 0) == (1, True)
    await listener.rest()
    await asyncio.sleep(0)
    assert (len(house.shares), house.shares.size) == (0, 0)
    await house.room().rest()
    assert house.tally == {"started": 4, "finished": 4}


async def test_one_that_somebody_still_listens_to_is_not() -> None:
    house = tone_house(Limits(keep=0))
    slow, fast = house.room(), house.room()
    await slow.some()
    await fast.rest()
    await asyncio.sleep(0)
    late = house.room()
    await rest(slow, late)
    assert slow.heard == late.heard == await alone()
    assert house.tally == SPOKEN_ONCE


async def test_one_that_is_joined_again_in_time_is_kept_anew() -> None:
    house, over = tone_house(Limits(keep=0.01)), asyncio.Event()
    await house.room().rest()
    again = house.room()
    await again.some()
    asyncio.get_running_loop().call_later(0.02, over.set)
    await over.wait()
    await rest(again, house.room())
    assert (house.tally, len(house.shares)) == (SPOKEN_ONCE, 1)


async def test_shares_of_other_ids_and_replies_without_one_are_their_own() -> None:
    house = tone_house()
    await rest(house.room("one"), house.room("two"), house.room(""), house.room(""))
    assert house.tally == {"started": 8, "finished": 8}


async def test_marks_places_and_notices_reach_everybody() -> None:
    engine = new_engine("tone", per_character=0.05, concurrency=1)
    house = House(engine, new_converter("gain", fail_at=0))
    assert engine.turns is not None
    with engine.turns.ask(object()):
        rooms = [house.room(converter="gain/half") for _ in range(3)]
        for room in rooms:
            await room.some(3)
            assert Waiting(position=1) in room.heard
            assert room.progress.position == 1
    await rest(*rooms)
    late = house.room(converter="gain/half")
    await late.rest()
    for room in rooms:
        assert [event for event in room.heard if not isinstance(event, Waiting)] == late.heard
        assert (room.progress.position, room.progress.converter, room.progress.converter_failed) == (None, "gain", True)
        assert isinstance(room.progress.notice, Notice)
    assert [event for event in late.heard if isinstance(event, Mark)]


# Each leaves alone


@pytest.mark.parametrize("who", [0, 1])
async def test_a_room_that_is_interrupted_leaves_the_other_speaking(who: int) -> None:
    house = tone_house()
    rooms = [house.room(), house.room()]
    for room in rooms:
        await room.audio()
    await rooms.pop(who).leave()
    assert house.running
    await rooms[0].rest()
    assert rooms[0].heard == await alone()
    assert house.tally == SPOKEN_ONCE
    assert no_task_is_left()


async def test_the_last_one_who_leaves_cancels_the_engine_and_the_next_one_begins_anew() -> None:
    house = tone_house(stall_at=0.05)
    first, second = house.room(text="One."), house.room(text="One.")
    await first.audio()
    await second.audio()
    await first.leave()
    assert (house.told, len(house.shares)) == (["started"], 1)
    await second.leave()
    assert (house.told, len(house.shares)) == (["started", "cancelled"], 0)
    assert no_task_is_left()
    third = house.room(text="Another text.")
    await third.audio()
    await third.leave()
    assert house.told == ["started", "cancelled"] * 2


class Slow(ToneEngine):
    """Its sentences do not end, but for a moment after they were cancelled."""

    def __init__(self) -> None:
        made = new_engine("tone", stall_at=0.02)
        super().__init__(made.name, made.options)
        self.ending, self.gate = asyncio.Event(), asyncio.Event()

    async def speak_sentence(self, text: str, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        try:
            async with aclosing(super().speak_sentence(text, utterance)) as events:
                async for event in events:
                    yield event
        finally:
            self.ending.set()
            try:
                await self.gate.wait()
            finally:
                await asyncio.sleep(0)
                self._note("ended", text)


async def test_one_begins_anew_while_the_cancelled_one_still_ends() -> None:
    engine = Slow()
    house = House(engine)
    first = house.room(text="One.")
    await first.audio()
    leaving = asyncio.create_task(first.leave())
    await engine.ending.wait()
    second = house.room(text="Two.")
    await second.audio()
    assert (len(house.shares), leaving.done()) == (2, False)
    engine.gate.set()
    await leaving
    assert len(house.shares) == 1
    await second.leave()
    assert (len(house.shares), no_task_is_left()) == (0, True)


async def test_a_leaver_that_is_hurried_still_waits_for_the_engine() -> None:
    engine = Slow()
    room = House(engine).room(text="One.")
    await room.audio()
    leaving = asyncio.create_task(room.rest())
    await asyncio.sleep(0)
    leaving.cancel()
    await engine.ending.wait()
    assert not leaving.done()
    leaving.cancel()
    await asyncio.wait([leaving])
    assert leaving.cancelled()
    assert [event.what for event in engine.journal] == ["started", "cancelled", "ended"]
    assert no_task_is_left()


# How it fails


async def test_a_failure_is_everybodys_and_comes_after_the_audio_before_it() -> None:
    house = tone_house(fail_at=0.05)
    rooms = [house.room() for _ in range(3)]
    await rooms[0].audio()
    errors = await failures(*rooms)
    assert [type(error) for error in errors] == [EngineError] * 3
    assert len({str(error) for error in errors}) == 1
    assert len({id(error) for error in errors}) == 3
    assert {len(room.pcm) for room in rooms} == {rooms[0].format.size(0.02) * 3}
    assert (len(house.shares), no_task_is_left()) == (0, True)


async def test_after_a_failure_the_next_one_begins_anew_though_somebody_still_hears_the_old_one() -> None:
    house = tone_house()
    slow, fast = house.room(fail_at=0.05), house.room(fail_at=0.05)
    await slow.some()
    assert isinstance((await failures(fast))[0], EngineError)
    again = house.room(text="Something else.")
    await again.rest()
    assert again.heard == await alone("Something else.")
    assert isinstance((await failures(slow))[0], EngineError)
    assert slow.heard == fast.heard
    assert (await failures(house.room(text="Something else.")))[0] is None


async def test_an_engine_that_is_closed_ends_it_for_everybody() -> None:
    house = tone_house(stall_at=0.05)
    rooms = [house.room(), house.room()]
    for room in rooms:
        await room.audio()
    await house.engine.aclose()
    assert [type(error).__name__ for error in await failures(*rooms)] == ["EngineUnavailable"] * 2
