"""The channel between two tasks: order, bounds, and how it ends."""

from __future__ import annotations

import asyncio

import pytest

from wyoming_server.channel import Channel


async def test_items_come_out_in_order_and_then_the_end() -> None:
    channel: Channel[int] = Channel()
    for item in range(3):
        channel.push(item)
    channel.end()
    assert [item async for item in channel] == [0, 1, 2]


async def test_a_full_channel_holds_its_writer_back() -> None:
    channel: Channel[int] = Channel(1)
    written: list[int] = []

    async def write() -> None:
        for item in range(3):
            await channel.put(item)
            written.append(item)
        channel.end()

    writer = asyncio.create_task(write())
    await asyncio.sleep(0)
    assert written == [0]
    assert [item async for item in channel] == [0, 1, 2]
    await writer


async def test_what_waits_is_read_before_the_error() -> None:
    channel: Channel[int] = Channel()
    channel.push(1)
    channel.end(KeyError("later"))
    channel.end()
    channel.push(2)
    assert await anext(channel) == 1
    with pytest.raises(KeyError, match="later"):
        await anext(channel)


async def test_a_reader_that_waits_is_woken_by_the_end_of_a_task() -> None:
    channel: Channel[int] = Channel()

    async def fail() -> None:
        channel.push(1)
        raise LookupError

    channel.end_with(asyncio.create_task(fail()), cancelled=ValueError())
    assert await anext(channel) == 1
    with pytest.raises(LookupError):
        await anext(channel)


async def test_a_cancelled_task_ends_it_with_the_error_given() -> None:
    channel: Channel[int] = Channel()
    task = asyncio.create_task(asyncio.sleep(60))
    channel.end_with(task, cancelled=ValueError("closed"))
    task.cancel()
    with pytest.raises(ValueError, match="closed"):
        await anext(channel)


async def test_a_writer_that_waits_is_let_go_by_the_end() -> None:
    channel: Channel[int] = Channel(1)
    channel.push(0)
    writer = asyncio.create_task(channel.put(1))
    await asyncio.sleep(0)
    channel.end()
    await writer
    assert [item async for item in channel] == [0]
