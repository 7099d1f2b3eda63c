"""The resampler for audio that comes no faster than it is heard: how little it holds back, its lengths, and how it sounds."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_server.audio.chain import PcmChain
from wyoming_server.audio.live import LiveResampler
from wyoming_server.models import AudioFormat

from . import quality
from .streams import CUTS, cut, paced, through

PAIRS = [(24_000, 22_050), (24_000, 16_000), (24_000, 48_000), (16_000, 22_050), (44_100, 16_000), (8_000, 48_000)]
DOWN = [pair for pair in PAIRS if pair[0] > pair[1]]

TONE_SNR_DB = 80
ALIAS_DB = -90
SPIKES = 4
BORDER_RATIO = 1.2
BAND_SNR_DB = 55
HELD_MS = {8_000: 4.1}
"""By source rate: 32 frames, which are 2 ms at 16 kHz."""


def live(source: AudioFormat, target: AudioFormat) -> PcmChain:
    return PcmChain(source, [LiveResampler(source, target)])


def resampled(samples: quality.Signal, source: int, target: int) -> quality.Signal:
    """Streamed as a converter does it: 20 ms at a time."""
    audio = AudioFormat(rate=source)
    return quality.signal(through(live(audio, AudioFormat(rate=target)), paced(audio, quality.pcm(samples))))


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_it_holds_back_no_more_than_a_moment(source: int, target: int) -> None:
    """After every 10 ms that came in, all but the last 3 ms have come out."""
    audio, wanted = AudioFormat(rate=source), AudioFormat(rate=target)
    chain, heard = live(audio, wanted), 0
    for number, piece in enumerate([audio.silence(0.01)] * 20, start=1):
        heard += len(chain.push(piece))
        assert wanted.seconds(heard) >= number * audio.seconds(len(piece)) - HELD_MS.get(source, 3) / 1000


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_the_first_piece_is_heard_with_the_first_piece(source: int, target: int) -> None:
    audio = AudioFormat(rate=source)
    chain = live(audio, AudioFormat(rate=target))
    assert chain.push(quality.pcm(quality.tone(400, source, 0.01)))


@pytest.mark.parametrize(("source", "target"), PAIRS)
@pytest.mark.parametrize("frames", [240, 479, 481, 4_801, 24_000, 100_003])
def test_the_length_is_right_to_a_frame(source: int, target: int, frames: int) -> None:
    audio = AudioFormat(rate=source)
    pcm = bytes(2 * frames)
    heard = len(through(live(audio, AudioFormat(rate=target)), paced(audio, pcm))) // 2
    assert abs(heard - frames * target / source) <= 1


@pytest.mark.parametrize("frames", [0, 1, 2, 7, 100])
def test_next_to_nothing_is_no_more_than_that(frames: int) -> None:
    audio = AudioFormat(rate=24_000)
    heard = len(through(live(audio, AudioFormat(rate=22_050)), [bytes(2 * frames)])) // 2
    assert heard <= frames * 22_050 / 24_000 + 1


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
    wanted = quality.tone(400, target)[: len(out)]
    assert abs(quality.inner(out[: len(wanted)] - wanted, target)).max() < 3


@cache
def spoken(channels: int) -> bytes:
    return quality.pcm(quality.speech(24_000, 0.3))[: 7_200 * channels * 2] * channels


@cache
def in_one_go(pair: tuple[int, int], channels: tuple[int, int]) -> bytes:
    source, target = (AudioFormat(rate=rate, channels=count) for rate, count in zip(pair, channels, strict=True))
    return through(live(source, target), [spoken(channels[0])])


@given(pair=st.sampled_from(PAIRS), channels=st.tuples(st.integers(1, 2), st.integers(1, 2)), sizes=CUTS)
def test_any_cut_gives_the_same_bytes(pair: tuple[int, int], channels: tuple[int, int], sizes: list[int]) -> None:
    source, target = (AudioFormat(rate=rate, channels=count) for rate, count in zip(pair, channels, strict=True))
    assert through(live(source, target), cut(spoken(channels[0]), sizes)) == in_one_go(pair, channels)


def test_full_scale_is_clipped_not_wrapped() -> None:
    square = quality.tone(300, 24_000, amplitude=1e9).clip(-32768, 32767)
    out = resampled(square, 24_000, 16_000)
    wanted = quality.reference(square, len(out)).clip(-32768, 32767)
    assert abs(quality.inner(out - wanted, 16_000)).max() < 10_000


@pytest.mark.parametrize("rate", [24_000, 16_000])
def test_mono_becomes_two_equal_channels(rate: int) -> None:
    source = AudioFormat(rate=24_000)
    out = quality.signal(through(live(source, AudioFormat(rate=rate, channels=2)), paced(source, spoken(1))))
    mono = quality.signal(through(live(source, AudioFormat(rate=rate)), paced(source, spoken(1))))
    assert (out[0::2] == mono).all()
    assert (out[1::2] == mono).all()


@pytest.mark.parametrize("rate", [24_000, 16_000])
def test_stereo_becomes_the_mean_of_its_channels(rate: int) -> None:
    source = AudioFormat(rate=24_000, channels=2)
    left, right = (quality.tone(frequency, 24_000, amplitude=10_000) for frequency in (500, 700))
    both = quality.pcm(quality.interleaved(left, right))
    out = quality.signal(through(live(source, AudioFormat(rate=rate)), paced(source, both)))
    wanted = quality.tone(500, rate, amplitude=5_000) + quality.tone(700, rate, amplitude=5_000)
    assert abs(quality.inner(out - wanted[: len(out)], rate)).max() < 3


def test_after_its_end_it_may_be_closed_and_before_it_too() -> None:
    for flushed in (True, False):
        stage = LiveResampler(AudioFormat(rate=24_000), AudioFormat(rate=16_000))
        stage.push(np.zeros(2_400, np.float32))
        if flushed:
            stage.flush()
        stage.close()
        stage.close()
