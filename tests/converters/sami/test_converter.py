"""Speech that becomes another's: what is asked for, what goes up and what comes down, to the last sample."""

from __future__ import annotations

import asyncio
import math
from contextlib import aclosing
from typing import Any

import pytest
import voluptuous as vol

from wyoming_server.converters.sami.speakers import SPEAKERS
from wyoming_server.errors import BadSetting
from wyoming_server.models import AudioFormat

from ...simulators.sami import SPEAKERS as LISTED
from ...writing import Writer, written
from ..speech import Listener, converted, cut
from .converting import OTHER, SOURCE, at, conversion, made, other, pcm

pytestmark = pytest.mark.usefixtures("nothing_is_left")


def test_its_speakers_are_those_of_the_page_with_their_chinese_names() -> None:
    assert tuple(speaker.name for speaker in SPEAKERS) == LISTED
    assert all(speaker.languages == ("zh-CN",) for speaker in SPEAKERS)
    assert all(speaker.gender is not None and speaker.gender in speaker.name.split("_") for speaker in SPEAKERS)
    assert {speaker.name: speaker.description for speaker in SPEAKERS}["zh_female_sichuan_stream"] == "四川女声"


FORMATS = [
    ({}, 22_050, 16_000, 1),
    ({"input_rate": None}, 22_050, 22_050, 1),
    ({"input_rate": None}, 96_000, 48_000, 1),
    ({"input_rate": 48_000, "input_channels": 2}, 22_050, 48_000, 2),
]


@pytest.mark.parametrize(("options", "engine", "rate", "channels"), FORMATS)
def test_it_wants_the_configured_format_or_what_is_nearest_to_the_engines(
    options: dict[str, Any], engine: int, rate: int, channels: int
) -> None:
    wanted = made(**options).input_format(AudioFormat(rate=engine, channels=2), {})
    assert wanted == AudioFormat(rate=rate, channels=channels)


@pytest.mark.parametrize("options", [{"input_rate": 7_999}, {"output_rate": 48_001}, {"output_channels": 3}, {"window": 0}])
def test_what_the_service_cannot_do_is_refused_in_the_configuration(options: dict[str, Any]) -> None:
    with pytest.raises(vol.Invalid):
        made(**options)


@pytest.mark.parametrize("align", [False, True])
async def test_a_task_is_asked_for_as_the_page_says(align: bool) -> None:
    async with at(converter={"output_rate": 24_000, "output_channels": 2, "downstream_align": not align}) as (service, converter):
        await converted(converter, pcm(), conversion=conversion(OTHER, downstream_align=align))
        (start,) = service.all("start")
        assert start.detail["payload"] == {
            "speaker": OTHER,
            "audio_info": {"format": "s16le", "sample_rate": 16_000, "channel": 1},
            "audio_config": {"format": "s16le", "sample_rate": 24_000, "channel": 2},
            **({"extra": {"downstream_align": True}} if align else {}),
        }


@pytest.mark.parametrize("shapes", [("binary",), ("text",), ("event",), ("event", "binary", "text")])
@pytest.mark.parametrize("last", ["in TaskFinished", "before"])
@pytest.mark.parametrize("splits", [False, True])
async def test_audio_is_taken_from_every_message_whatever_its_kind(shapes: Any, last: Any, splits: bool) -> None:
    async with at(shapes=shapes, last=last, splits_samples=splits, hold=0.3) as (_, converter):
        assert await converted(converter, *cut(pcm(), 700)) == other(pcm())


@pytest.mark.parametrize("target", [AudioFormat(rate=24_000), AudioFormat(rate=48_000, channels=2), AudioFormat(rate=8_000)])
async def test_it_comes_in_the_rate_and_channels_that_were_asked_for(target: AudioFormat) -> None:
    async with at(converter={"output_rate": target.rate, "output_channels": target.channels}) as (_, converter):
        assert await converted(converter, pcm()) == other(pcm(), target)


async def test_a_service_that_closes_after_the_end_is_no_error() -> None:
    async with at(closes=True) as (_, converter):
        assert await converted(converter, pcm()) == other(pcm())


async def test_speech_goes_up_as_it_comes_and_never_more_than_100_ms_in_a_message() -> None:
    async with at() as (service, converter):
        writer = Writer[bytes]()
        listener = Listener(converter, writer, conversion())
        sizes = [2, 640, 3200, 3202, 9000]
        for count, size in enumerate(sizes, start=1):
            writer.write(pcm(seed=count)[:size])
            await service.saw("audio", [1, 2, 3, 5, 8][count - 1])
        writer.end()
        await listener.end()
        assert [entry.detail["bytes"] for entry in service.all("audio")] == [2, 640, 3200, 3200, 2, 3200, 3200, 2600]
        assert {entry.detail["how"] for entry in service.all("audio")} == {"binary"}
        assert not service.habits


async def test_half_samples_go_up_whole() -> None:
    async with at() as (service, converter):
        assert await converted(converter, *cut(pcm(), 1001)) == other(pcm())
        assert service.tasks[0].heard == pcm()
        assert all(entry.detail["bytes"] % 2 == 0 for entry in service.all("audio"))


async def test_the_task_is_begun_before_there_is_any_speech() -> None:
    async with at() as (service, converter):
        writer = Writer[bytes]()
        listener = Listener(converter, writer, conversion())
        await service.saw("started")
        writer.write(pcm())
        writer.end()
        assert await listener.end() == other(pcm())


async def test_output_is_heard_while_speech_still_comes() -> None:
    async with at(piece=0) as (_, converter):
        writer = Writer(pcm(0.1))
        listener = Listener(converter, writer, conversion())
        await listener.until(3200)
        writer.write(pcm(0.2)[3200:])
        await listener.until(6400)
        writer.end()
        assert await listener.end() == other(pcm(0.2))


async def test_without_any_speech_nobody_waits_for_the_service() -> None:
    async with at(latency=60) as (service, converter):
        writer = Writer[bytes]()
        listener = Listener(converter, writer, conversion())
        await service.saw("start")
        writer.end()
        assert await listener.end() == b""
        await service.saw("closed")
        assert not service.all("audio")


async def test_each_conversion_has_a_connection_and_a_speaker_of_its_own() -> None:
    async with at() as (service, converter):
        await asyncio.gather(*(converted(converter, pcm(), conversion=conversion(name)) for name in LISTED))
        assert sorted(task.speaker for task in service.tasks) == sorted(LISTED)
        assert len(service.all("handshake")) == len(LISTED)
        for number in range(len(LISTED)):
            await service.saw("closed", number + 1)


async def test_a_setting_that_is_not_its_own_is_told() -> None:
    with pytest.raises(BadSetting, match="pitch"):
        made().check(OTHER, {"pitch": 1})


# How much goes up


async def test_what_goes_up_is_ahead_of_what_comes_down_by_the_window_at_most() -> None:
    options = {"window": 0.5, "release": 30}
    async with at(pace=20, delay=0.02, converter=options) as (service, converter):
        assert await converted(converter, pcm(4)) == other(pcm(4))
        assert 0.4 < service.tasks[0].most_ahead <= 0.5 + 0.1 + 0.25  # a message, and what the service keeps of a piece


async def test_a_service_that_keeps_everything_until_the_end_blocks_nobody() -> None:
    async with at(hold=math.inf, converter={"window": 0.3, "release": 0.02}) as (service, converter):
        assert await converted(converter, pcm(1)) == other(pcm(1))
        assert service.tasks[0].heard == pcm(1)


async def test_speech_that_goes_up_anyway_goes_up_in_time_and_not_at_once() -> None:
    async with at(hold=math.inf, converter={"window": 0.3, "release": 0.1}) as (service, converter):
        await converted(converter, pcm(0.8))
        times = [entry.time_ns / 1e9 for entry in service.all("audio")]
        assert len(times) == 8
        assert times[-1] - times[0] >= 0.4


async def test_a_listener_who_pauses_stops_the_speech_too() -> None:
    async with at(converter={"window": 0.4, "release": 0.01}, piece=0) as (service, converter):
        long = pcm(20)
        async with aclosing(converter.convert(written(*cut(long, 640)), conversion())) as pieces:
            heard = await anext(pieces)
            seconds = -1.0
            while (now := SOURCE.seconds(len(service.tasks[0].heard))) > seconds:
                seconds = now
                await asyncio.sleep(0.1)  # nothing tells that nothing happens
            assert seconds < 3
            async for piece in pieces:
                heard += piece
        assert heard == other(long)


async def test_a_pace_is_kept_and_a_late_start_is_not_caught_up_with() -> None:
    async with at(converter={"pace": 5}) as (service, converter):
        await converted(converter, pcm(1))
        times = [entry.time_ns / 1e9 for entry in service.all("audio")]
        assert 0.17 <= times[-1] - times[0] < 1
        assert times[4] - times[0] >= 0.07


# Tried


async def test_it_is_tried_with_a_task_without_speech() -> None:
    async with at() as (service, converter):
        assert (await converter.verify()).startswith(f"accepted by {service.url}")
        await service.saw("closed")
        assert len(service.all("started")) == 1
        assert not service.all("audio")
        assert not service.all("finish")
