"""Where one voice fails the next goes on: nothing is lost, nothing is said twice, and who spoke and why is told."""

from __future__ import annotations

import asyncio
import logging
from array import array
from collections.abc import AsyncIterator
from contextlib import aclosing
from itertools import pairwise
from math import tau

import pytest

from wyoming_server.channel import Channel
from wyoming_server.engines.tone import FAULTS
from wyoming_server.errors import BadSetting, EngineError, EngineTimeout, TextTimeout, Unspeakable
from wyoming_server.models import Mark, MarkKind, Notice, ReplyStart, TextFormat
from wyoming_server.synthesis.fallback.chain import TAKEN_OVER

from ...converters.cases import new_converter
from ...serving import until
from .troupe import Heard, Troupe, no_task_is_left, text_of, tone, voice_of

TEXT = "One sentence. And another one. And the last of all."
SENTENCES = ["One sentence.", "And another one.", "And the last of all."]


def fails(at: float = 0, code: str = "engine_unavailable", **script: object) -> dict[str, object]:
    return {"fail_at": at, "fail_with": code, **script}


def alone(text: str) -> float:
    """Seconds of it."""
    return sum(len(sentence) for sentence in SENTENCES) * 0.01


# Before the first audio


@pytest.mark.parametrize("code", sorted(TAKEN_OVER))
async def test_each_failure_that_another_voice_need_not_have_lets_the_next_one_speak(code: str) -> None:
    troupe = Troupe(tone("a", **fails(code=code)), tone("b", frequency=880))
    heard = await troupe.play(TEXT)
    assert heard.sentences == SENTENCES
    assert heard.seconds == pytest.approx(alone(TEXT), abs=0.001)
    assert [(notice.code, notice.voice) for notice in heard.notices] == [(code, "b")]
    assert no_task_is_left()


async def test_text_with_nothing_to_say_needs_nobody_else() -> None:
    troupe = Troupe(tone("a", **fails(code=Unspeakable.code)), tone("b"))
    heard = await troupe.play(TEXT)
    assert (heard.notices, heard.sentences) == ([], [])
    assert not any(heard.pcm)
    assert troupe.given("b") == []


async def test_what_is_wrong_with_the_request_is_told_before_anybody_speaks() -> None:
    troupe = Troupe(tone("a"), tone("b"))
    with pytest.raises(BadSetting):
        await troupe.play(TEXT, pitch=3)


async def test_the_writers_own_failure_is_no_voices() -> None:
    async def late() -> AsyncIterator[str]:
        yield "One sentence. "
        msg = "Nothing came."
        raise TextTimeout(msg)

    troupe = Troupe(tone("a"), tone("b"))
    with pytest.raises(TextTimeout):
        await troupe.hear(late(), troupe.request())
    assert troupe.given("b") == []
    assert no_task_is_left()


async def test_the_chain_goes_on_to_whoever_can_speak_and_tells_it_once(caplog: pytest.LogCaptureFixture) -> None:
    troupe = Troupe(tone("a", **fails(code="quota_exceeded")), tone("b", **fails(code="engine_timeout")), tone("c"))
    with caplog.at_level(logging.WARNING):
        heard = await troupe.play(TEXT)
    assert heard.sentences == SENTENCES
    (notice,) = heard.notices
    assert (notice.code, notice.voice) == ("quota_exceeded", "c")
    assert "The voice a failed" in notice.text
    assert "The voice b failed" in notice.text
    assert notice.text.endswith("The voice c speaks instead.")
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert (heard.progress.voice, heard.progress.engine, heard.progress.notice) == ("c", "c", notice)


async def test_where_everybody_fails_the_first_voices_error_is_told() -> None:
    troupe = Troupe(tone("a", **fails(code="quota_exceeded")), tone("b", **fails(code="engine_timeout")))
    with pytest.raises(FAULTS["quota_exceeded"], match="engine a"):
        await troupe.play(TEXT)
    assert no_task_is_left()


async def test_without_fallback_the_failure_is_told() -> None:
    troupe = Troupe(tone("a", **fails()), tone("b"))
    with pytest.raises(EngineError):
        await troupe.play(TEXT, fallback=False)
    assert troupe.given("b") == []


async def test_whoever_does_not_exist_is_passed_by() -> None:
    troupe = Troupe(tone("a", **fails()), tone("b"))
    troupe.lead = voice_of(troupe.engines["a"], fallback=("nobody", "a", "b"))
    heard = await troupe.play(TEXT)
    assert heard.sentences == SENTENCES
    assert troupe.tally("a")["started"] == 1


async def test_a_voice_without_consent_does_not_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    troupe = Troupe(tone("a", **fails()), tone("b"), tone("c"))
    monkeypatch.setattr(troupe.engines["b"], "needs_consent", lambda _voice: True)
    heard = await troupe.play(TEXT)
    assert heard.notices[0].voice == "c"
    assert troupe.given("b") == []


# After some sentences


@pytest.mark.parametrize("streaming", [False, True])
async def test_in_the_middle_of_a_sentence_the_next_voice_says_that_sentence_whole(streaming: bool) -> None:
    troupe = Troupe(tone("a", streaming_text=streaming, **fails(at=0.14)), tone("b", streaming_text=streaming))
    heard = await troupe.play("One sentence. ", "And another one. ", "And the last of all.")
    # the first sentence has 0.13 s
    assert [sentence.strip() for sentence in heard.sentences] == SENTENCES
    assert sum(troupe.given("b")) == pytest.approx(len("And another one. And the last of all."), abs=1)
    assert (heard.notices[0].code, heard.notices[0].voice) == ("engine_unavailable", "b")
    assert no_task_is_left()


async def test_all_that_was_heard_is_in_one_format_and_fades_where_it_breaks_off() -> None:
    troupe = Troupe(tone("a", rate=22_050, **fails(at=0.14)), tone("b", rate=16_000))
    heard = await troupe.play(TEXT)
    assert heard.format.rate == 22_050
    breaks = 0.13 + 0.14
    around = array("h", heard.pcm)[int((breaks - 0.01) * 22_050) : int((breaks + 0.1) * 22_050)]
    assert max(map(abs, around[:100])) > 16_000
    assert (
        max(abs(after - before) for before, after in pairwise(around)) < 16_383 * tau * 440 / 22_050 * 1.2
    )  # about as in a sine
    assert heard.seconds == pytest.approx(breaks + 0.16 + 0.2, abs=0.03)


async def test_marks_tell_the_place_in_the_whole_text_and_in_all_of_the_audio() -> None:
    troupe = Troupe(tone("a", **fails(at=0.14)), tone("b"))
    heard = await troupe.play(TEXT)
    marks = [event for event in heard.events if isinstance(event, Mark)]
    assert all(TEXT[mark.start : mark.end] == mark.text for mark in marks)
    assert [mark.time for mark in marks] == sorted(mark.time for mark in marks)
    assert marks[-1].time == pytest.approx(heard.seconds, abs=0.001)


async def test_a_failure_behind_the_last_sentence_is_nobodys_cue() -> None:
    text = "One sentence."
    troupe = Troupe(tone("a"), tone("b"))
    engine = troupe.engines["a"]
    speak = engine.speak

    async def fails_at_the_end(*args: object) -> AsyncIterator[object]:
        async with aclosing(speak(*args)) as events:  # type: ignore[arg-type]
            async for event in events:
                yield event
        raise EngineTimeout

    engine.speak = fails_at_the_end  # type: ignore[method-assign, assignment]
    heard = await troupe.play(text)
    assert (heard.sentences, heard.notices) == ([text], [])
    assert troupe.given("b") == []


async def test_after_audio_the_last_voices_error_is_told() -> None:
    troupe = Troupe(tone("a", **fails(at=0.14, code="quota_exceeded")), tone("b", **fails(code="engine_timeout")))
    with pytest.raises(EngineTimeout):
        await troupe.play(TEXT)


# What is still being written


async def test_the_rest_of_a_text_goes_to_the_next_voice_as_it_comes() -> None:
    troupe = Troupe(tone("a", **fails(at=0.14)), tone("b"))
    text: Channel[str] = Channel()
    text.push("One sentence. And another one. And ")
    heard = Heard()
    async with asyncio.timeout(5), aclosing(troupe.synthesizer.speak(troupe.request(), text, heard.progress)) as events:
        async for event in events:
            heard.events.append(event)
            if isinstance(event, Notice):
                text.push("the ")
                text.push("last of all.")
                text.end()
    assert heard.sentences == SENTENCES
    assert troupe.given("b") == [len(sentence) for sentence in SENTENCES[1:]]


async def test_a_next_voice_can_wait_for_text_that_has_not_come() -> None:
    troupe = Troupe(tone("a", streaming_text=True, **fails(at=0.02)), tone("b"))
    text: Channel[str] = Channel()
    text.push("One ")
    heard = asyncio.create_task(troupe.hear(text, troupe.request()))
    await until(lambda: troupe.tally("a")["failed"])
    text.push("sentence.")
    text.end()
    assert (await heard).sentences == ["One sentence."]


# What it is asked


async def test_what_a_fallback_does_not_take_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    troupe = Troupe(tone("a", **fails()), tone("b"))
    monkeypatch.setattr(type(troupe.engines["a"]), "extra_names", lambda self: frozenset({"frequency", "piece"}))
    heard = await troupe.play(TEXT, speed=2, volume=100)
    assert heard.seconds == pytest.approx(alone(TEXT) / 2, rel=0.2)
    assert max(array("h", heard.pcm)) > 20_000


async def test_the_converter_is_the_fallbacks_own() -> None:
    converter = new_converter("gain")
    troupe = Troupe(tone("a", **fails()), tone("b"), converters=[converter])
    heard = await troupe.play(TEXT, converter="gain/same")
    assert heard.progress.converter == ""
    assert heard.sentences == SENTENCES


async def test_markup_is_read_by_whoever_can_and_stripped_for_whoever_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    troupe = Troupe(tone("a", **fails()), tone("b"))
    ssml = "<speak><p>One sentence.</p><break/> Fish &amp; chips.</speak>"
    monkeypatch.setattr(troupe.engines["a"], "check_request", lambda *_args: None)
    request = troupe.synthesizer.request(troupe.lead, {}, text_format=TextFormat.SSML)
    heard = await troupe.hear(text_of([ssml[:10], ssml[10:45], ssml[45:]]), request)
    assert heard.sentences == ["One sentence.", "Fish & chips."]


async def test_markdown_is_not_read_by_a_fallback_that_reads_none() -> None:
    troupe = Troupe(tone("a", **fails()), tone("b"), speakable_text=False)
    heard = await troupe.play("**One** sentence.")
    assert heard.sentences == ["One sentence."]


@pytest.mark.parametrize(("speakable", "sentence"), [(False, "**One** sentence."), (True, "One sentence.")])
async def test_whether_markdown_is_read_is_the_calls_choice_whoever_speaks(speakable: bool, sentence: str) -> None:
    for lead in (False, True):
        troupe = Troupe(tone("a", **fails()), tone("b"), speakable_text=lead)
        heard = await troupe.play("**One** sentence.", speakable_text=speakable)
        assert heard.sentences == [sentence]


# What is learned, leased and left


async def test_nothing_is_learned_of_a_reply_that_another_voice_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    learned: list[str] = []
    monkeypatch.setattr("wyoming_server.synthesis.loudness.LoudnessStore.learn", lambda _self, name, *_: learned.append(name))
    for engine in (first := tone("a", **fails(at=0.14)), second := tone("b")):
        able = engine.capabilities
        monkeypatch.setattr(type(engine), "capabilities", type(able)(speech=True))
    troupe = Troupe(first, second)
    await troupe.play(TEXT)
    assert learned == ["b/tone"]


async def test_every_engine_of_the_chain_is_leased_while_it_speaks_and_free_afterwards() -> None:
    troupe = Troupe(tone("a", **fails()), tone("b", stall_at=0.05))
    entries = troupe.roster._entries  # noqa: SLF001
    events = troupe.synthesizer.speak(troupe.request(), text_of([TEXT]))
    async for event in events:
        if isinstance(event, bytes):
            break
    assert (entries["a"].leases, entries["b"].leases) == (0, 1)
    await events.aclose()
    assert (entries["a"].leases, entries["b"].leases) == (0, 0)


@pytest.mark.parametrize("after", range(1, 12))
async def test_an_interrupt_at_any_step_closes_every_upstream_before_it_returns(after: int) -> None:
    troupe = Troupe(tone("a", **fails(at=0.14)), tone("b", stall_at=0.1))
    events = troupe.synthesizer.speak(troupe.request(), text_of([TEXT]))
    for _ in range(after):
        await anext(events)
    await events.aclose()
    for name in troupe.engines:
        tally = troupe.tally(name)
        assert tally["started"] == tally["finished"] + tally["cancelled"] + tally["failed"]
    assert no_task_is_left()


@pytest.mark.parametrize("turns", range(0, 60, 3))
async def test_a_cancelled_listener_leaves_nobody_behind(turns: int) -> None:
    troupe = Troupe(tone("a", delay=0.002, **fails()), tone("b", delay=0.002, stall_at=0.1))
    listening = asyncio.create_task(troupe.play(*TEXT.split(" ")))
    for _ in range(turns):
        await asyncio.sleep(0)
    listening.cancel()
    await asyncio.wait([listening])
    for name in troupe.engines:
        tally = troupe.tally(name)
        assert tally["started"] == tally["finished"] + tally["cancelled"] + tally["failed"]
    assert no_task_is_left()


async def test_the_first_event_is_early_and_says_the_format_of_the_first_voice() -> None:
    troupe = Troupe(tone("a", rate=22_050, stall_at=0), tone("b", rate=16_000))
    events = troupe.synthesizer.speak(troupe.request(), text_of([TEXT]))
    start = await anext(events)
    assert isinstance(start, ReplyStart)
    assert (start.voice.name, start.format.rate) == ("a", 22_050)
    await events.aclose()


async def test_no_mark_of_a_voice_that_was_not_heard_is_told() -> None:
    troupe = Troupe(tone("a", **fails()), tone("b"))
    heard = await troupe.play(TEXT)
    starts = [event.text for event in heard.events if isinstance(event, Mark) and event.kind is MarkKind.SENTENCE_START]
    assert starts == SENTENCES
