"""An interrupt at any moment: the service hears of it at once, nobody waits for its answer, and the next reply starts clean."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from time import monotonic
from typing import Any

import pytest

from wyoming_server.engines.openspeech.engine import OpenSpeechEngine
from wyoming_server.errors import EngineUnavailable

from ...simulators.openspeech import Fault, OpenSpeechSimulator
from ...standstill import awake
from ...writing import Writer, written
from .hearing import CHINESE, HOW, LONG, Listener, hear, how, speaking, texts, until_free
from .speaking import BIG, pcm

pytestmark = pytest.mark.usefixtures("nothing_is_left")

SAID = "The kettle is boiling now."
AT_ONCE = 0.05
"""Seconds."""
ONE = {"concurrency": 1}


async def in_its_handshake(service: OpenSpeechSimulator, engine: OpenSpeechEngine) -> Listener:
    service.faults.add(Fault(kind="stall", on="handshake"))
    listener = Listener(engine, written(LONG))
    await service.saw("fault")
    return listener


async def before_its_connection_is_ready(service: OpenSpeechSimulator, engine: OpenSpeechEngine) -> Listener:
    service.faults.add(Fault(kind="stall", on="connection"))
    listener = Listener(engine, written(LONG))
    await service.saw("fault")
    return listener


async def before_its_text(service: OpenSpeechSimulator, engine: OpenSpeechEngine) -> Listener:
    listener = Listener(engine, Writer())
    await service.saw("connected")
    return listener


async def before_session_started(service: OpenSpeechSimulator, engine: OpenSpeechEngine) -> Listener:
    service.faults.add(Fault(kind="stall", on="start"))
    listener = Listener(engine, written(LONG))
    await service.saw("fault")
    return listener


async def before_its_first_audio(service: OpenSpeechSimulator, engine: OpenSpeechEngine) -> Listener:
    service.change(delay=60)
    listener = Listener(engine, written(LONG))
    await service.saw("text")
    service.change(delay=0)
    return listener


async def while_its_writer_writes(service: OpenSpeechSimulator, engine: OpenSpeechEngine) -> Listener:
    listener = Listener(engine, Writer("One. Two"))
    await listener.until_audio()
    return listener


async def mid_audio(service: OpenSpeechSimulator, engine: OpenSpeechEngine) -> Listener:
    service.change(pace=1)
    listener = Listener(engine, written(LONG))
    await listener.until_audio()
    service.change(pace=0)
    return listener


async def behind_its_text(service: OpenSpeechSimulator, engine: OpenSpeechEngine) -> Listener:
    service.change(pace=1)
    listener = Listener(engine, written(SAID))
    await listener.until_audio()  # FinishSession went with the text
    service.change(pace=0)
    return listener


async def while_it_is_far_ahead(service: OpenSpeechSimulator, engine: OpenSpeechEngine) -> Listener:
    listener = Listener(engine, written(LONG))
    async with asyncio.timeout(5):
        while len(listener.heard.audio) < 10 * 48_000:
            listener.moved.clear()
            await listener.moved.wait()
    return listener


Moment = Callable[[OpenSpeechSimulator, OpenSpeechEngine], Awaitable[Listener]]
IN_A_SESSION: tuple[Moment, ...] = (
    before_session_started,
    before_its_first_audio,
    while_its_writer_writes,
    mid_audio,
    behind_its_text,
    while_it_is_far_ahead,
)
BEFORE_IT: tuple[Moment, ...] = (in_its_handshake, before_its_connection_is_ready, before_its_text)


@pytest.fixture(params=IN_A_SESSION, ids=lambda moment: moment.__name__)
def in_a_session(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(params=[*BEFORE_IT, *IN_A_SESSION], ids=lambda moment: moment.__name__)
def moment(request: pytest.FixtureRequest) -> Any:
    return request.param


# The service hears of it at once


async def test_the_service_is_told_at_once_and_speaks_no_further(in_a_session: Moment) -> None:
    async with speaking(engine=ONE) as (service, engine):
        listener = await in_a_session(service, engine)
        begun = awake()
        assert await listener.stop() < AT_ONCE
        cancelled = await service.saw("cancelled", within=5)
        assert awake() - begun < AT_ONCE
        assert cancelled.detail["by"] == "CancelSession"
        spoken, sent = service.counters.characters, texts(service)
        assert await until_free(engine) < AT_ONCE
        assert (await hear(engine, SAID)).audio == pcm(SAID)
        assert service.counters.characters == spoken + len(SAID)
        assert texts(service) == [*sent, SAID]
        assert service.counters.connections_ever == 1
        assert not service.all("refused")


async def test_nobody_waits_for_the_answer(in_a_session: Moment) -> None:
    async with speaking(engine=ONE) as (service, engine):
        listener = await in_a_session(service, engine)
        service.faults.add(Fault(kind="stall", on="stopped"))
        assert await listener.stop() < AT_ONCE
        begun = monotonic()
        assert await until_free(engine) < 0.45
        assert monotonic() - begun > 0.2
        assert (await service.saw("closed", within=5)).detail["by"] in ("end of file", "reset")
        assert (await hear(engine, SAID)).audio == pcm(SAID)
        assert service.counters.connections_ever == 2


async def test_before_a_session_nothing_is_told_and_the_connection_is_for_the_next_reply() -> None:
    for moment in BEFORE_IT:
        async with speaking(engine=ONE) as (service, engine):
            listener = await moment(service, engine)
            assert await listener.stop() < AT_ONCE
            assert await until_free(engine) < AT_ONCE
            service.faults.go_on()
            assert (await hear(engine, SAID)).audio == pcm(SAID)
            assert service.counters.connections_ever == 1
            assert not service.all("cancelled")


async def test_without_keep_warm_a_handshake_is_broken_off() -> None:
    async with speaking(engine={"keep_warm": 0}) as (service, engine):
        service.faults.add(Fault(kind="stall", on="connection"))
        listener = Listener(engine, written(LONG))
        await service.saw("fault")
        await listener.stop()
        await service.saw("closed", within=5)
        assert not service.all("session")


async def test_it_leaves_the_line() -> None:
    async with speaking(engine=ONE, pace=1) as (service, engine):
        first = Listener(engine, written(SAID))
        await first.until_audio()
        second = Listener(engine, written(SAID))
        await second.moved.wait()
        assert second.heard.places == [1]
        assert await second.stop() < AT_ONCE
        assert not service.all("cancelled")
        await first.stop()
        assert await until_free(engine) < AT_ONCE
        assert service.counters.sessions_ever == 1


async def test_twice_is_fine(moment: Moment) -> None:
    async with speaking(engine=ONE) as (service, engine):
        listener = await moment(service, engine)
        listener.task.cancel()
        await asyncio.sleep(0)
        listener.task.cancel()
        await listener.stop()
        service.faults.go_on()
        await until_free(engine)
        assert (await hear(engine, SAID)).audio == pcm(SAID)


async def test_any_step_is_a_good_moment() -> None:
    async with speaking(engine=ONE) as (service, engine):
        for keep in (True, False):
            for steps in range(60):
                listener = Listener(engine, written(CHINESE * 20))
                for _ in range(steps):
                    await asyncio.sleep(0)
                await listener.stop()
            if keep:
                service.drop_idle()
        await until_free(engine)
        assert (await hear(engine, SAID)).audio == pcm(SAID)
        assert service.counters.sessions == 0
        assert service.counters.connections <= 2


async def test_closing_the_generator_itself_is_an_interrupt_too() -> None:
    async with speaking(engine=ONE, pace=1) as (service, engine):
        events = engine.speak(aiter(written(LONG)), HOW)
        while not isinstance(await anext(events), bytes):
            pass
        await events.aclose()
        await events.aclose()
        await service.saw("cancelled", within=5)
        await until_free(engine)


# What the service answers


@pytest.mark.parametrize(
    "fault",
    [
        None,
        Fault(kind="stall", on="cancel", seconds=0.2),
        Fault(kind="error", on="cancel", code=55000001, how="event"),
        Fault(kind="stale audio", on="stopped"),
    ],
    ids=["SessionCanceled", "SessionFinished", "SessionFailed", "more audio first"],
)
async def test_a_connection_is_used_again_once_the_service_has_ended_the_session(fault: Fault | None) -> None:
    async with speaking(engine=ONE, pace=8) as (service, engine):
        listener = Listener(engine, written("Hello, hello."))  # 0.1 s
        await listener.until_audio()
        if fault:
            service.faults.add(fault)
        await listener.stop()
        await until_free(engine)
        service.change(pace=0)
        assert (await hear(engine, SAID)).audio == pcm(SAID)
        assert service.counters.connections_ever == 1


@pytest.mark.parametrize("kind", ["close", "drop", "reset", "random bytes", "text frame"])
async def test_a_connection_that_ends_instead_is_not_used_again(kind: Any) -> None:
    async with speaking(engine=ONE, pace=1) as (service, engine):
        listener = Listener(engine, written(LONG))
        await listener.until_audio()
        service.faults.add(Fault(kind=kind, on="stopped"))
        await listener.stop()
        assert await until_free(engine) < 0.45
        service.change(pace=0)
        assert (await hear(engine, SAID)).audio == pcm(SAID)


async def test_the_turn_is_free_only_when_the_service_has_ended_the_session() -> None:
    async with speaking(engine=ONE, pace=1) as (service, engine):
        listener = Listener(engine, written(LONG))
        await listener.until_audio()
        service.faults.add(Fault(kind="stall", on="stopped", seconds=0.15))
        await listener.stop()
        begun = monotonic()
        assert await until_free(engine) < 0.28
        assert monotonic() - begun > 0.12


@pytest.mark.parametrize("stage", ["stopped", "cancelled"])
async def test_audio_of_a_cancelled_session_is_never_heard_in_the_next(stage: Any) -> None:
    async with speaking(engine=ONE, pace=1) as (service, engine):
        listener = Listener(engine, written(LONG))
        await listener.until_audio()
        service.faults.add(Fault(kind="stale audio", on=stage))
        await listener.stop()
        service.change(pace=0)
        service.faults.add(Fault(kind="stale audio", on="audio", after=0.4))
        heard = await hear(engine, SAID)
        assert heard.audio == pcm(SAID)
        assert len(heard.marks) == 2


# The engine is closed


async def until_it_is_told(listener: Listener) -> str:
    async with asyncio.timeout(5):
        with pytest.raises(EngineUnavailable) as told:
            await listener.task
    return str(told.value)


async def test_closing_the_engine_ends_a_reply_in_words_at_any_moment(moment: Moment) -> None:
    async with speaking(engine=ONE) as (service, engine):
        listener = await moment(service, engine)
        begun = awake()
        await engine.aclose()
        assert awake() - begun < 0.3
        assert "closed" in await until_it_is_told(listener)
        service.faults.go_on()
        for entry in service.all("handshake")[:1]:
            if service.counters.connections_ever:
                assert (await service.saw("closed", within=5)).connection == entry.connection


async def test_closing_the_engine_ends_replies_in_line_and_those_that_wait_to_try_again() -> None:
    async with speaking(engine=ONE, pace=1) as (service, engine):
        first = Listener(engine, written(SAID))
        await first.until_audio()
        second = Listener(engine, written(SAID))
        await second.moved.wait()
        await engine.aclose()
        assert "closed" in await until_it_is_told(first)
        assert "closed" in await until_it_is_told(second)
    async with speaking() as (service, engine):
        service.faults.add(Fault(kind="refuse", on="handshake", status=503))
        listener = Listener(engine, written(SAID))
        await service.saw("fault")
        await engine.aclose()
        assert "closed" in await until_it_is_told(listener)


async def test_closing_the_engine_while_it_cancels_leaves_no_connection() -> None:
    async with speaking(pace=1) as (service, engine):
        service.faults.add(Fault(kind="stall", on="cancel"))
        listener = Listener(engine, written(LONG))
        await listener.until_audio()
        await listener.stop()
        begun = awake()
        await engine.aclose()
        assert awake() - begun < 0.2
        await service.saw("closed", within=5)


async def test_closing_the_engine_leaves_idle_connections_politely() -> None:
    async with speaking() as (service, engine):
        await asyncio.gather(hear(engine, SAID), hear(engine, SAID), hear(engine, SAID, utterance=how(BIG)))
        await engine.aclose()
        for number in range(service.counters.connections_ever):
            assert (await service.saw("closed", number + 1, within=5)).detail["by"] == "close frame"


async def test_a_writer_is_not_listened_to_after_an_interrupt() -> None:
    closed = asyncio.Event()

    async def endless() -> AsyncIterator[str]:
        try:
            yield "One. "
            await asyncio.Event().wait()
        finally:
            closed.set()

    async with speaking() as (_, engine):
        listener = Listener(engine, endless())
        await listener.until_audio()
        await listener.stop()
        await asyncio.wait_for(closed.wait(), 5)
