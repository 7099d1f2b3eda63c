"""Events reach everybody who reads them, in order, and wait for nobody."""

from __future__ import annotations

import asyncio

from wyoming_server.monitoring.hub import Event, Hub, Subscriber


async def read(subscriber: Subscriber) -> list[object]:
    """All that comes until the end."""
    async with asyncio.timeout(5):
        return [event.data["n"] for event in [event async for event in subscriber]]


async def test_everybody_is_told_everything_in_order() -> None:
    hub = Hub()
    with hub.subscribe() as one, hub.subscribe() as other:
        for n in range(3):
            hub.publish("counted", {"n": n})
        assert await anext(one) == Event(name="counted", data={"n": 0})
        hub.close()
        assert await read(one) == [1, 2]
        assert await read(other) == [0, 1, 2]


async def test_nobody_is_told_what_was_before_or_comes_after() -> None:
    hub = Hub()
    hub.publish("counted", {"n": 0})
    with hub.subscribe() as subscriber:
        hub.publish("counted", {"n": 1})
        assert len(hub) == 1
    hub.publish("counted", {"n": 2})
    assert len(hub) == 0
    assert (await anext(subscriber)).data == {"n": 1}


async def test_one_that_waits_is_woken() -> None:
    hub = Hub()
    with hub.subscribe() as subscriber:
        waiting = asyncio.create_task(anext(subscriber))
        await asyncio.sleep(0)
        hub.publish("counted", {"n": 1})
        assert (await waiting).data == {"n": 1}


async def test_one_that_is_too_slow_is_ended_with_a_flag_and_the_others_go_on() -> None:
    hub = Hub()
    with hub.subscribe(unread_max=2) as slow, hub.subscribe() as other:
        for n in range(5):
            hub.publish("counted", {"n": n})
        assert slow.was_too_slow
        assert len(hub) == 1
        assert await read(slow) == [0, 1]
        hub.close()
        assert await read(other) == [0, 1, 2, 3, 4]
        assert not other.was_too_slow


async def test_one_that_keeps_up_is_never_too_slow() -> None:
    hub = Hub()
    with hub.subscribe(unread_max=2) as subscriber:
        for n in range(50):
            hub.publish("counted", {"n": n})
            assert (await anext(subscriber)).data == {"n": n}
        assert not subscriber.was_too_slow


async def test_whoever_comes_after_the_end_hears_that() -> None:
    hub = Hub()
    hub.close()
    with hub.subscribe() as subscriber:
        hub.publish("counted", {"n": 1})
        assert await read(subscriber) == []
    assert len(hub) == 0
