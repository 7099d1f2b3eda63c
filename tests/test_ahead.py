"""A generator that is read ahead, and tasks that end with the block that started them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from wyoming_server.ahead import QUEUED, ended, read_ahead
from wyoming_server.errors import EngineError


class Numbers:
    """Counts, and tells how far it came and that it was closed."""

    def __init__(self, fail_at: int = 1_000) -> None:
        self.given = 0
        self.closed = False
        self._fail_at = fail_at

    async def count(self) -> AsyncGenerator[int, None]:
        try:
            while self.given < self._fail_at:
                self.given += 1
                yield self.given
            raise EngineError("It is over.")
        finally:
            await asyncio.sleep(0)
            self.closed = True


async def test_it_is_read_while_nobody_reads_and_no_further_than_allowed() -> None:
    numbers = Numbers()
    async with read_ahead(numbers.count()) as items:
        for _ in range(50):
            await asyncio.sleep(0)
        assert numbers.given == QUEUED + 1
        assert [await anext(items) for _ in range(3)] == [1, 2, 3]
        assert not numbers.closed
    assert numbers.closed


async def test_a_failure_comes_behind_what_was_made_before_it() -> None:
    numbers = Numbers(fail_at=3)
    async with read_ahead(numbers.count()) as items:
        assert [await anext(items) for _ in range(3)] == [1, 2, 3]
        with pytest.raises(EngineError, match="over"):
            await anext(items)
    assert numbers.closed


async def test_one_that_was_not_begun_is_closed_too() -> None:
    numbers = Numbers()
    counting = numbers.count()
    await anext(counting)
    async with read_ahead(counting):
        pass
    assert (numbers.given, numbers.closed) == (1, True)


async def test_whoever_is_cancelled_again_hurries_the_tasks_and_still_waits() -> None:
    goodbyes: list[int] = []

    async def stubborn() -> None:
        for wait in (asyncio.Event(), asyncio.Event(), asyncio.Event()):
            try:
                await wait.wait()
            except asyncio.CancelledError:
                goodbyes.append(len(goodbyes))
        await asyncio.sleep(0)

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    ending = asyncio.create_task(ended(task))
    for _ in range(2):
        await asyncio.sleep(0)
        ending.cancel()
    await asyncio.wait([ending])
    assert (ending.cancelled(), task.done(), goodbyes) == (True, True, [0, 1, 2])
