"""The cloud: text goes up as it comes and never far ahead, sentences and words get their marks, an interrupt is seen at once."""

from __future__ import annotations

from typing import Any

import pytest

from wyoming_server.engines.duplex import replies
from wyoming_server.engines.flowing import engine as engine_module
from wyoming_server.models import PAUSE, MarkKind

from ...simulators.flowing import Shape
from .speaking import (
    ENGLISH,
    KEYS,
    LONG,
    TEXT,
    Fault,
    Listener,
    Writer,
    at_cloud,
    hear,
    how,
    pcm,
    starts,
    texts,
    until,
    written,
)

pytestmark = pytest.mark.usefixtures("nothing_is_left")


# Text


async def test_a_connection_is_opened_while_the_first_words_are_still_being_written() -> None:
    async with at_cloud() as (service, engine):
        writer = Writer()
        listener = Listener(engine, writer, how())
        await service.saw("handshake")
        assert not service.all("session")
        writer.write(TEXT)
        writer.end()
        await listener.end()
        assert len(service.all("handshake")) == 1


async def test_a_pause_ends_a_session_and_the_next_has_a_connection_of_its_own() -> None:
    async with at_cloud() as (service, engine):
        heard = await hear(engine, "One", PAUSE, "Two.")
        assert heard.audio == pcm("One") + pcm("Two.")
        assert [entry.connection for entry in service.all("session")] == [1, 2]
        assert not service.all("refused")


async def test_a_session_ends_before_it_has_more_text_than_the_cloud_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replies, "SESSION_MAX", 30)
    async with at_cloud() as (service, engine):
        heard = await hear(engine, ENGLISH * 2)
        assert len(service.all("session")) == 2
        assert len(heard.audio) == pytest.approx(len(pcm(ENGLISH * 2)), rel=0.05)


async def test_a_session_without_text_is_kept_alive_by_pings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "PING_EVERY", 0.02)
    async with at_cloud(idle_timeout=1) as (service, engine):
        writer = Writer("The kettle ")
        listener = Listener(engine, writer, how())
        await service.saw("text")
        await until(lambda: service.pings >= 55)
        writer.write("is boiling.")
        writer.end()
        assert (await listener.end()).audio == pcm("The kettle is boiling.")
        assert len(service.all("session")) == 1


async def test_without_pings_the_cloud_forgets_a_session_and_nobody_hears_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "PING_EVERY", None)
    async with at_cloud(idle_timeout=0.1) as (service, engine):
        writer = Writer("The kettle ")
        listener = Listener(engine, writer, how())
        await service.saw("refused")
        writer.write("is boiling.")
        writer.end()
        assert (await listener.end()).audio == pcm("The kettle is boiling.")
        assert texts(service)[-2:] == ["The kettle ", "is boiling."]


# What is asked for


ASKED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {"speech_rate": 0, "volume": 50, "pitch_rate": 0, "enable_subtitle": False, "format": "pcm", "sample_rate": 24_000}),
    ({"speed": 2.0}, {"speech_rate": 500}),
    ({"speed": 0.5}, {"speech_rate": -500}),
    ({"speed": 1.25}, {"speech_rate": 200}),
    ({"timestamps": True}, {"enable_subtitle": True}),
    ({"rate": 8_000}, {"sample_rate": 8_000}),
    ({"rate": 11_025}, {"sample_rate": 16_000}),
    ({"rate": 48_000}, {"sample_rate": 24_000}),
    ({"voice": "other", "rate": 48_000}, {"sample_rate": 48_000}),
    ({"voice": "mine", "rate": 48_000}, {"sample_rate": 16_000}),
]


@pytest.mark.parametrize(("settings", "payload"), ASKED, ids=str)
async def test_settings_become_the_clouds_own(settings: dict[str, Any], payload: dict[str, Any]) -> None:
    async with at_cloud(engine={**KEYS, "voices": {"mine": {"native_rate": 16_000}}}) as (service, engine):
        utterance = how(**settings)
        heard = await hear(engine, TEXT, utterance=utterance)
        start = starts(service)[0]
        assert {name: start[name] for name in payload} == payload
        assert start["voice"] == utterance.voice
        assert engine.native_format(utterance).rate == start["sample_rate"]
        assert len(heard.audio) > 0


# Marks


async def test_each_sentence_is_marked_where_it_stands() -> None:
    async with at_cloud() as (_, engine):
        heard = await hear(engine, "One is here. Two is there. ", "Three?")
        assert heard.texts() == ["One is here.", "Two is there.", "Three?"]
        starts_at = [mark.time for mark in heard.marks if mark.kind is MarkKind.SENTENCE_START]
        ends_at = [mark.time for mark in heard.marks if mark.kind is MarkKind.SENTENCE_END]
        assert starts_at == [0.0, *ends_at[:-1]]


@pytest.mark.parametrize("times_from", ["session", "sentence"])
async def test_words_are_marked_once_in_order_and_in_time(times_from: Any) -> None:
    text = "One is here. Two is there. "
    async with at_cloud(shape=Shape(times_from=times_from)) as (_, engine):
        heard = await hear(engine, text, PAUSE, text, utterance=how(timestamps=True))
        words = [mark for mark in heard.marks if mark.kind is MarkKind.WORD]
        assert [mark.text for mark in words] == ["One", "is", "here", "Two", "is", "there"] * 2
        assert [mark.start for mark in words] == sorted({mark.start for mark in words})
        assert [mark.time for mark in heard.marks] == sorted(mark.time for mark in heard.marks)
        starts_at = {mark.text: mark.time for mark in heard.marks if mark.kind is MarkKind.SENTENCE_START}
        second = next(mark for mark in reversed(words) if mark.text == "Two")
        assert second.time == pytest.approx(starts_at["Two is there."], abs=0.11)


@pytest.mark.parametrize("shape", [Shape(has_session_id=False), Shape(first_index=0), Shape(success="status_text")], ids=str)
async def test_what_the_cloud_leaves_out_or_spells_differently_changes_nothing(shape: Shape) -> None:
    async with at_cloud(shape=shape) as (_, engine):
        heard = await hear(engine, "One is here. Two is there.")
        assert heard.texts() == ["One is here.", "Two is there."]
        assert heard.audio == pcm("One is here.") + pcm(" Two is there.")


async def test_audio_behind_a_sentences_end_is_heard_in_it() -> None:
    async with at_cloud(Fault(kind="late audio", on="sentence"), Fault(kind="unknown event", on="sentence")) as (_, engine):
        heard = await hear(engine, "One is here. Two is there.")
        assert heard.audio == pcm("One is here.") + pcm(" Two is there.")
        assert heard.marks[1].time == pytest.approx(len(pcm("One is here.")) / 48_000, abs=0.001)


# Turns


async def test_turns_are_kept_until_the_connection_is_closed() -> None:
    async with at_cloud(pace=1, engine={**KEYS, "concurrency": 1}) as (service, engine):
        first = Listener(engine, written(LONG), how())
        await first.until_audio()
        second = Listener(engine, written(TEXT), how())
        await second.moved.wait()
        assert second.heard.places == [1]
        await first.stop()
        await second.until_audio()
        assert service.counters.sessions_most == 1
        await second.stop()
