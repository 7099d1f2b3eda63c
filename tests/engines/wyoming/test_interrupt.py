"""Whoever stops listening stops the server: at every stage, at once, also where it sees that only when it writes."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from wyoming_server.errors import EngineUnavailable

from ...simulators.wyoming.manners import Stage
from ...standstill import awake
from .speaking import ONE, TEXT, Fault, Listener, Writer, at_server, hear, how, made, pcm, simulator, written

pytestmark = pytest.mark.usefixtures("nothing_is_left")

both_ways = pytest.mark.parametrize("streaming", [True, False], ids=["streaming", "by sentences"])
AT_ONCE = 0.25
"""Seconds; it is a millisecond, on a machine that does nothing else."""


@both_ways
@pytest.mark.parametrize("on", ["text", "audio", "audio-stop"])
async def test_a_server_that_does_not_even_read_is_told_at_once(on: Stage, *, streaming: bool) -> None:
    async with at_server(Fault(kind="stall", on=on), streaming=streaming) as (service, engine):
        listener = Listener(engine, written(TEXT), how())
        stalled = await service.journal.saw("fault")
        begun = awake()
        assert await listener.stop() < AT_ONCE
        await service.journal.saw("gone", connection=stalled.connection)
        assert awake() - begun < AT_ONCE
        assert (await hear(engine, ONE)).audio == pcm(ONE)


@both_ways
async def test_nothing_more_is_asked_for_after_an_interrupt(*, streaming: bool) -> None:
    async with at_server(Fault(kind="stall", on="audio", where="Two"), streaming=streaming) as (service, engine):
        listener = Listener(engine, written(TEXT), how())
        await service.journal.saw("fault")
        await listener.stop()
        before = len(service.journal.all("event"))
        assert (await hear(engine, ONE)).audio == pcm(ONE)
        after = [text for kind, text in service.events() if kind in ("synthesize", "synthesize-chunk")]
        assert after[-1] == ONE
        assert len(service.journal.all("event")) - before <= 4


async def test_a_writer_that_stops_writing_leaves_nothing_open() -> None:
    async with at_server() as (service, engine):
        listener = Listener(engine, Writer("One is"), how())
        await service.journal.saw("event", "synthesize-chunk")
        await listener.stop()
        await service.journal.saw("gone", count=2)


async def test_a_connection_that_was_opened_in_vain_is_closed() -> None:
    async with at_server() as (service, engine):
        listener = Listener(engine, Writer(), how())
        await service.journal.saw("connected", count=2)
        await listener.stop()
        await service.journal.saw("gone", count=2)
        assert [kind for kind, _ in service.events()] == ["describe"]


@both_ways
async def test_closing_the_generator_cuts_the_connection(*, streaming: bool) -> None:
    async with at_server(streaming=streaming) as (service, engine):
        async with aclosing(engine.speak(aiter(written(TEXT * 100)), how())) as events:
            async for event in events:
                if isinstance(event, bytes):
                    break
        await service.journal.saw("gone", count=2)


@both_ways
async def test_closing_the_engine_cuts_every_connection(*, streaming: bool) -> None:
    async with at_server(Fault(kind="stall", on="audio", times=9), streaming=streaming) as (service, engine):
        listeners = [Listener(engine, written(ONE), how()) for _ in range(3)]
        await service.journal.saw("fault", count=3)
        await engine.aclose()
        for listener in listeners:
            with pytest.raises(EngineUnavailable):
                await listener.task
        await service.journal.saw("gone", count=4)


async def test_closing_the_engine_ends_its_readings() -> None:
    stall = Fault(kind="stall", on="describe")
    async with simulator(stall) as service:
        async with made(uri=service.uri):
            await service.journal.saw("fault")
        await service.journal.saw("gone")


@both_ways
async def test_many_interrupts_leave_it_ready(*, streaming: bool) -> None:
    async with at_server(streaming=streaming) as (_, engine):
        for steps in range(30):
            listener = Listener(engine, Writer(TEXT), how())
            for _ in range(steps):
                await asyncio.sleep(0)
            await listener.stop()
        assert (await hear(engine, ONE)).audio == pcm(ONE)
