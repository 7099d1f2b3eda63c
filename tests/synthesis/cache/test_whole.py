"""Whether all of a text is there is found out without waiting for any of it, and without losing any."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable

import pytest

from wyoming_server.channel import Channel
from wyoming_server.errors import TextTimeout
from wyoming_server.frontends.text import as_it_comes
from wyoming_server.synthesis.cache.whole import looked_at

from ..converting import text_of


def channel(*fragments: str, ended: bool = True) -> Channel[str]:
    made: Channel[str] = Channel()
    for fragment in fragments:
        made.push(fragment)
    if ended:
        made.end()
    return made


async def read(text: AsyncIterable[str]) -> str:
    return "".join([fragment async for fragment in text])


@pytest.mark.parametrize("limit", [3, 4, 100])
@pytest.mark.parametrize("made", [channel, lambda *some: text_of(some)])
async def test_a_text_that_is_there_is_whole_up_to_the_limit(made: object, limit: int) -> None:
    assert callable(made)
    async with looked_at(made("ab", "", "cd"), limit) as look:
        assert look.whole == ("abcd" if limit >= 4 else None)
        assert await read(look.text) == "abcd"


async def test_a_front_ends_text_is_whole_where_it_has_ended() -> None:
    text = as_it_comes(channel("ab", "cd"), limit=1, setting="x")
    async with looked_at(text, 10) as look:
        assert look.whole == "abcd"


@pytest.mark.parametrize("before", [(), ("ab",), ("ab", "cd")])
async def test_a_text_that_grows_is_not_waited_for_and_comes_whole_all_the_same(before: tuple[str, ...]) -> None:
    text = channel(*before, ended=False)
    async with asyncio.timeout(5), looked_at(text, 10) as look:
        assert look.whole is None
        reading = asyncio.create_task(read(look.text))
        await asyncio.sleep(0)
        text.push("ef")
        text.end()
        assert await reading == "".join(before) + "ef"


async def test_the_end_of_a_text_may_come_a_moment_later_than_its_beginning() -> None:
    """Home Assistant's way: one event after the other, each in a packet of its own."""
    text = channel(ended=False)
    asyncio.get_running_loop().call_later(0.001, text.push, "ab")
    asyncio.get_running_loop().call_later(0.002, text.end)
    async with looked_at(text, 10, moment=5) as look:
        assert look.whole == "ab"


async def test_what_breaks_off_raises_where_it_is_read() -> None:
    text = channel("ab", ended=False)
    text.end(TextTimeout("nothing came"))
    async with looked_at(text, 10) as look:
        assert look.whole is None
        with pytest.raises(TextTimeout):
            await read(look.text)


async def test_nobody_need_read_it() -> None:
    """And whoever made the text may close it at once afterwards."""
    closed = False

    async def text() -> AsyncGenerator[str, None]:
        nonlocal closed
        try:
            yield "ab"
            await asyncio.Event().wait()
        finally:
            closed = True

    made = text()
    async with looked_at(made, 10) as look:
        assert look.whole is None
    await made.aclose()
    assert closed


async def test_a_reader_that_is_cancelled_takes_the_look_along() -> None:
    text = channel("ab", ended=False)
    async with looked_at(text, 10) as look:
        reading = asyncio.create_task(read(look.text))
        await asyncio.sleep(0)
        reading.cancel()
        await asyncio.wait([reading])
        assert reading.cancelled()


async def test_a_look_that_is_cancelled_leaves_the_text_to_whoever_made_it() -> None:
    """An interrupt may come while nobody knows yet whether more is there."""
    made = as_it_comes(channel(ended=False), limit=60, setting="x")

    async def look() -> None:
        async with looked_at(made, 10, moment=60):
            raise AssertionError

    looking = asyncio.create_task(look())
    await asyncio.sleep(0)
    looking.cancel()
    await asyncio.wait([looking])
    assert looking.cancelled()
    await made.aclose()  # which a task that still read it would not allow
    assert asyncio.all_tasks() == {asyncio.current_task()}
