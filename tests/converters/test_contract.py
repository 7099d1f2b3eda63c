"""What every converter owes its callers, run on every registered converter."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from wyoming_server.converters.base import Converter
from wyoming_server.converters.registry import CONVERTERS
from wyoming_server.errors import BadSetting, EngineUnavailable

from ..writing import Writer
from .cases import CASES
from .speech import ENGINE, Listener, converted, cut, how, speech

pytestmark = pytest.mark.usefixtures("no_process_is_left")


@pytest.fixture(params=CASES)
async def converter(request: pytest.FixtureRequest, no_process_is_left: None) -> AsyncIterator[Converter]:
    async with CASES[request.param]() as converter:
        yield converter


def some(converter: Converter, seconds: float = 0.75, *, seed: int = 0) -> bytes:
    return speech(seconds, how(converter).source, seed=seed)


def test_every_registered_converter_has_a_case() -> None:
    assert {name.partition(" ")[0] for name in CASES} == set(CONVERTERS)


async def test_its_speakers_have_names_of_their_own_and_need_no_consent(converter: Converter) -> None:
    speakers = converter.speakers()
    assert speakers
    assert len({speaker.name for speaker in speakers}) == len(speakers)
    assert converter.speakers() == speakers
    assert not any(converter.needs_consent(speaker.name) for speaker in speakers)
    assert converter.needs_consent("somebody-else")


async def test_formats_are_16_bit_and_stay_the_same(converter: Converter) -> None:
    wanted, made = converter.input_format(ENGINE, {}), converter.output_format(ENGINE, {})
    assert (wanted.width, made.width) == (2, 2)
    assert converter.input_format(wanted, {}) == wanted
    assert converter.output_format(wanted, {}) == made


async def test_all_that_goes_in_comes_out_with_its_tail(converter: Converter) -> None:
    source, target = how(converter).source, converter.output_format(ENGINE, {})
    for frames in (1, 160, 11_999, 16_001):
        pcm = some(converter, 2)[: frames * source.frame_size]
        heard = await converted(converter, pcm)
        assert any(heard) or frames == 1
        assert len(heard) // target.frame_size == pytest.approx(frames * target.rate / source.rate, abs=2)
        if source == target:
            assert len(heard) == len(pcm)


async def test_however_the_speech_was_cut_it_sounds_the_same(converter: Converter) -> None:
    pcm, frame = some(converter), how(converter).source.frame_size
    whole = await converted(converter, pcm)
    assert await converted(converter, *cut(pcm, 333 * frame)) == whole
    assert await converted(converter, b"", *cut(pcm[: 40 * frame], frame), b"", pcm[40 * frame :]) == whole


async def test_no_speech_gives_no_sound_and_is_no_error(converter: Converter) -> None:
    assert await converted(converter) == b""
    assert await converted(converter, b"", b"") == b""


async def test_closing_it_mid_audio_leaves_it_ready(converter: Converter) -> None:
    expected = await converted(converter, some(converter))
    writer = Writer(some(converter, 1.5))
    async with aclosing(converter.convert(writer, how(converter))) as pieces:
        assert await anext(pieces)
    assert await converted(converter, some(converter)) == expected


async def test_a_cancel_at_any_moment_leaves_it_ready(converter: Converter) -> None:
    expected = await converted(converter, some(converter))
    for steps in range(10):
        listener = Listener(converter, Writer(some(converter)))
        for _ in range(steps):
            await asyncio.sleep(0)
        await listener.stop()
    assert await converted(converter, some(converter)) == expected


async def test_closing_it_after_the_end_is_nothing(converter: Converter) -> None:
    pieces = converter.convert(_one(some(converter)), how(converter))
    assert [piece async for piece in pieces]
    await pieces.aclose()


async def _one(pcm: bytes) -> AsyncIterator[bytes]:
    yield pcm


class NoMoreSpeechError(Exception):
    pass


@pytest.mark.parametrize("seconds", [0, 0.75])
async def test_speech_that_fails_ends_it_with_that_very_error(converter: Converter, seconds: float) -> None:
    error = NoMoreSpeechError()
    writer = Writer(*cut(some(converter, seconds), 3200))
    writer.end(error)
    with pytest.raises(NoMoreSpeechError) as raised:
        await Listener(converter, writer).end()
    assert raised.value is error


async def test_many_at_once_each_get_their_own_speech(converter: Converter) -> None:
    parts = [some(converter, 0.4, seed=seed) for seed in range(4)]
    alone = [await converted(converter, part) for part in parts]
    assert len(set(alone)) == len(parts)
    together = await asyncio.gather(*(converted(converter, *cut(part, 1280)) for part in parts * 3))
    assert together == alone * 3


async def test_closing_the_converter_ends_a_conversion_in_words(converter: Converter) -> None:
    pieces = converter.convert(Writer(some(converter), some(converter)), how(converter))
    assert await anext(pieces)
    await converter.aclose()
    with pytest.raises(EngineUnavailable, match="closed"):
        async for _ in pieces:
            pass


async def test_a_closed_converter_refuses_in_words(converter: Converter) -> None:
    await converter.aclose()
    await converter.aclose()
    with pytest.raises(EngineUnavailable, match="closed"):
        await converted(converter, some(converter))


async def test_it_refuses_what_it_does_not_take(converter: Converter) -> None:
    speaker = converter.speakers()[0].name
    converter.check(speaker, {})
    with pytest.raises(BadSetting, match="speaker"):
        converter.check("", {})
    with pytest.raises(BadSetting, match="no_such_setting"):
        converter.check(speaker, {"no_such_setting": 1})


async def test_it_can_be_tried(converter: Converter) -> None:
    assert await converter.verify()
