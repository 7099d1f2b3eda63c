"""The pool by itself: whoever takes a connection, waits for one or leaves, none is lost and none is left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest

from wyoming_server.engines.openspeech import pool as pool_module
from wyoming_server.engines.openspeech.account import Account
from wyoming_server.engines.openspeech.failures import Asked
from wyoming_server.engines.openspeech.pool import Pool
from wyoming_server.engines.openspeech.routes import route
from wyoming_server.upstream.attempts import Failed

from ...simulators.openspeech import Fault, OpenSpeechSimulator, simulator
from .speaking import KEYS, SECOND

pytestmark = pytest.mark.usefixtures("nothing_is_left")


@asynccontextmanager
async def pooling(
    keep: float = 60, open_within: float = 5, **options: Any
) -> AsyncIterator[tuple[OpenSpeechSimulator, Pool, Asked]]:
    """The simulator, a pool at it, and what to ask it for. In the end no connection may be left."""
    async with simulator(**options) as service:
        pool = Pool(Account(url=service.url, appid=KEYS["appid"], token=KEYS["token"]), keep=keep, open_within=open_within)
        try:
            yield service, pool, Asked(engine="openspeech", voice=SECOND, route=route(SECOND, {}))
        finally:
            await pool.close()
            assert not [task for task in asyncio.all_tasks() if "Pool." in repr(task.get_coro())]
        for number in range(service.counters.connections_ever):
            await service.saw("closed", number + 1, within=5)


async def test_one_that_was_given_back_is_taken_again() -> None:
    async with pooling() as (service, pool, asked):
        first = await pool.take(asked, within=5)
        assert not first.used
        pool.give_back(first)
        assert await pool.take(asked, within=5) is first
        assert first.used
        assert await pool.take(asked, within=5) is not first
        assert service.counters.connections_ever == 2


async def test_a_fresh_one_is_a_new_one() -> None:
    async with pooling() as (service, pool, asked):
        first = await pool.take(asked, within=5)
        pool.give_back(first)
        pool.warm(asked)
        assert await pool.take(asked, within=5, fresh=True) is not first
        assert service.counters.connections_ever == 2


async def test_warm_opens_one_however_often_it_is_asked() -> None:
    async with pooling() as (service, pool, asked):
        for _ in range(3):
            pool.warm(asked)
        await service.saw("connected")
        pool.warm(asked)
        await pool.take(asked, within=5)
        assert service.counters.connections_ever == 1


async def test_two_who_wait_get_one_each() -> None:
    async with pooling(latency=0.02) as (service, pool, asked):
        pool.warm(asked)
        first, second = await asyncio.gather(pool.take(asked, within=5), pool.take(asked, within=5))
        assert first is not second
        assert service.counters.connections_ever == 2


@pytest.mark.parametrize("keep", [60, 0])
async def test_whoever_leaves_at_any_step_loses_no_connection(keep: float) -> None:
    async with pooling(keep) as (_, pool, asked):
        for steps in range(80):
            if steps % 2:
                pool.warm(asked)
            taking = asyncio.create_task(pool.take(asked, within=5))
            for _ in range(steps):
                await asyncio.sleep(0)
            taking.cancel()
            await asyncio.wait([taking])
            if not taking.cancelled():
                pool.give_back(taking.result())


async def test_what_was_opened_for_one_who_left_is_for_the_next() -> None:
    async with pooling() as (service, pool, asked):
        service.faults.add(Fault(kind="stall", on="connection"))
        taking = asyncio.create_task(pool.take(asked, within=5))
        await service.saw("fault")
        taking.cancel()
        await asyncio.wait([taking])
        again = asyncio.create_task(pool.take(asked, within=5))
        service.faults.go_on()
        await again
        assert service.counters.connections_ever == 1


async def test_an_opening_that_takes_too_long_is_broken_off() -> None:
    async with pooling() as (service, pool, asked):
        service.faults.add(Fault(kind="stall", on="connection"))
        with pytest.raises(TimeoutError):
            await pool.take(asked, within=0.05)
        await service.saw("closed", within=5)
        await pool.take(asked, within=5)


async def test_an_opening_ahead_of_need_does_not_take_for_ever() -> None:
    async with pooling(open_within=0.05) as (service, pool, asked):
        service.faults.add(Fault(kind="stall", on="handshake"))
        pool.warm(asked)
        await service.saw("fault")
        with pytest.raises(Failed, match="did not accept a connection"):
            await pool.take(asked, within=5)


async def test_an_opening_that_failed_unnoticed_is_forgotten() -> None:
    async with pooling() as (service, pool, asked):
        service.faults.add(Fault(kind="close", on="connection"))
        pool.warm(asked)
        await service.saw("closed")
        with suppress(Failed):  # it may not have seen the end yet
            await pool.take(asked, within=5)
        assert (await pool.take(asked, within=5)).alive


async def test_closing_it_tells_whoever_waits() -> None:
    async with pooling() as (service, pool, asked):
        service.faults.add(Fault(kind="stall", on="connection", times=2))
        pool.warm(asked)
        waiting = [asyncio.create_task(pool.take(asked, within=5)) for _ in range(2)]
        await service.saw("fault", 2)
        await pool.close()
        for told in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(told, Failed)
            assert "was closed" in str(told)
        with pytest.raises(Failed, match="was closed"):
            await pool.take(asked, within=5)


async def test_closing_it_twice_and_while_it_is_closed_is_fine() -> None:
    async with pooling() as (service, pool, asked):
        pool.give_back(await pool.take(asked, within=5))
        await asyncio.gather(pool.close(), pool.close())
        await pool.close()
        pool.warm(asked)
        assert service.counters.connections_ever == 1


async def test_what_is_given_back_to_a_closed_pool_is_gone() -> None:
    async with pooling() as (_, pool, asked):
        connection = await pool.take(asked, within=5)
        await pool.close()
        pool.give_back(connection)
        assert not connection.alive
        await pool.cancel(connection)


async def test_a_pool_that_is_closed_and_abandoned_still_ends_its_tasks() -> None:
    async with pooling() as (service, pool, asked):
        pool.give_back(await pool.take(asked, within=5))
        closing = asyncio.create_task(pool.close())
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait([closing])
        await service.saw("closed", within=5)


async def test_messages_for_no_session_are_not_kept() -> None:
    async with pooling() as (service, pool, asked):
        connection = await pool.take(asked, within=5)
        messages = connection.begin("one")
        connection.end()
        [talk] = service._talks.values()  # noqa: SLF001  # to say what no fault says
        for _ in range(100):
            await talk.line.tell(talk.stray(b"12"))
            await talk.line.tell(talk.unknown())
        await talk.line.hang_up(1000)
        assert not connection.alive
        assert [message async for message in messages] == []


async def test_an_error_told_to_an_idle_connection_is_its_end() -> None:
    async with pooling() as (service, pool, asked):
        connection = await pool.take(asked, within=5)
        pool.give_back(connection)
        [talk] = service._talks.values()  # noqa: SLF001  # to say what no fault says
        await talk.line.tell('{"code": 55000000, "message": "going down"}')
        await service.saw("closed", within=5)
        assert await pool.take(asked, within=5) is not connection


async def test_one_that_was_opened_while_the_pool_was_closed_is_gone() -> None:
    async with pooling() as (service, pool, asked):
        service.faults.add(Fault(kind="stall", on="connection"))
        pool.warm(asked)
        await service.saw("fault")
        [opening] = pool._opening  # noqa: SLF001  # to close it in the step in which that ends
        closing: list[asyncio.Task[None]] = []
        opening.add_done_callback(lambda _: closing.append(asyncio.create_task(pool.close())))
        taking = asyncio.create_task(pool.take(asked, within=5))
        await asyncio.sleep(0)
        service.faults.go_on()
        with pytest.raises(Failed, match="was closed"):
            await taking
        await closing[0]


def other(asked: Asked, resource_id: str) -> Asked:
    return replace(asked, route=replace(asked.route, resource_id=resource_id))


async def test_many_resource_ids_share_a_few_idle_connections() -> None:
    async with pooling() as (service, pool, asked):
        for number in range(pool_module.IDLE_MAX + 3):
            pool.give_back(await pool.take(other(asked, f"r{number}"), within=5))
        await service.saw("closed", 3)
        for number in range(3, pool_module.IDLE_MAX + 3):  # the three oldest are those that left
            assert (await pool.take(other(asked, f"r{number}"), within=5)).used
        assert service.counters.connections_ever == pool_module.IDLE_MAX + 3


async def test_many_resource_ids_open_only_a_few_connections_ahead() -> None:
    async with pooling() as (service, pool, asked):
        service.faults.add(Fault(kind="stall", on="connection", times=99))
        for number in range(pool_module.IDLE_MAX + 3):
            pool.warm(other(asked, f"r{number}"))
        await service.saw("fault", pool_module.IDLE_MAX)
        assert service.counters.connections_ever == pool_module.IDLE_MAX


async def test_each_connection_is_left_by_its_own_last_use() -> None:
    async with pooling(keep=0.2) as (service, pool, asked):
        first, second = await asyncio.gather(pool.take(asked, within=5), pool.take(asked, within=5))
        pool.give_back(first)
        pool.give_back(second)
        for _ in range(4):
            await asyncio.sleep(0.1)
            assert await pool.take(asked, within=5) is second
            pool.give_back(second)
        assert not first.alive
        assert second.alive
        assert service.counters.connections_ever == 2


async def test_nothing_is_remembered_of_a_resource_id_without_connections() -> None:
    async with pooling(keep=0.05) as (service, pool, asked):
        pool.give_back(await pool.take(asked, within=5))
        await service.saw("closed", within=5)
        assert not pool._idle  # noqa: SLF001
        assert not pool._opening  # noqa: SLF001
