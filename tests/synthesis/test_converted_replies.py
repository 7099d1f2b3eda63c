"""Whole replies in another speaker's voice: one format, one conversion, both upstreams told of an end, no click anywhere."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wyoming_server.converters.base import Converter
from wyoming_server.errors import CredentialsRefused, EngineError, EngineUnavailable
from wyoming_server.models import AudioFormat, Mark, MarkKind, Notice, ReplyStart, Waiting
from wyoming_server.roster import Roster
from wyoming_server.synthesis import ReplyEvent, Synthesizer
from wyoming_server.synthesis.loudness import LoudnessStore

from ..audio import quality
from ..converters.cases import new_converter
from ..serving import until
from ..simulators.sami import Account, Fault, simulator
from .converting import ENGINE, TEN, pcm, start, text_of, tone, upstreams
from .test_synthesis import VOICE, Player

pytestmark = pytest.mark.usefixtures("nothing_is_left")

HELD = 0.006
"""Seconds that the resamplers before and behind a converter hold back at most."""
WHOLE_PERIODS = {"per_character": 0.05}
"""Of the tone: sentences of 20 characters last a second, so that the sine goes on over their borders as if there were none."""
SENTENCES = "This is one of four. " * 4
SPEAKER = "sami/zh_female_qingxin_stream"


def sami(url: str) -> Converter:
    return new_converter("sami", url=url, appkey="sami-appkey", token="sami-token")


# One format, one conversion


async def test_the_same_voice_is_the_same_reply() -> None:
    async with upstreams() as up:
        plain = await up.heard("One sentence. Another.", converter="none")
        converted = await up.heard("One sentence. Another.")
    assert start(plain).voice.converter is None
    assert [event for event in converted if not isinstance(event, ReplyStart | bytes)] == [
        event for event in plain if not isinstance(event, ReplyStart | bytes)
    ]
    assert pcm(converted) == pcm(plain)


@pytest.mark.parametrize("gain", [{}, {"rate": 16_000}, {"rate": 48_000, "channels": 2}, {"rate": 16_000, "fail_at": 0}])
@pytest.mark.parametrize("rate", [None, 8_000, 22_050, 48_000])
async def test_the_format_is_the_wished_one_or_the_converters_whatever_happens(gain: dict[str, Any], rate: int | None) -> None:
    async with upstreams(**gain) as up:
        events = await up.heard(TEN * 5, rate=rate)
    audio = AudioFormat(rate=rate or gain.get("rate", ENGINE.rate))
    assert start(events).format == audio
    assert len(pcm(events)) // 2 == pytest.approx(audio.rate * 0.5, abs=2)
    assert any(isinstance(event, Notice) for event in events) == ("fail_at" in gain)


async def test_a_reply_is_one_conversion_whatever_its_sentences() -> None:
    async with upstreams() as up:
        events = await up.heard("One. Two. Three.")
        assert up.told()[0].count("finished") == 3
        assert up.told()[1] == ["started", "finished"]
    assert [mark.kind for mark in events if isinstance(mark, Mark)] == [MarkKind.SENTENCE_START, MarkKind.SENTENCE_END] * 3


async def test_text_with_nothing_to_say_is_a_moment_of_silence_in_the_converters_format() -> None:
    async with upstreams(rate=16_000) as up:
        events = await up.heard("😀")
    assert pcm(events) == AudioFormat(rate=16_000).silence(0.02)
    assert not any(isinstance(event, Mark | Notice) for event in events)


async def test_herald_still_sees_to_volume_and_speed() -> None:
    async with upstreams() as up:
        events = await up.heard("A" * 100, speed=2.0, volume=0)
    assert not any(pcm(events))
    assert ENGINE.seconds(len(pcm(events))) == pytest.approx(0.5, abs=0.06)


async def test_two_replies_take_turns_at_an_engine_with_one() -> None:
    async with upstreams(tone={"concurrency": 1}) as up:
        replies = await asyncio.gather(*(up.heard("One sentence. Another.") for _ in range(3)))
    assert len({pcm(events) for events in replies}) == 1
    assert any(isinstance(event, Waiting) for events in replies for event in events)


async def test_three_rates_on_the_way_hold_back_no_more_than_a_moment() -> None:
    """The engine falls silent after 0.1 s: all but a few milliseconds of that is heard then."""
    async with upstreams(tone={"stall_at": 0.1}, rate=16_000) as up, aclosing(up.speak(SENTENCES, rate=48_000)) as events:
        heard = 0.0
        async with asyncio.timeout(5):
            while heard < 0.1 - HELD:
                event = await anext(events)
                heard += len(event) / 96_000 if isinstance(event, bytes) else 0


# Failures


async def test_a_bypass_tells_why_and_is_logged_without_the_text(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with upstreams(fail_at=0, fail_with="credentials_refused") as up:
        events = await up.heard(TEN, converter="gain/half")
    (notice,) = (event for event in events if isinstance(event, Notice))
    assert notice.code == "credentials_refused"
    assert notice.text == "The voice is not converted: The converter gain failed at 0.00 s, as its script says."
    assert pcm(events) == tone(0.1)
    assert caplog.messages == [notice.text]


async def test_failing_may_be_asked_for_by_a_call() -> None:
    async with upstreams(fail_at=0, fail_with="credentials_refused") as up:
        with pytest.raises(CredentialsRefused):
            await up.heard(TEN, converter={"speaker": "half", "on_failure": "fail"})
        assert up.running == 0


async def test_a_failure_mid_reply_ends_it_and_the_engine() -> None:
    async with upstreams(fail_at=0.5) as up:
        with pytest.raises(EngineError, match="converter gain failed"):
            await up.heard(SENTENCES)
        assert up.running == 0


async def test_an_engines_failure_ends_it_and_the_converter() -> None:
    async with upstreams() as up:
        with pytest.raises(EngineError, match="engine tone failed"):
            await up.heard(SENTENCES, fail_at=0.1)
        assert up.running == 0


async def test_closing_the_converter_ends_a_reply_in_words() -> None:
    async with upstreams(stall_at=0.2) as up:
        reply = asyncio.create_task(up.heard(SENTENCES))
        await until(lambda: "started" in up.told()[1])
        await up.gain.aclose()
        reply.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reply
        with pytest.raises(EngineUnavailable, match="converter gain is closed"):
            await up.heard(TEN, converter={"speaker": "same", "on_failure": "fail"})
        assert pcm(await up.heard(TEN)) == tone(0.1)


async def test_a_service_that_refuses_is_passed_by_at_its_own_rate() -> None:
    async with simulator(account=Account(token="another")) as service, sami(service.url) as converter, upstreams(converter) as up:
        events = await up.heard(TEN * 5, converter=SPEAKER)
        assert start(events).format == AudioFormat(rate=24_000)
        assert [event.code for event in events if isinstance(event, Notice)] == ["credentials_refused"]
        assert len(pcm(events)) // 2 == pytest.approx(24_000 * 0.5, abs=2)
        assert quality.sinad(quality.signal(pcm(events)), 440, 24_000) > 70


async def test_a_service_that_fails_mid_reply_ends_it_in_words() -> None:
    async with simulator() as service, sami(service.url) as converter, upstreams(converter, tone=WHOLE_PERIODS) as up:
        service.faults.add(Fault(kind="error", on="output", after=1))
        with pytest.raises(EngineError, match="SAMI"):
            await up.heard(SENTENCES, converter=SPEAKER)
        assert up.running == 0


async def test_an_engine_that_fails_while_the_service_is_connected_to_is_told_at_once() -> None:
    async with simulator(latency=60) as service, sami(service.url) as converter, upstreams(converter) as up:
        with pytest.raises(EngineError, match="engine tone failed"):
            async with asyncio.timeout(5):
                await up.heard(SENTENCES, converter=SPEAKER, fail_at=0)
        assert not service.all("audio")


# Interrupts


@pytest.mark.parametrize("gain", [{}, {"hold": 0.1, "rate": 16_000}, {"fail_at": 0}])
async def test_closing_a_reply_at_any_event_ends_both_upstreams_before_it_returns(gain: dict[str, Any]) -> None:
    async with upstreams(**gain) as up:
        count = len(await up.heard("One sentence. Another."))
        assert count > 10
        for steps in range(count + 1):
            events = up.speak("One sentence. Another.")
            for _ in range(steps):
                await anext(events)
            await events.aclose()
            assert up.running == 0
            assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize("gain", [{}, {"delay": 0.001, "hold": 0.1}, {"stall_at": 0.1}])
async def test_cancelling_whoever_reads_at_any_step_ends_both_upstreams(gain: dict[str, Any]) -> None:
    async with upstreams(tone={"pace": 5}, **gain) as up:
        for steps in range(60):
            reading = asyncio.create_task(up.heard("One sentence. Another."))
            for _ in range(steps):
                await asyncio.sleep(0)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            assert up.running == 0
            assert len(asyncio.all_tasks()) == 1


async def test_an_interrupt_is_at_the_service_before_it_returns() -> None:
    async with simulator() as service, sami(service.url) as converter, upstreams(converter) as up:
        events = up.speak(SENTENCES, converter=SPEAKER, pace=1)
        while not isinstance(await anext(events), bytes):
            pass
        await events.aclose()
        assert up.running == 0
        await service.saw("closed", within=5)
        assert service.tasks[0].end == "left"


# Loudness


async def test_loudness_is_learned_for_each_speaker(tmp_path: Path) -> None:
    learned = await loudness(tmp_path, "gain/same", "gain/half", "none")
    assert set(learned) == {"player/p", "player/p as gain/same", "player/p as gain/half"}
    assert learned["player/p as gain/same"] == pytest.approx(learned["player/p"], abs=0.1)
    assert learned["player/p as gain/half"] == pytest.approx(learned["player/p"] - 6, abs=0.1)


async def test_nothing_is_learned_from_a_voice_that_was_not_converted(tmp_path: Path) -> None:
    assert await loudness(tmp_path, "gain/half", fail_at=0) == {}


async def loudness(folder: Path, *converters: str, **gain: Any) -> dict[str, float]:
    """What was learned of replies by these, in LUFS."""
    path = folder / "loudness.json"
    converter = new_converter("gain", **gain)
    synth = Synthesizer(Roster.of({"player": Player()}), LoudnessStore(path), Roster.of({"gain": converter}))
    for name in converters:
        request = synth.request(VOICE, {"converter": name})
        assert [event async for event in synth.speak(request, text_of(["One. Two. Three. Four."]))]
    return {name: heard["lufs"] for name, heard in json.loads(path.read_text()).items()} if path.exists() else {}


# Seams


def roughness(samples: quality.Signal, places: list[int], rate: int) -> float:
    """The largest second difference within 5 ms of the places, against the largest one elsewhere; both ends are left out."""
    rough = np.abs(np.diff(samples, 2))
    near = np.zeros(len(rough), bool)
    for place in places:
        near[place - rate // 200 : place + rate // 200] = True
    inside = quality.inner(np.where(near, 0, rough), rate)
    return float(rough[near].max() / inside.max())


def ends(samples: quality.Signal, rate: int) -> tuple[float, float]:
    """The largest second difference within 5 ms of begin and end, against that of the tone where it just begins and stops."""
    silence = np.zeros(rate // 200)
    wanted = quality.tone(440, rate, 1, amplitude=16_383)
    rough = [np.abs(np.diff(np.concatenate((silence, one, silence)), 2)) for one in (samples, wanted)]
    begin, end = slice(0, rate // 100), slice(-rate // 100, None)
    return float(rough[0][begin].max() / rough[1][begin].max()), float(rough[0][end].max() / rough[1][end].max())


def no_click(events: list[ReplyEvent]) -> None:
    rate, samples = start(events).format.rate, quality.signal(pcm(events))
    assert len(samples) == pytest.approx(4 * rate, abs=2)
    assert roughness(samples, [rate, 2 * rate, 3 * rate], rate) < 1.1
    begin, end = ends(samples, rate)
    assert begin < 1.1
    assert end < 2
    assert quality.sinad(samples, 440, rate) > 70


@pytest.mark.parametrize(("gain", "rate"), [({}, None), ({"rate": 16_000}, None), ({"rate": 16_000}, 22_050), ({}, 48_000)])
async def test_there_is_no_click_at_a_sentences_border_nor_at_an_end(gain: dict[str, Any], rate: int | None) -> None:
    async with upstreams(tone=WHOLE_PERIODS, **gain) as up:
        no_click(await up.heard(SENTENCES, rate=rate))


@pytest.mark.parametrize("habits", [{}, {"hold": 0.3, "burst": 0.2, "splits_samples": True}])
async def test_there_is_none_through_a_service_with_other_rates_either(habits: dict[str, Any]) -> None:
    async with simulator(**habits) as service, sami(service.url) as converter, upstreams(converter, tone=WHOLE_PERIODS) as up:
        no_click(await up.heard(SENTENCES, converter=SPEAKER, rate=22_050))
        assert len(service.tasks) == 1


def test_the_measures_of_clicks_see_one() -> None:
    good = quality.tone(440, 16_000, 4, amplitude=16_383)
    assert roughness(good, [16_000, 48_000], 16_000) < 1.01
    assert ends(good, 16_000) == pytest.approx((1, 1), abs=0.01)
    assert roughness(np.delete(good, slice(31_990, 32_000)), [31_990], 16_000) > 1.5
    assert min(ends(good[10:-10], 16_000)) > 3
    good[16_001] += 1_000
    assert roughness(good, [16_000], 16_000) > 1.5
