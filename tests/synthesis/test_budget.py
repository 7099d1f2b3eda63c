"""What an engine may take: refused before it starts or ended between sentences, counted by what it took, warned of in time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_server.channel import Channel
from wyoming_server.config import EngineConfig
from wyoming_server.errors import EngineError, EngineTimeout, EngineUnavailable, QuotaExceeded, TextTooLong
from wyoming_server.models import PAUSE, SynthesisRequest, TextFormat, Voice
from wyoming_server.state.calendar import Calendar, Period
from wyoming_server.state.counters import LocalCounters
from wyoming_server.synthesis.budget import NEAR, UNTAKEN, Budget
from wyoming_server.synthesis.making import Begun, SourceEvent, Took
from wyoming_server.synthesis.spending import Spending

VOICE = Voice(name="a", engine="a", engine_voice="a", languages=("en",))
REQUEST = SynthesisRequest(voice=VOICE)
SENTENCE = "This sentence has forty characters here."
"""With a space behind it one of 41."""


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 30, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Taker:
    """Takes every fragment, and says it as it is. Its text is not read on before somebody wants what is said."""

    def __init__(self) -> None:
        self.taken = ""
        self.fails_at = 1_000_000
        self.refuses: type[EngineError] | None = None
        self.sounds_first = False
        self.begins: Begun | None = None
        self.gate: asyncio.Event | None = None
        self.waits = asyncio.Event()
        self.closed = 0

    async def events(self, request: SynthesisRequest, text: AsyncIterable[str], took: Took) -> AsyncGenerator[SourceEvent, None]:
        try:
            if self.begins is not None:
                yield self.begins
            async for fragment in text:
                took(len(fragment))
                self.taken += fragment
                if self.sounds_first:
                    yield b"sound"
                if self.refuses is not None:
                    raise self.refuses
                if self.gate is not None:
                    self.waits.set()
                    await self.gate.wait()
                if len(self.taken) > self.fails_at:
                    raise EngineError
                yield fragment.encode()
        finally:
            self.closed += 1


class Scene:
    """A budget, and what it is about."""

    def __init__(self, *, per_day: int | None = None, per_month: int | None = None, max_text: int | None = None) -> None:
        self.clock, self.taker = Clock(), Taker()
        config = EngineConfig(
            name="a", type="tone", characters_per_day=per_day, characters_per_month=per_month, max_text=max_text
        )
        self.spending = Spending(LocalCounters(Calendar(self.clock, UTC)), {"a": config})
        self.budget = Budget(self.taker, self.spending)
        self.warned: list[str] = []
        self.spending.on_warned = self.warned.append

    def events(self, text: AsyncIterable[str], request: SynthesisRequest = REQUEST) -> AsyncGenerator[SourceEvent, None]:
        return self.budget.events(request, text, lambda _: None)

    async def say(self, *fragments: str, request: SynthesisRequest = REQUEST) -> str:
        """A text that is whole before it begins."""
        return "".join([event.decode() async for event in self.events(whole(fragments), request) if isinstance(event, bytes)])

    async def write(self, *fragments: str, request: SynthesisRequest = REQUEST) -> str:
        """One that is still being written. What was said before it failed is in the taker."""
        return "".join([event.decode() async for event in self.events(written(fragments), request) if isinstance(event, bytes)])

    def used(self, period: Period = Period.DAY) -> int:
        return self.spending.counters.used("a", period)


def subclasses(error: type[EngineError]) -> list[type[EngineError]]:
    return [error, *(found for child in error.__subclasses__() for found in subclasses(child))]


def whole(fragments: Iterable[str]) -> Channel[str]:
    text: Channel[str] = Channel()
    for fragment in fragments:
        text.push(fragment)
    text.end()
    return text


async def written(fragments: Iterable[str]) -> AsyncGenerator[str, None]:
    for fragment in fragments:
        await asyncio.sleep(0.001)  # a writer takes his time
        yield fragment


async def test_without_a_limit_all_is_counted_and_nothing_held_back() -> None:
    scene = Scene()
    assert await scene.write("One", " two") == "One two"
    assert scene.used() == 7


async def test_a_text_that_does_not_fit_is_refused_before_it_starts_with_all_numbers() -> None:
    scene = Scene(per_day=100)
    await scene.say("x" * 70)
    with pytest.raises(QuotaExceeded) as caught:
        await scene.say("y" * 31)
    assert str(caught.value) == (
        "The engine a has taken 70 of the 100 characters that it may take a day (characters_per_day); "
        "the count begins anew at 2026-12-01 00:00+00:00. 31 more do not fit. "
        "A higher limit in herald.yaml holds as soon as that is reloaded."
    )
    assert scene.taker.closed == 1
    assert await scene.say("z" * 30)
    assert scene.used() == 100


async def test_what_only_an_eye_can_use_does_not_count_against_a_text() -> None:
    scene = Scene(per_day=10)
    await scene.say("**ten chars**")


async def test_after_the_periods_end_it_may_take_again() -> None:
    scene = Scene(per_day=10, per_month=15)
    await scene.say("x" * 10)
    with pytest.raises(QuotaExceeded, match="per_day"):
        await scene.write("y")
    scene.clock.now += timedelta(days=1)
    assert await scene.say("x" * 10)
    scene.clock.now += timedelta(days=1)
    with pytest.raises(QuotaExceeded, match=r"10 of the 15 characters that it may take a month.*2027-01-01 00:00"):
        await scene.say("x" * 10)


async def test_a_clock_that_is_set_back_does_not_give_the_day_again() -> None:
    scene = Scene(per_day=10)
    await scene.say("x" * 10)
    scene.clock.now -= timedelta(days=1)
    await scene.say("x" * 10)
    scene.clock.now += timedelta(days=1)
    with pytest.raises(QuotaExceeded):
        await scene.say("x")


async def test_a_text_that_is_still_written_ends_behind_the_last_sentence_that_fits() -> None:
    scene = Scene(per_day=100)
    with pytest.raises(QuotaExceeded, match=r"81 of the 100.*41 more do not fit"):
        await scene.write(*(f"{word} " for word in f"{SENTENCE} {SENTENCE} {SENTENCE} {SENTENCE}".split()))
    assert scene.taker.taken.strip() == f"{SENTENCE} {SENTENCE}"
    assert scene.taker.closed == 1


async def test_a_sentence_that_was_begun_far_from_the_limit_is_ended() -> None:
    begun, end = "word " * 50, "and so it ends."
    scene = Scene(per_day=NEAR + 260)
    with pytest.raises(QuotaExceeded):
        await scene.write(begun, "more ", end, " ", *[f"{SENTENCE} "] * 20)
    assert scene.taker.taken.startswith(f"{begun}more {end}")
    assert scene.taker.taken.strip().endswith(SENTENCE)


async def test_what_the_writer_pauses_behind_is_spoken_though_it_is_no_sentence() -> None:
    scene = Scene(per_day=100)
    assert await scene.write("Let me see", PAUSE, ", yes.") == "Let me see, yes."


@given(st.lists(st.sampled_from([SENTENCE, " ", "a", "你好。", "word ", PAUSE, "\n", "?! "]), max_size=40))
async def test_near_the_limit_nothing_of_the_text_is_lost(fragments: list[str]) -> None:
    scene = Scene(per_day=NEAR)
    expected = "".join(fragments)
    if len(expected) <= NEAR:
        assert await scene.write(*fragments) == expected
    else:
        with pytest.raises(QuotaExceeded):
            await scene.write(*fragments)
        assert expected.startswith(scene.taker.taken)
        assert len(scene.taker.taken) <= NEAR


async def test_ssml_that_is_still_written_is_refused_rather_than_cut() -> None:
    scene, request = Scene(per_day=20), SynthesisRequest(voice=VOICE, text_format=TextFormat.SSML)
    with pytest.raises(QuotaExceeded):
        await scene.write("<speak>One. ", "Two. Three.</speak>", request=request)


async def test_replies_at_the_same_moment_share_what_is_left() -> None:
    scene = Scene(per_day=100)
    async with aclosing(scene.events(whole(["x" * 30, "x" * 30]))) as first:
        await anext(first)
        with pytest.raises(QuotaExceeded, match=r"30 of the 100.*; 30 more are promised\. 41 more"):
            await scene.say("y" * 41)
        await scene.say("y" * 40)
        assert len([event async for event in first]) == 1
    assert scene.used() == 100


async def test_what_an_interrupted_or_failed_reply_took_counts_and_what_it_did_not_take_is_free_again() -> None:
    scene = Scene(per_day=100)
    async with aclosing(scene.events(whole(["x" * 30, "x" * 50]))) as first:
        await anext(first)
    assert scene.used() == 30
    scene.taker.fails_at = 40
    with pytest.raises(EngineError):
        await scene.say("x" * 20)
    assert scene.used() == 50
    scene.taker.fails_at = 1_000
    assert await scene.say("x" * 50)


@pytest.mark.parametrize("code", sorted(UNTAKEN))
async def test_what_its_service_refuses_before_a_sound_does_not_count(code: str) -> None:
    scene = Scene(per_day=100)
    scene.taker.refuses = next(error for error in subclasses(EngineError) if error.code == code)
    for _ in range(3):
        with pytest.raises(EngineError):
            await scene.say("x" * 60)
    assert scene.used() == 0


async def test_what_is_taken_in_silence_counts_at_the_end_and_is_not_free_before() -> None:
    scene = Scene(per_day=100)
    scene.taker.refuses = EngineTimeout
    with pytest.raises(EngineTimeout):
        await scene.say("x" * 60)
    assert scene.used() == 60
    scene.taker.refuses, scene.taker.gate = None, asyncio.Event()
    silent = asyncio.create_task(scene.say("x" * 30))
    await scene.taker.waits.wait()
    assert scene.used() == 60
    with pytest.raises(QuotaExceeded, match=r"30 more are promised\. 11 more"):
        await scene.say("y" * 11)
    silent.cancel()
    await asyncio.wait([silent])
    assert scene.used() == 90


async def test_what_fails_after_a_sound_counts_whatever_it_fails_with() -> None:
    scene = Scene(per_day=100)
    scene.taker.refuses = EngineUnavailable
    with pytest.raises(EngineUnavailable):
        await scene.say("x" * 10, "y" * 20)
    assert scene.used() == 0
    scene.taker.sounds_first = True
    with pytest.raises(EngineUnavailable):
        await scene.say("x" * 10, "y" * 20)
    assert scene.used() == 10


async def test_what_a_converter_lost_was_taken_all_the_same() -> None:
    scene = Scene(per_day=100)
    scene.taker.begins = Begun(source=cast("Any", None), conversion=cast("Any", SimpleNamespace(failed=True)), request=REQUEST)
    scene.taker.refuses = EngineUnavailable
    with pytest.raises(EngineUnavailable):
        await scene.say("x" * 10)
    assert scene.used() == 10


async def test_at_four_fifths_it_is_said_once_a_period(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    scene = Scene(per_day=100, per_month=1_000)
    await scene.say("x" * 79)
    assert (scene.warned, scene.spending.warning("a")) == ([], "")
    for _ in range(3):
        await scene.say("x")
    words = "The engine a has taken 80 of the 100 characters that it may take a day (characters_per_day)"
    assert caplog.messages == [f"{words}; the count begins anew at 2026-12-01 00:00+00:00"]
    assert scene.warned == ["a"]
    assert "82 of the 100" in scene.spending.warning("a")
    scene.clock.now += timedelta(days=1)
    assert scene.spending.warning("a") == ""
    await scene.say("x" * 80)
    assert scene.warned == ["a", "a"]


async def test_a_limit_that_is_raised_is_warned_of_anew() -> None:
    scene = Scene(per_day=100)
    await scene.say("x" * 80)
    scene.spending.limits = {"a": EngineConfig(name="a", type="tone", characters_per_day=200)}
    await scene.say("x" * 79)
    assert scene.warned == ["a"]
    await scene.say("x")
    assert scene.warned == ["a", "a"]


async def test_who_is_refused_is_told_of() -> None:
    scene = Scene(per_day=10)
    refused: list[tuple[str, str]] = []
    scene.spending.on_refused = lambda engine, error: refused.append((engine, error.code))
    with pytest.raises(QuotaExceeded):
        await scene.say("x" * 11)
    assert refused == [("a", "quota_exceeded")]


async def test_a_text_that_is_too_long_for_its_engine_is_refused_with_both_numbers() -> None:
    scene = Scene(max_text=10)
    with pytest.raises(TextTooLong, match=r"The text has 11 characters; the engine a takes 10 at once \(max_text\)\."):
        await scene.say("x" * 11)
    assert await scene.say("x" * 10)
    assert scene.taker.closed == 1


async def test_a_text_that_is_still_written_is_too_long_as_soon_as_it_is() -> None:
    scene = Scene(max_text=10)
    with pytest.raises(TextTooLong, match=r"The text has 12 characters so far; the engine a takes 10 at once"):
        await scene.write("x" * 6, "y" * 6)
    assert scene.taker.taken == "x" * 6
    assert scene.taker.closed == 1


async def test_limits_may_change_while_somebody_speaks() -> None:
    scene = Scene(per_day=10)
    scene.spending.limits = {}
    assert await scene.say("x" * 11)
