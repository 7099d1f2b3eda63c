"""Tasks on connections: text as it comes, one task after the other on one connection, and an end at once when it is wanted."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from wyoming_server.engines import fragments
from wyoming_server.engines.base import Utterance
from wyoming_server.engines.dashscope import engine as engine_module
from wyoming_server.engines.duplex import replies
from wyoming_server.errors import CredentialsRefused, EngineTimeout, EngineUnavailable, VoiceRefused
from wyoming_server.models import PAUSE, MarkKind

from ...simulators.dashscope import DASHSCOPE
from .speaking import (
    ENGLISH,
    TEXT,
    VOICE,
    Fault,
    Listener,
    Writer,
    at_service,
    connections,
    hear,
    how,
    pcm,
    tasks,
    texts,
)

pytestmark = pytest.mark.usefixtures("nothing_is_left")


# Text


async def test_a_task_ends_before_it_has_more_text_than_the_service_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replies, "SESSION_MAX", 30)
    async with at_service() as (service, engine):
        await hear(engine, ENGLISH * 2)
        assert connections(service) == [1, 1]


async def test_a_writer_who_pauses_in_a_sentence_gets_another_task_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service would end the first, and lose what it has not spoken."""
    monkeypatch.setattr(engine_module, "SERVICE", replace(engine_module.SERVICE, pause_max=0.1))
    async with at_service(text_timeout=0.3) as (service, engine):
        writer = Writer("The kettle ")
        listener = Listener(engine, writer, how())
        await service.saw("finished")
        writer.write("is boiling.")
        writer.end()
        heard = await listener.end()
        assert heard.audio == pcm("The kettle ") + pcm("is boiling.")
        assert heard.texts() == ["The kettle", "is boiling."]
        assert connections(service) == [1, 1]
        assert not service.all("refused")


async def test_a_reply_that_is_held_back_for_long_gets_another_task_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "SERVICE", replace(engine_module.SERVICE, pause_max=0.1))
    monkeypatch.setattr(replies, "LOOK_AHEAD", 1.0)
    monkeypatch.setattr(fragments, "UNSPOKEN", 0.1)
    async with at_service(text_timeout=0.3) as (service, engine):
        heard = await hear(engine, ENGLISH)
        assert len(heard.audio) == pytest.approx(len(pcm(ENGLISH)), rel=0.05)
        assert len(tasks(service)) == 2
        assert not service.all("refused")


# Connections


async def test_one_connection_carries_task_after_task() -> None:
    async with at_service() as (service, engine):
        for _ in range(3):
            assert (await hear(engine, TEXT, PAUSE, TEXT)).audio == pcm() * 2
        assert connections(service) == [1] * 6
        ids = [entry.detail["id"] for entry in service.all("session")]
        assert len(set(ids)) == 6


async def test_as_many_connections_are_open_as_are_needed_at_once() -> None:
    async with at_service(engine={"concurrency": None}) as (service, engine):
        heard = await asyncio.gather(*(hear(engine, TEXT) for _ in range(4)))
        assert all(one.audio == pcm() for one in heard)
        assert sorted(connections(service)) == [1, 2, 3, 4]


@pytest.mark.parametrize("how_it_died", ["close", "drop", "reset"])
async def test_a_connection_that_died_while_idle_is_replaced_and_nobody_hears_of_it(how_it_died: Any) -> None:
    async with at_service() as (service, engine):
        await hear(engine, TEXT)
        assert service.drop_idle(how_it_died) == 1
        assert (await hear(engine, TEXT)).audio == pcm()
        assert connections(service) == [1, 2]


async def test_a_connection_that_died_silently_is_replaced_in_time() -> None:
    async with at_service() as (service, engine):
        await hear(engine, TEXT)
        service.faults.add(Fault(kind="stall"))
        assert (await hear(engine, TEXT)).audio == pcm()
        assert connections(service) == [1, 1, 2]


async def test_a_service_that_is_not_there_any_more_is_told() -> None:
    async with at_service(engine={"first_audio_timeout": 0.5}) as (service, engine):
        await hear(engine, TEXT)
        service.drop_idle()
        service.faults.add(Fault(kind="drop", on="handshake", times=99))
        with pytest.raises((EngineUnavailable, EngineTimeout)):  # as often as there is time for
            await hear(engine, TEXT)


async def test_a_connection_is_left_before_the_service_closes_it() -> None:
    async with at_service(engine={"keep_warm": 0.05}) as (service, engine):
        await hear(engine, TEXT)
        closed = await service.saw("closed", within=5)
        assert closed.detail["by"] == "close frame"
        await hear(engine, TEXT)
        assert connections(service) == [1, 2]


async def test_none_is_kept_where_none_shall_be() -> None:
    async with at_service(engine={"keep_warm": 0}) as (service, engine):
        await hear(engine, TEXT)
        await service.saw("closed", within=5)
        engine.prepare([Utterance(voice=VOICE)])
        assert len(service.all("handshake")) == 1


async def test_a_connection_is_opened_ahead_of_need() -> None:
    async with at_service() as (service, engine):
        engine.prepare([Utterance(voice=VOICE)])
        engine.prepare([Utterance(voice=VOICE)])
        await service.saw("handshake")
        await hear(engine, TEXT)
        assert len(service.all("handshake")) == 1


async def test_a_connection_on_which_a_task_failed_is_not_used_again() -> None:
    fault = Fault(kind="error", on="sentence", told=DASHSCOPE["server"])
    async with at_service(fault, closes_after_failure=False) as (service, engine):
        assert (await hear(engine, TEXT)).audio == pcm()
        assert connections(service) == [1, 2]


# Marks


async def test_each_sentence_is_marked_where_it_stands() -> None:
    async with at_service() as (_, engine):
        heard = await hear(engine, "One is here. Two is there. ", "Three?")
        assert heard.texts() == ["One is here.", "Two is there.", "Three?"]
        assert [mark.time for mark in heard.marks] == sorted(mark.time for mark in heard.marks)


async def test_words_are_marked_once_in_order_and_in_time() -> None:
    text = "One is here. Two is there. "
    async with at_service() as (_, engine):
        heard = await hear(engine, text, PAUSE, text, utterance=how(timestamps=True))
        words = [mark for mark in heard.marks if mark.kind is MarkKind.WORD]
        assert [mark.text for mark in words] == ["One", "is", "here", "Two", "is", "there"] * 2
        assert [mark.start for mark in words] == sorted({mark.start for mark in words})
        starts_at = {mark.text: mark.time for mark in heard.marks if mark.kind is MarkKind.SENTENCE_START}
        second = next(mark for mark in reversed(words) if mark.text == "Two")
        assert second.time == pytest.approx(starts_at["Two is there."], abs=0.11)


# Tried


async def test_the_key_is_tried_with_a_task_without_a_text() -> None:
    async with at_service() as (service, engine):
        assert (await engine.verify()).startswith(f"accepted by {service.url}")
        assert "voice longwan_v2, model cosyvoice-v2" in await engine.verify("longwan_v2")
        assert not texts(service)
        with pytest.raises(VoiceRefused, match="does not belong to the model cosyvoice-v2"):
            await engine.verify("strange")


@pytest.mark.parametrize("key", [None, "", "  "])
async def test_a_key_that_is_missing_is_told_before_anybody_is_asked(key: str | None) -> None:
    async with at_service(engine={"api_key": key}) as (service, engine):
        for doing in (hear(engine, TEXT), engine.verify()):
            with pytest.raises(CredentialsRefused, match="Set api_key"):
                await doing
        engine.prepare([Utterance(voice=VOICE)])
        assert not service.journal
