"""Rooms that come, stall, are interrupted and leave in any order, by seeds: nobody hears a ghost, and nothing is left behind."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import aclosing
from enum import StrEnum
from typing import Any

import pytest

from wyoming_server.errors import EngineError, Interrupted
from wyoming_server.models import FormatWish, SynthesisRequest
from wyoming_server.sessions import LocalSessions
from wyoming_server.synthesis.sharing.shares import Limits

from .converting import pcm
from .sharing import NATIVE, TEXT, WISHES, House, alone, no_task_is_left, tone_house

SEEDS = 200
FAULTS: tuple[dict[str, Any], ...] = ({}, {}, {"fail_at": 0.11}, {"stall_at": 0.11}, {"fail_at": 0}, {"stall_at": 0})
"""Of the engine; those that end the first sentence early cut the reply short."""
TICKS = 120
"""Turns of the event loop in which everything happens."""


class End(StrEnum):
    HEARD = "heard all"
    LEFT = "left"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"
    FAILED = "failed"


async def ticks(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


class Guest:
    """A room that does what its dice say."""

    def __init__(self, house: House, sessions: LocalSessions, rng: random.Random, name: str, fault: dict[str, Any]) -> None:
        self.wish: FormatWish = rng.choice(WISHES)
        self.audio = b""
        self._rng = random.Random(rng.random())
        self._comes, self._takes = rng.randrange(TICKS), rng.choice([None, None, rng.randrange(30)])
        self._slow = rng.choice([0, 0, 1, 4])
        self._stalls = rng.random() < 0.2
        self._house, self._sessions, self._name = house, sessions, name
        self._request: SynthesisRequest = house.request(wish=self.wish, **fault)
        self.gate = asyncio.Event()

    async def listen(self) -> End:
        """In a session of its own."""
        await ticks(self._comes)
        try:
            async with (
                self._sessions.open(self._name) as session,
                aclosing(self._house.synthesizer.speak(self._request, self._text(), session.progress)) as events,
            ):
                count = 0
                async for event in events:
                    self.audio += pcm([event])
                    count += 1
                    if count == self._takes:
                        return End.LEFT
                    if self._stalls and count == 5:
                        await self.gate.wait()
                    await ticks(self._rng.randint(0, self._slow))
        except Interrupted:
            return End.INTERRUPTED
        except EngineError:
            return End.FAILED
        except asyncio.CancelledError:
            return End.CANCELLED
        return End.HEARD

    async def _text(self) -> AsyncIterator[str]:
        """The same text as everybody's, at its own pace."""
        place = 0
        while place < len(TEXT):
            size = self._rng.choice([3, 11, len(TEXT)])
            yield TEXT[place : place + size]
            place += size
            await ticks(self._rng.choice([0, 0, 2]))


async def evening(seed: int) -> tuple[House, list[tuple[Guest, End]]]:
    """Guests come and go, some are interrupted or cancelled. At the end the gates open, and whoever is stuck is cancelled."""
    rng = random.Random(seed)
    fault = rng.choice(FAULTS)
    house = tone_house(Limits(ahead=rng.choice([1, 3, 8]), keep=rng.choice([0, 30])), per_character=0.02)
    sessions = LocalSessions()
    guests = {f"room {number}": Guest(house, sessions, rng, f"room {number}", fault) for number in range(rng.randint(1, 5))}
    tasks = {name: asyncio.create_task(guest.listen()) for name, guest in guests.items()}
    for _ in range(rng.randint(0, 6)):
        await ticks(rng.randrange(TICKS // 3))
        name = rng.choice([*guests])
        if rng.random() < 0.5:
            sessions.interrupt(name)
        else:
            tasks[name].cancel()
        if sessions.find(name) is None and not any(map(sessions.find, guests)):
            assert not house.running, f"seed {seed}: nobody listens, and the engine speaks"
    for guest in guests.values():
        guest.gate.set()
    for _ in range(20 * TICKS):
        if all(task.done() for task in tasks.values()):
            break
        await asyncio.sleep(0)
    for task in tasks.values():
        task.cancel()
    ends = await asyncio.gather(*tasks.values(), return_exceptions=True)
    told = [end if isinstance(end, End) else End.CANCELLED for end in ends]  # cancelled before it began
    return house, [*zip(guests.values(), told, strict=True)]


async def references() -> dict[FormatWish, bytes]:
    return {wish: pcm(await alone(wish=wish, per_character=0.02)) for wish in WISHES}


async def test_whoever_shares_hears_all_or_its_beginning_and_nothing_is_left_behind() -> None:
    whole, seen = await references(), set()
    for seed in range(SEEDS):
        house, evenings = await evening(seed)
        for guest, end in evenings:
            seen.add(end)
            heard, expected = guest.audio, whole[guest.wish]
            assert heard == expected if end is End.HEARD else expected.startswith(heard), f"seed {seed}"
        told = house.tally
        assert told["started"] == told["finished"] + told["cancelled"] + told["failed"], f"seed {seed}"
        assert no_task_is_left(), f"seed {seed}"
        assert len(house.shares) <= 1, f"seed {seed}"
    assert seen == set(End)


@pytest.mark.parametrize("count", [1, 4])
async def test_as_many_as_come_at_once_cost_the_engine_one_synthesis(count: int) -> None:
    whole = (await references())[NATIVE]
    house = tone_house(per_character=0.02)
    rooms = [house.room() for _ in range(count)]
    await asyncio.gather(*(room.rest() for room in rooms))
    assert {room.pcm for room in rooms} == {whole}
    assert house.tally["started"] == 2
