"""A generator that one task reads and another may close: the reader hears why, and the generator has ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from wyoming_server.engines.pulled import Pulled


class ClosedError(Exception):
    pass


class Source:
    """Gives 1, then waits for the gate, then gives 2. Its end takes until `may_end`."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.ended = False

    async def items(self) -> AsyncGenerator[int, None]:
        try:
            yield 1
            await self.gate.wait()
            yield 2
        finally:
            await self.may_end.wait()
            self.ended = True


def pulled(source: Source) -> Pulled[int]:
    return Pulled(source.items(), closed=ClosedError("closed"))


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_the_generator_gives_is_read_to_its_end() -> None:
    source = Source()
    source.gate.set()
    assert [item async for item in pulled(source)] == [1, 2]
    assert source.ended


async def test_closing_ends_a_reader_that_waits_once_the_generator_has_ended() -> None:
    source = Source()
    source.may_end.clear()
    items = pulled(source)
    assert await anext(items) == 1
    reader = asyncio.create_task(anext(items))
    await settle()
    closer = asyncio.create_task(items.aclose())
    await settle()
    assert not closer.done()
    source.may_end.set()
    await closer
    assert source.ended
    with pytest.raises(ClosedError):
        await reader
    assert reader.cancelling() == 0


async def test_closing_between_two_items_ends_the_generator_and_the_next_read() -> None:
    source = Source()
    items = pulled(source)
    assert await anext(items) == 1
    await items.aclose()
    assert source.ended
    with pytest.raises(ClosedError):
        await anext(items)


async def test_what_is_closed_unread_never_begins() -> None:
    source = Source()
    items = pulled(source)
    await items.aclose()
    with pytest.raises(ClosedError):
        await anext(items)
    assert not source.ended


async def test_two_may_close_at_once_and_both_wait_for_the_end() -> None:
    source = Source()
    source.may_end.clear()
    items = pulled(source)
    assert await anext(items) == 1
    closers = [asyncio.create_task(items.aclose()) for _ in range(2)]
    await settle()
    assert not any(closer.done() for closer in closers)
    source.may_end.set()
    await asyncio.gather(*closers)
    assert source.ended


async def test_a_reader_that_is_cancelled_stays_so_even_when_it_is_closed_too() -> None:
    source = Source()
    items = pulled(source)
    assert await anext(items) == 1
    reader = asyncio.create_task(anext(items))
    await settle()
    reader.cancel()
    await items.aclose()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert source.ended
