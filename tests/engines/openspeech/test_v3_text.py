"""API v3: text goes up as it comes, never far ahead of what is heard, and speech has no gaps for it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from wyoming_server.engines import fragments
from wyoming_server.engines.openspeech import replies
from wyoming_server.errors import EngineTimeout
from wyoming_server.models import MarkKind

from ...simulators.openspeech import OpenSpeechSimulator
from ...simulators.speech.audio import SECONDS_A_CHARACTER
from ...writing import Writer, written
from .hearing import CHINESE, ENGLISH, LONG, Heard, Listener, hear, how, order, sessions, speaking, texts
from .speaking import pcm

pytestmark = pytest.mark.usefixtures("nothing_is_left")

RATE = 24_000
ENDLESS = "我们今天要去公园散步……"
"""A sentence for Herald, but not for the simulator, which waits for more."""
SLACK = 0.15
"""Seconds that this machine may be late."""


def characters(*parts: str) -> int:
    return sum(map(len, parts))


# As it comes


async def test_text_is_sent_and_spoken_before_its_writer_has_finished() -> None:
    async with speaking() as (service, engine):
        writer = Writer("The kettle ")
        listener = Listener(engine, writer)
        await service.saw("text")
        writer.write("is boiling. ", "And")
        await listener.until_audio()
        await service.saw("text", 3)
        assert texts(service) == ["The kettle ", "is boiling. ", "And"]
        writer.write(" so on.")
        writer.end()
        heard = await listener.end()
        assert sessions(service) == ["The kettle is boiling. And so on."]
        assert heard.audio == pcm("The kettle is boiling.") + pcm(" And so on.")


async def test_a_long_sentence_in_single_characters_is_not_held_back_in_its_middle() -> None:
    sentence = "今天的天气真的很好很好" * 10 + "。"
    async with speaking(engine={"first_audio_timeout": 2}) as (service, engine):
        heard = await hear(engine, *sentence)
        assert heard.audio == pcm(sentence)
        assert sessions(service) == [sentence]


async def test_a_sentence_without_an_end_is_spoken_bit_by_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replies, "LOOK_AHEAD", 60.0)
    words = "no full stop " * 30
    async with speaking() as (service, engine):
        heard = await hear(engine, *[f"{word} " for word in words.split()])
        assert "".join(sessions(service)) == words
        assert len(heard.audio) == pytest.approx(len(pcm(words)), rel=0.02)


async def test_nothing_that_cannot_be_spoken_opens_a_session() -> None:
    async with speaking() as (service, engine):
        writer = Writer(*["… "] * 1000)
        listener = Listener(engine, writer)
        await service.saw("connected")
        writer.end()
        assert (await listener.end()).audio == b""
        assert not service.all("session")


# Held back


async def first_audio_and_stop(service: OpenSpeechSimulator, listener: Listener) -> None:
    await listener.until_audio()
    await listener.stop()
    await service.saw("cancelled")


@pytest.mark.parametrize(
    "parts", [[LONG], LONG.split(" "), [CHINESE * 250], list(CHINESE * 250)], ids=["en", "words", "zh", "字"]
)
async def test_an_interrupt_finds_little_paid_work(parts: list[str]) -> None:
    parts = [part + " " if len(part) < 20 and part.isascii() else part for part in parts]
    guess = fragments.seconds("".join(parts)) / characters(*parts)
    async with speaking() as (service, engine):
        listener = Listener(engine, written(*parts))
        await first_audio_and_stop(service, listener)
        spoken = service.counters.characters
        in_hand = (fragments.UNSPOKEN + fragments.PIECE_SECONDS) / guess + len(max(ENGLISH.split(". "), CHINESE, key=len))
        assert sum(map(len, texts(service))) - spoken < in_hand
        assert spoken < in_hand + 5 / SECONDS_A_CHARACTER
        sent = texts(service)
        await hear(engine, "Hello.")
        assert service.counters.characters == spoken + len("Hello.")
        assert texts(service) == [*sent, "Hello."]


async def test_nothing_is_spoken_beyond_the_look_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replies, "LOOK_AHEAD", 2.0)
    async with speaking() as (service, engine):
        listener = Listener(engine, written(LONG))
        await listener.until_audio()
        await asyncio.sleep(0.5)
        at_most = 2.0 + 0.5 + fragments.UNSPOKEN + fragments.PIECE_SECONDS * 2
        assert 2.0 < service.counters.characters * SECONDS_A_CHARACTER < at_most
        await listener.stop()


# No gap and no dead end, whatever the service does


def gaps(heard: Heard) -> list[float]:
    """Seconds of silence that a listener in real time hears, where it hears any."""
    return [-spare for spare in heard.spare(RATE) if spare < -SLACK]


async def gaps_at(text: str, telling: Any) -> list[float]:
    async with speaking(pace=2, telling=telling) as (_, engine):
        heard = await hear(engine, text)
        assert len(heard.audio) == pytest.approx(len(pcm(text)), rel=0.02)
        return gaps(heard)


def shouted(text: str) -> str:
    return text.upper() * 2


@pytest.mark.parametrize("wrong", [1, 1 / 3], ids=["right or too high", "too low"])
async def test_speech_at_twice_real_time_never_waits_for_text_that_is_held_back(
    wrong: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The simulator speaks Chinese nearly four times as fast as is guessed."""
    monkeypatch.setattr(fragments, "UNSPOKEN", 2.0)
    monkeypatch.setattr(fragments, "QUIET", 0.4)
    monkeypatch.setattr(fragments, "NARROW_SECONDS", fragments.NARROW_SECONDS * wrong)
    services = [(text, telling) for text in (ENGLISH * 2, CHINESE * 6) for telling in (str, None, shouted)]
    assert await asyncio.gather(*(gaps_at(*service) for service in services)) == [[]] * len(services)


@pytest.mark.parametrize("telling", [str, None], ids=["told", "not told"])
async def test_a_service_that_speaks_only_at_the_end_is_brought_to_one(telling: Any) -> None:
    text = ENDLESS * 12
    async with speaking(telling=telling, engine={"first_audio_timeout": 2}) as (service, engine):
        heard = await hear(engine, text)
        assert "".join(sessions(service)) == text
        assert heard.audio == b"".join(map(pcm, sessions(service)))
        assert "".join(heard.texts()) == text
        # 2.6 s each, by the guess, until it was corrected
        assert sessions(service)[0].count("我们") == 3


async def test_a_service_that_never_speaks_gets_little_text_and_little_time() -> None:
    async with speaking(delay=60, engine={"first_audio_timeout": 1.5}) as (service, engine):
        with pytest.raises(EngineTimeout, match=r"sent no audio within 1\.5 s"):
            await hear(engine, LONG)
        assert sum(map(len, texts(service))) < 200


# Several sessions


async def test_what_was_written_before_a_pause_is_spoken() -> None:
    async with speaking() as (service, engine):
        writer = Writer("Let me look", "")
        listener = Listener(engine, writer)
        await service.saw("finished")
        writer.write("", "Here it is. ", "", "", "And more.", "")
        writer.end()
        heard = await listener.end()
        assert sessions(service) == ["Let me look", "Here it is. ", "And more."]
        assert service.counters.connections_ever == 1
        assert heard.audio == pcm("Let me look") + pcm("Here it is.") + pcm("And more.")


async def test_marks_count_from_the_start_of_the_reply_in_every_session() -> None:
    parts = ["  Let me look", "", "Here it is. Good. ", "", "— ", "", "And more."]
    text = "".join(parts)
    async with speaking(engine={}) as (_, engine):
        heard = await hear(engine, *parts, utterance=how(timestamps=True))
        starts = [mark for mark in heard.marks if mark.kind is MarkKind.SENTENCE_START]
        assert [mark.text for mark in starts] == ["Let me look", "Here it is.", "Good.", "— And more."]
        assert all(text[mark.start : mark.end] == mark.text for mark in heard.marks)
        lengths = [len(text) * SECONDS_A_CHARACTER for text in ("  Let me look", "Here it is.", " Good.")]
        assert [mark.time for mark in starts] == pytest.approx([0, lengths[0], sum(lengths[:2]), sum(lengths)], abs=0.001)
        words = [mark for mark in heard.marks if mark.kind is MarkKind.WORD]
        assert [mark.text for mark in words] == "Let me look Here it is Good And more".split()
        assert [mark.time for mark in heard.marks] == sorted(mark.time for mark in heard.marks)
        assert words[-1].time == pytest.approx(sum(lengths) + len("— And ") * SECONDS_A_CHARACTER, abs=0.01)


# Turns


async def test_two_long_replies_speak_by_turns_between_sentences() -> None:
    text = ENGLISH * 3
    async with speaking(pace=20, engine={"concurrency": 1}) as (service, engine):
        first = Listener(engine, written(text))
        await first.until_audio()
        second = Listener(engine, written(text))
        heard = await asyncio.gather(first.end(), second.end())
        assert service.counters.sessions_most == 1
        assert service.counters.sessions_ever > 4
        assert not service.all("refused")
        for one in heard:
            assert one.texts() == [sentence + "." for sentence in text.rstrip(". ").split(". ")]
            assert 1 in one.places
            assert set(one.places) == {1}
            assert gaps(one) == []


async def test_a_reply_that_is_far_ahead_gives_its_turn_away_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replies, "LOOK_AHEAD", 1.0)
    async with speaking(engine={"concurrency": 1, "first_audio_timeout": 0.5}) as (service, engine):
        first = Listener(engine, written(LONG))
        await first.until_audio()
        await service.saw("text", 3)
        second = await asyncio.wait_for(hear(engine, "Hello."), 5)
        assert second.audio == pcm("Hello.")
        assert second.places == [1]
        assert order(service, "cancelled") == []
        await first.stop()


async def test_a_reply_whose_writer_is_slow_gives_its_turn_away_between_sentences() -> None:
    async with speaking(engine={"concurrency": 1}) as (_, engine):
        writer = Writer("Let me look. ")
        first = Listener(engine, writer)
        await first.until_audio()
        assert (await asyncio.wait_for(hear(engine, "Hello."), 5)).audio == pcm("Hello.")
        writer.write("Here it is.")
        writer.end()
        assert (await first.end()).texts() == ["Let me look.", "Here it is."]


async def test_a_writer_who_stops_mid_sentence_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fragments, "STALLED", 0.1)
    async with speaking(engine={"concurrency": 1}) as (service, engine):
        writer = Writer("Let me look that")
        first = Listener(engine, writer)
        await service.saw("text")
        assert (await hear(engine, "Hello.")).audio == pcm("Hello.")
        writer.write(" up.")
        writer.end()
        assert (await first.end()).audio == pcm("Let me look that") + pcm(" up.")
        assert sessions(service) == ["Let me look that", "Hello.", " up."]


async def test_a_writer_who_stops_mid_sentence_may_go_on_if_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fragments, "STALLED", 0.1)
    monkeypatch.setattr(fragments, "STEP", 0.05)
    async with speaking(engine={"concurrency": 1}) as (service, engine):
        writer = Writer("Let me look that")
        listener = Listener(engine, writer)
        await service.saw("text")
        await asyncio.sleep(0.25)
        writer.write(" up.")
        writer.end()
        assert (await listener.end()).audio == pcm("Let me look that up.")
