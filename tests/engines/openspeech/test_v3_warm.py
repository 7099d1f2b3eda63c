"""API v3: connections are opened ahead, used session after session, and replaced when they die, of which no reply knows."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from wyoming_server.engines.openspeech import pool, session
from wyoming_server.errors import EngineUnavailable
from wyoming_server.upstream import attempts

from ...simulators.openspeech import Fault
from ...standstill import awake
from ...writing import Writer, written
from .hearing import ENGLISH, FIRST, HOW, Listener, hear, how, order, sessions, speaking, texts
from .speaking import BIG, SECOND, pcm

pytestmark = pytest.mark.usefixtures("nothing_is_left")

SAID = "The kettle is boiling now."


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits before he tries again waits for too long."""
    monkeypatch.setattr(attempts, "PAUSE", 60.0)


# Ready ahead of need


async def test_a_connection_is_ready_before_the_first_reply() -> None:
    async with speaking() as (service, engine):
        engine.prepare([how(SECOND)])
        await service.saw("connected")
        assert (await hear(engine, SAID)).audio == pcm(SAID)
        assert service.counters.connections_ever == 1


async def test_a_connection_is_opened_while_the_text_is_still_being_written() -> None:
    async with speaking() as (service, engine):
        writer = Writer()
        listener = Listener(engine, writer)
        await service.saw("connected")
        assert not service.all("session")
        writer.write(SAID)
        writer.end()
        assert (await listener.end()).audio == pcm(SAID)
        assert service.counters.connections_ever == 1


async def test_session_follows_session_on_one_connection() -> None:
    async with speaking() as (service, engine):
        for _ in range(5):
            assert (await hear(engine, SAID)).audio == pcm(SAID)
        assert service.counters.connections_ever == 1
        assert service.counters.sessions_ever == 5
        assert not service.all("refused")


async def test_a_warm_session_takes_one_round_trip() -> None:
    latency = 0.1
    async with speaking(latency=latency) as (service, engine):
        engine.prepare([how(SECOND)])
        await service.saw("connected")
        begun = awake()
        await hear(engine, "Hello")
        assert awake() - begun < 2 * latency
        assert order(service, "handshake", "connected", "session", "text", "first audio", "finished") == [
            "handshake",
            "connected",
            "session",
            "text",
            "first audio",  # with no full stop: so the session was finished right behind the text
            "finished",
        ]
        sent = (service.all("text")[0].time_ns - service.all("session")[0].time_ns) / 1e9
        assert latency <= sent < latency + 0.05


async def test_two_replies_at_once_have_a_connection_each() -> None:
    async with speaking(pace=20) as (service, engine):
        first, second = await asyncio.gather(hear(engine, SAID), hear(engine, ENGLISH))
        assert first.audio == pcm(SAID)
        assert len(second.audio) == len(pcm(ENGLISH.rstrip()))
        assert service.counters.connections_ever == service.counters.sessions_most == 2
        await asyncio.gather(hear(engine, SAID), hear(engine, SAID))
        assert service.counters.connections_ever == 2


async def test_each_resource_id_has_connections_of_its_own() -> None:
    async with speaking() as (service, engine):
        engine.prepare([how(SECOND), how(BIG)])
        await service.saw("connected", 2)
        for utterance in (HOW, FIRST, HOW, FIRST):
            assert (await hear(engine, SAID, utterance=utterance)).audio == pcm(SAID)
        asked = {entry.detail["headers"]["X-Api-Resource-Id"] for entry in service.all("handshake")}
        assert asked == {"seed-tts-1.0", "seed-tts-2.0"}
        assert service.counters.connections_ever == 2


async def test_other_settings_use_the_same_connection() -> None:
    async with speaking() as (service, engine):
        await hear(engine, SAID)
        await hear(engine, SAID, utterance=how(speed=1.5))
        assert service.counters.connections_ever == 1


async def test_without_keep_warm_no_connection_is_opened_ahead_or_kept() -> None:
    async with speaking(engine={"keep_warm": 0}) as (service, engine):
        engine.prepare([how(SECOND)])
        assert (await hear(engine, SAID)).audio == pcm(SAID)
        closed = await service.saw("closed")
        assert closed.detail == {"by": "close frame", "code": 1000}
        assert service.counters.connections_ever == 1


async def test_a_connection_is_left_when_nobody_has_used_it_for_long() -> None:
    async with speaking(engine={"keep_warm": 0.1}) as (service, engine):
        await hear(engine, SAID)
        over, begun = (await service.saw("finished")).time_ns, awake()
        closed = await service.saw("closed")
        assert closed.detail == {"by": "close frame", "code": 1000}
        assert (closed.time_ns - over) / 1e9 > 0.08
        assert awake() - begun < 0.5
        assert (await hear(engine, SAID)).audio == pcm(SAID)


async def test_a_connection_lasts_while_it_is_used() -> None:
    async with speaking(engine={"keep_warm": 0.3}, pace=5) as (service, engine):
        for _ in range(3):  # 0.3 s each
            await hear(engine, SAID)
        assert service.counters.connections_ever == 1


# Connections that die


async def test_a_warm_connection_that_is_lost_is_replaced_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "LIVED", 0.0)
    async with speaking() as (service, engine):
        engine.prepare([how(SECOND)])
        await hear(engine, SAID)
        assert service.drop_idle() == 1
        await service.saw("connected", 2)
        assert (await hear(engine, SAID)).audio == pcm(SAID)
        assert service.counters.connections_ever == 2


async def test_a_connection_that_is_dropped_for_an_unconfirmed_cancel_is_replaced_unasked() -> None:
    async with speaking(pace=1) as (service, engine):
        listener = Listener(engine, written(ENGLISH))
        await listener.until_audio()
        service.faults.add(Fault(kind="stall", on="stopped"))
        await listener.stop()
        await service.saw("closed", within=5)
        await service.saw("connected", 2, within=5)
        service.change(pace=0)
        assert (await hear(engine, SAID)).audio == pcm(SAID)
        assert service.counters.connections_ever == 2


async def test_a_connection_that_dies_young_is_not_replaced(no_pause: None) -> None:
    async with speaking(idle_timeout=0.05) as (service, engine):
        engine.prepare([how(SECOND)])
        await service.saw("closed")
        assert (await hear(engine, SAID)).audio == pcm(SAID)
        await service.saw("closed", 2)
        assert service.counters.connections_ever == 2


async def test_a_lost_connection_is_replaced_for_no_longer_than_it_would_have_been_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "LIVED", 0.0)
    async with speaking(idle_timeout=0.1, engine={"keep_warm": 0.25}) as (service, engine):
        engine.prepare([how(SECOND)])
        await service.saw("closed", 3)
        await asyncio.sleep(0.15)
        assert service.counters.connections_ever == 3
        await hear(engine, SAID)
        assert service.counters.connections_ever == 4


@pytest.mark.parametrize("how", ["close", "drop", "reset"])
async def test_a_connection_that_ended_while_idle_is_not_used(how: Any, no_pause: None) -> None:
    async with speaking() as (service, engine):
        await hear(engine, SAID)
        assert service.drop_idle(how) == 1
        heard = await hear(engine, SAID)  # it may see the end before or after it takes the connection
        assert heard.audio == pcm(SAID)
        assert len(heard.marks) == 2


@pytest.mark.parametrize("kind", ["close", "drop", "reset"])
@pytest.mark.parametrize("stage", ["start", "audio"])
async def test_a_used_connection_that_ends_before_first_audio_costs_a_reconnect(kind: Any, stage: Any, no_pause: None) -> None:
    async with speaking() as (service, engine):
        await hear(engine, SAID)
        service.faults.add(Fault(kind=kind, on=stage))
        heard = await hear(engine, SAID)
        assert heard.audio == pcm(SAID)
        assert [mark.text for mark in heard.marks] == [SAID, SAID]
        assert sessions(service)[-1] == SAID
        assert service.counters.connections_ever == 2


async def test_a_used_connection_that_answers_nothing_costs_a_reconnect(monkeypatch: pytest.MonkeyPatch, no_pause: None) -> None:
    monkeypatch.setattr(session, "ANSWER_WITHIN", 0.1)
    async with speaking() as (service, engine):
        await hear(engine, SAID)
        service.faults.add(Fault(kind="stall", on="start"))
        begun = awake()
        heard = await hear(engine, SAID)
        assert awake() - begun < 0.3
        assert heard.audio == pcm(SAID)
        assert texts(service) == [SAID, SAID]


async def test_a_connection_that_died_before_it_was_ever_used_costs_a_reconnect(
    monkeypatch: pytest.MonkeyPatch, no_pause: None
) -> None:
    assert session.ANSWER_WITHIN <= 1
    monkeypatch.setattr(session, "ANSWER_WITHIN", 0.1)
    async with speaking() as (service, engine):
        engine.prepare([how(SECOND)])
        await service.saw("connected")
        await asyncio.sleep(0.05)
        service.faults.add(Fault(kind="stall", on="start"))
        begun = awake()
        assert (await hear(engine, SAID)).audio == pcm(SAID)
        assert awake() - begun < 0.3


async def test_a_new_connection_may_take_longer_to_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "ANSWER_WITHIN", 0.01)
    async with speaking(latency=0.05) as (service, engine):
        assert (await hear(engine, SAID)).audio == pcm(SAID)
        assert service.counters.connections_ever == 1


async def test_a_reconnect_is_tried_once(no_pause: None) -> None:
    async with speaking(engine={"first_audio_timeout": 1}) as (service, engine):
        await hear(engine, SAID)
        service.faults.add(Fault(kind="drop", on="start", times=2))
        with pytest.raises(EngineUnavailable, match="not complete"):
            await hear(engine, SAID)
        assert service.counters.connections_ever == 2


async def test_what_an_error_frame_says_of_the_session_before_does_no_harm(no_pause: None) -> None:
    async with speaking() as (service, engine):
        await hear(engine, SAID)
        service.faults.add(Fault(kind="error", how="frame", code=45000000, message="no such session", on="start"))
        assert (await hear(engine, SAID)).audio == pcm(SAID)


async def test_text_that_is_still_being_written_survives_a_reconnect(no_pause: None) -> None:
    async with speaking() as (service, engine):
        await hear(engine, SAID)
        service.faults.add(Fault(kind="drop", on="audio"))
        writer = Writer("One, ", "two, ", "three. ")
        listener = Listener(engine, writer)
        await service.saw("fault")
        await listener.until_audio()
        writer.write("Four.")
        writer.end()
        heard = await listener.end()
        assert sessions(service)[1:] == ["One, two, three. ", "One, two, three. Four."]
        assert heard.audio == pcm("One, two, three.") + pcm(" Four.")
        assert heard.texts() == ["One, two, three.", "Four."]


async def test_a_pause_survives_a_reconnect(no_pause: None) -> None:
    async with speaking() as (service, engine):
        await hear(engine, SAID)
        service.faults.add(Fault(kind="drop", on="audio"))
        writer = Writer("Hello", "")  # no full stop: it is spoken because the writer pauses
        listener = Listener(engine, writer)
        await service.saw("finished", 2)
        writer.write("World")
        writer.end()
        assert (await listener.end()).audio == pcm("Hello") + pcm("World")
        assert sessions(service)[1:] == ["Hello", "Hello", "World"]


async def test_marks_and_text_are_not_doubled_where_a_sentence_was_announced_without_audio(no_pause: None) -> None:
    async with speaking() as (service, engine):
        await hear(engine, SAID)
        service.faults.add(Fault(kind="close", on="audio", code=1011))
        heard = await Listener(engine, written(ENGLISH)).end()
        assert "".join(heard.texts()).replace(" ", "") == ENGLISH.replace(" ", "")
        assert len(heard.marks) == 4
