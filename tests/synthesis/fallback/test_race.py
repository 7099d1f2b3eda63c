"""Two voices at once: whoever is heard first speaks, the other one is cancelled, and neither is heard twice."""

from __future__ import annotations

import asyncio

import pytest

from wyoming_server.channel import Channel
from wyoming_server.errors import QuotaExceeded

from .troupe import Troupe, no_task_is_left, text_of, tone

TEXT = "One sentence. And another one."
SENTENCES = ["One sentence.", "And another one."]
SOON = 0.02
"""Seconds."""


def is_over(troupe: Troupe) -> bool:
    """Nobody still speaks."""
    tallies = [troupe.tally(name) for name in troupe.engines]
    return all(tally["started"] == tally["finished"] + tally["cancelled"] + tally["failed"] for tally in tallies)


async def test_where_the_first_is_late_the_second_speaks_and_the_first_is_cancelled() -> None:
    troupe = Troupe(tone("a", stall_at=0), tone("b"), hedge=SOON)
    heard = await troupe.play(TEXT)
    assert heard.sentences == SENTENCES
    assert [(notice.code, notice.voice) for notice in heard.notices] == [("engine_timeout", "b")]
    assert troupe.tally("a") == {"started": 1, "cancelled": 1}
    assert troupe.tally("b") == {"started": 2, "finished": 2}
    assert {name: part.characters > 0 for name, part in heard.progress.parts.items()} == {"a": True, "b": True}
    assert heard.progress.characters == sum(part.characters for part in heard.progress.parts.values())
    assert (heard.progress.parts["a"].audio_seconds, heard.progress.parts["b"].audio_seconds) == (0, heard.progress.audio_seconds)
    assert no_task_is_left()


async def test_where_the_first_is_not_late_the_second_is_never_asked() -> None:
    troupe = Troupe(tone("a"), tone("b"), hedge=5)
    heard = await troupe.play(TEXT)
    assert (heard.sentences, heard.notices, troupe.given("b")) == (SENTENCES, [], [])
    assert no_task_is_left()


async def test_where_the_first_is_heard_after_all_the_second_is_cancelled() -> None:
    troupe = Troupe(tone("a", delay=4 * SOON), tone("b", stall_at=0), hedge=SOON)
    heard = await troupe.play(TEXT)
    assert (heard.sentences, heard.notices) == (SENTENCES, [])
    assert troupe.tally("b") == {"started": 1, "cancelled": 1}
    assert no_task_is_left()


async def test_where_the_first_fails_before_it_is_late_the_second_speaks_at_once() -> None:
    troupe = Troupe(tone("a", fail_at=0, fail_with="quota_exceeded"), tone("b"), hedge=5)
    heard = await troupe.play(TEXT)
    assert heard.sentences == SENTENCES
    assert [notice.code for notice in heard.notices] == ["quota_exceeded"]


async def test_where_the_first_fails_while_both_are_asked_its_failure_is_told() -> None:
    troupe = Troupe(tone("a", delay=2 * SOON, fail_at=0, fail_with="quota_exceeded"), tone("b", delay=3 * SOON), hedge=SOON)
    heard = await troupe.play(TEXT)
    assert heard.sentences == SENTENCES
    assert [(notice.code, notice.voice) for notice in heard.notices] == [("quota_exceeded", "b")]
    assert troupe.tally("b")["started"] == len(SENTENCES)


async def test_where_the_second_fails_the_first_is_still_waited_for() -> None:
    troupe = Troupe(tone("a", delay=4 * SOON), tone("b", fail_at=0), hedge=SOON)
    heard = await troupe.play(TEXT)
    assert (heard.sentences, heard.notices) == (SENTENCES, [])


async def test_where_both_fail_the_third_speaks() -> None:
    first = tone("a", delay=2 * SOON, fail_at=0, fail_with="quota_exceeded")
    troupe = Troupe(first, tone("b", fail_at=0), tone("c"), hedge=SOON)
    heard = await troupe.play(TEXT)
    assert heard.sentences == SENTENCES
    assert [(notice.code, notice.voice) for notice in heard.notices] == [("quota_exceeded", "c")]
    assert no_task_is_left()


async def test_where_all_fail_the_firsts_failure_is_told() -> None:
    troupe = Troupe(tone("a", delay=2 * SOON, fail_at=0, fail_with="quota_exceeded"), tone("b", fail_at=0), hedge=SOON)
    with pytest.raises(QuotaExceeded):
        await troupe.play(TEXT)
    assert no_task_is_left()


async def test_a_winner_that_breaks_off_is_followed_by_the_one_that_was_spared() -> None:
    troupe = Troupe(tone("a", delay=3 * SOON, fail_at=0.14), tone("b", delay=5 * SOON), hedge=SOON)
    heard = await troupe.play(TEXT)
    assert heard.sentences == SENTENCES
    assert heard.notices[-1].voice == "b"
    assert no_task_is_left()


async def test_text_that_has_not_come_is_not_the_engines_delay() -> None:
    troupe = Troupe(tone("a"), tone("b"), hedge=SOON)
    text: Channel[str] = Channel()
    listening = asyncio.create_task(troupe.hear(text, troupe.request()))
    text.push("One sen")
    await asyncio.sleep(3 * SOON)
    assert troupe.given("b") == []
    text.push("tence.")
    text.end()
    assert (await listening).notices == []
    assert troupe.given("b") == []


async def test_with_nobody_else_to_ask_the_first_is_waited_for() -> None:
    troupe = Troupe(tone("a", delay=3 * SOON), tone("b"), hedge=SOON)
    del troupe.voices["b"]
    heard = await troupe.play(TEXT)
    assert (heard.sentences, heard.notices) == (SENTENCES, [])


@pytest.mark.parametrize("seconds", [0, 0.5 * SOON, 1.5 * SOON, 2.5 * SOON, 3.5 * SOON])
async def test_an_interrupt_at_any_moment_ends_both(seconds: float) -> None:
    troupe = Troupe(tone("a", delay=2 * SOON, stall_at=0.01), tone("b", delay=2 * SOON, stall_at=0.01), hedge=SOON)
    listening = asyncio.create_task(troupe.hear(text_of([TEXT]), troupe.request()))
    await asyncio.sleep(seconds)
    listening.cancel()
    await asyncio.wait([listening])
    assert is_over(troupe)
    assert no_task_is_left()
