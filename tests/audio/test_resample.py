"""The resampler against the limits of objective quality, for the rate pairs of a house."""

from __future__ import annotations

import subprocess
import sys
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_server.audio.chain import PcmChain
from wyoming_server.audio.resample import Resampler
from wyoming_server.errors import BadSetting
from wyoming_server.models import AudioFormat

from . import quality
from .streams import CUTS, cut, paced, through

PAIRS = [
    (24_000, 22_050),
    (22_050, 16_000),
    (24_000, 16_000),
    (24_000, 48_000),
    (16_000, 22_050),
    (44_100, 16_000),
    (8_000, 48_000),
]
DOWN = [pair for pair in PAIRS if pair[0] > pair[1]]

TONE_SNR_DB = 85
ALIAS_DB = -60
SPIKES = 4
BORDER_RATIO = 1.2
BAND_SNR_DB = 60


def resampler(source: AudioFormat, target: AudioFormat) -> PcmChain:
    return PcmChain(source, [Resampler(source, target)])


def resampled(samples: quality.Signal, source: int, target: int) -> quality.Signal:
    """Streamed as an engine does it: 20 ms at a time."""
    audio = AudioFormat(rate=source)
    chain = resampler(audio, AudioFormat(rate=target))
    return quality.signal(through(chain, paced(audio, quality.pcm(samples))))


@pytest.mark.parametrize(("source", "target"), PAIRS)
@pytest.mark.parametrize("share", [0.11, 0.37, 0.83])
def test_a_tone_stays_clean(source: int, target: int, share: float) -> None:
    frequency = share * min(source, target) / 2
    out = resampled(quality.tone(frequency, source), source, target)
    assert quality.sinad(out, frequency, target) >= TONE_SNR_DB
    assert quality.spikes(out, frequency, target) <= SPIKES


@pytest.mark.parametrize(("source", "target"), DOWN)
def test_what_the_target_cannot_carry_does_not_come_back_lower(source: int, target: int) -> None:
    frequency = min(1.12 * target / 2, (source + target) / 4)
    out = resampled(quality.tone(frequency, source), source, target)
    assert quality.alias(out, target) <= ALIAS_DB


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_speech_has_no_seam_and_equals_an_ideal_filter(source: int, target: int) -> None:
    speech = quality.speech(source, 4)
    out = resampled(speech, source, target)
    assert quality.border_ratio(out, target, 0.02) < BORDER_RATIO
    assert quality.band_snr(out, quality.reference(speech, len(out)), target) >= BAND_SNR_DB


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_the_tone_keeps_its_level_and_place(source: int, target: int) -> None:
    out = resampled(quality.tone(400, source), source, target)
    wanted = quality.tone(400, target)
    assert abs(quality.inner(out - wanted, target)).max() < 3


@pytest.mark.parametrize(("source", "target"), PAIRS)
@pytest.mark.parametrize("frames", [0, 1, 2, 3, 7, 100, 479, 481, 4801, 24_000])
def test_the_length_is_exact(source: int, target: int, frames: int) -> None:
    audio = AudioFormat(rate=source)
    out = through(resampler(audio, AudioFormat(rate=target)), paced(audio, bytes(2 * frames)))
    assert len(out) == 2 * ((2 * frames * target + source) // (2 * source))


@cache
def spoken(channels: int) -> bytes:
    return quality.pcm(quality.speech(24_000, 0.3))[: 7_200 * channels * 2] * channels


@cache
def in_one_go(pair: tuple[int, int], channels: tuple[int, int]) -> bytes:
    source, target = (AudioFormat(rate=rate, channels=count) for rate, count in zip(pair, channels, strict=True))
    return through(resampler(source, target), [spoken(channels[0])])


@given(pair=st.sampled_from(PAIRS), channels=st.tuples(st.integers(1, 2), st.integers(1, 2)), sizes=CUTS)
def test_any_cut_gives_the_same_bytes(pair: tuple[int, int], channels: tuple[int, int], sizes: list[int]) -> None:
    source, target = (AudioFormat(rate=rate, channels=count) for rate, count in zip(pair, channels, strict=True))
    out = through(resampler(source, target), cut(spoken(channels[0]), sizes))
    assert out == in_one_go(pair, channels)


def test_two_runs_give_the_same_bytes() -> None:
    speech = quality.speech(24_000)
    assert (resampled(speech, 24_000, 22_050) == resampled(speech, 24_000, 22_050)).all()


def test_silence_stays_silent() -> None:
    audio = AudioFormat(rate=24_000)
    assert not any(through(resampler(audio, AudioFormat(rate=16_000)), [bytes(48_000)]))


def test_full_scale_is_clipped_not_wrapped() -> None:
    square = quality.tone(300, 24_000, amplitude=1e9).clip(-32768, 32767)
    out = resampled(square, 24_000, 16_000)
    wanted = quality.reference(square, len(out)).clip(-32768, 32767)
    assert abs(out - wanted).max() < 10_000


@pytest.mark.parametrize("rate", [8_000, 22_050, 48_000])
def test_equal_rates_change_nothing(rate: int) -> None:
    speech = quality.speech(rate).round()
    assert (resampled(speech, rate, rate) == speech).all()


@pytest.mark.parametrize("rate", [24_000, 16_000])
def test_mono_becomes_two_equal_channels(rate: int) -> None:
    source = AudioFormat(rate=24_000)
    out = quality.signal(through(resampler(source, AudioFormat(rate=rate, channels=2)), paced(source, spoken(1))))
    mono = quality.signal(through(resampler(source, AudioFormat(rate=rate)), paced(source, spoken(1))))
    assert (out[0::2] == mono).all()
    assert (out[1::2] == mono).all()


@pytest.mark.parametrize("rate", [24_000, 16_000])
def test_stereo_becomes_the_mean_of_its_channels(rate: int) -> None:
    source = AudioFormat(rate=24_000, channels=2)
    left, right = (quality.tone(frequency, 24_000, amplitude=10_000) for frequency in (500, 700))
    both = quality.pcm(quality.interleaved(left, right))
    out = quality.signal(through(resampler(source, AudioFormat(rate=rate)), paced(source, both)))
    wanted = sum(quality.tone(frequency, rate, amplitude=5_000) for frequency in (500, 700))
    assert abs(quality.inner(out - wanted, rate)).max() < 3


def test_stereo_keeps_its_channels_apart() -> None:
    source, target = AudioFormat(rate=24_000, channels=2), AudioFormat(rate=16_000, channels=2)
    left, right = (quality.tone(frequency, 24_000) for frequency in (500, 700))
    out = quality.signal(through(resampler(source, target), paced(source, quality.pcm(quality.interleaved(left, right)))))
    assert quality.sinad(out[0::2], 500, 16_000) >= TONE_SNR_DB
    assert quality.sinad(out[1::2], 700, 16_000) >= TONE_SNR_DB


def test_more_than_two_channels_are_refused_in_words() -> None:
    with pytest.raises(BadSetting, match="not 6 channels out of 1"):
        Resampler(AudioFormat(rate=24_000), AudioFormat(rate=24_000, channels=6))


@pytest.mark.parametrize(("source", "target", "held_ms"), [(24_000, 22_050, 40), (22_050, 16_000, 60)])
def test_the_first_audio_waits_for_no_more_than_the_filter(source: int, target: int, held_ms: int) -> None:
    audio = AudioFormat(rate=source)
    chain = resampler(audio, AudioFormat(rate=target))
    assert any(len(chain.push(audio.silence(0.02))) for _ in range(held_ms // 20))


LOSE_ONE = """
import ctypes
from wyoming_server.audio.resample import Resampler
from wyoming_server.models import AudioFormat
lost = Resampler(AudioFormat(rate=24_000), AudioFormat(rate=16_000))
ctypes.pythonapi.Py_IncRef(ctypes.py_object(lost))
"""


def test_a_filter_that_is_still_held_at_exit_prints_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", LOSE_ONE], capture_output=True, text=True, check=True)  # noqa: S603  # our own words
    assert (done.stdout, done.stderr) == ("", "")
