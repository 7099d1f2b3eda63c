"""The test converter does what its script says, and notes it."""

from __future__ import annotations

import asyncio
from array import array
from typing import Any

import pytest

from wyoming_server.converters.base import Conversion, Converter
from wyoming_server.converters.gain import FACTORS, FAULTS, GainConverter
from wyoming_server.errors import BadSetting, CredentialsRefused, EngineError, VoiceRefused
from wyoming_server.models import AudioFormat

from ..writing import Writer
from .cases import new_converter
from .speech import Listener, converted, cut, how, speech

MONO = AudioFormat(rate=16_000)
PCM = speech(0.5, MONO)


def gain(**options: Any) -> GainConverter:
    converter = new_converter("gain", **options)
    assert isinstance(converter, GainConverter)
    return converter


def told(converter: GainConverter) -> list[str]:
    return [event.what for event in converter.journal]


def mono(speaker: str = "half", **settings: Any) -> Conversion:
    return Conversion(speaker=speaker, source=MONO, settings=settings)


async def hear(converter: Converter, speaker: str = "half", **settings: Any) -> bytes:
    return await converted(converter, *cut(PCM, 3200), conversion=mono(speaker, **settings))


@pytest.mark.parametrize(("speaker", "factor"), FACTORS.items())
async def test_every_speaker_has_a_factor(speaker: str, factor: float) -> None:
    heard = array("h", await hear(gain(), speaker))
    wanted = [max(-32_768, min(32_767, round(sample * factor))) for sample in array("h", PCM)]
    assert all(abs(one - other) <= 1 for one, other in zip(heard, wanted, strict=True))


async def test_the_same_is_the_very_same() -> None:
    assert await hear(gain(), "same") == PCM


async def test_a_factor_may_be_given_by_the_configuration_and_by_the_call() -> None:
    assert await hear(gain(factor=1)) == PCM
    assert await hear(gain(factor=2), factor=1, speaker="anybody") == PCM
    with pytest.raises(VoiceRefused, match="no speaker anybody"):
        await hear(gain(), "anybody")


def test_formats_are_the_engines_or_the_configured_ones() -> None:
    source = AudioFormat(rate=22_050)
    assert gain().input_format(source, {}) == gain().output_format(source, {}) == source
    wanted = AudioFormat(rate=8_000, channels=2)
    assert gain(rate=8_000, channels=2).input_format(source, {}) == wanted
    assert how(gain(rate=8_000, channels=2)).source == wanted


async def test_what_is_held_comes_when_more_has_come_or_all() -> None:
    writer = Writer(PCM[:6400])
    listener = Listener(gain(hold=0.1), writer, mono("same"))
    await listener.until_audio()
    assert listener.audio == PCM[:3200]
    writer.write(PCM[6400:])
    writer.end()
    assert await listener.end() == PCM


async def test_it_fails_where_the_script_says() -> None:
    converter = gain()
    listener = Listener(converter, Writer(*cut(PCM, 3200)), mono("same", fail_at=0.2, fail_with=CredentialsRefused.code))
    with pytest.raises(CredentialsRefused, match=r"at 0\.20 s"):
        await listener.end()
    assert listener.audio == PCM[:6400]
    assert told(converter) == ["started", "failed"]


async def test_it_may_fail_before_there_is_any_speech() -> None:
    with pytest.raises(EngineError):
        await Listener(gain(fail_at=0), Writer()).end()


async def test_it_stalls_where_the_script_says_until_it_is_cancelled() -> None:
    converter = gain(stall_at=0.1)
    listener = Listener(converter, Writer(*cut(PCM, 3200)), mono("same"))
    await listener.until(3200)
    await asyncio.sleep(0)
    assert not listener.task.done()
    await listener.stop()
    assert listener.audio == PCM[:3200]
    assert told(converter) == ["started", "cancelled"]


async def test_its_journal_tells_whom_and_how_much() -> None:
    converter = gain()
    await hear(converter)
    assert told(converter) == ["started", "finished"]
    assert (converter.journal[1].speaker, converter.journal[1].seconds) == ("half", 0.5)


def test_settings_are_checked() -> None:
    gain().check("half", {"fail_with": next(iter(FAULTS)), "delay": 1, "factor": 0.2})
    for settings in ({"fail_with": "nothing"}, {"delay": -1}, {"factor": "big"}):
        with pytest.raises(BadSetting):
            gain().check("half", settings)
