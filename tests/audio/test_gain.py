"""Gain and limiter: peaks kept, everything else untouched, nothing lost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from wyoming_server.audio.gain import Gain, Limiter
from wyoming_server.audio.samples import amplitude

from . import quality
from .streams import CUTS, staged

RATE = 24_000
AHEAD = 48
PEAK = amplitude(-1)


def frames(samples: quality.Signal) -> np.ndarray:
    return samples.astype(np.float32)


SPEECH = frames(quality.speech(RATE))
LOUD = SPEECH * np.float32(4)


def test_gain_is_a_factor() -> None:
    assert (staged(Gain(0.5), SPEECH) == SPEECH * np.float32(0.5)).all()


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 48_000, 96_000])
def test_no_peak_goes_over_the_limit(rate: int) -> None:
    out = staged(Limiter(rate), frames(quality.speech(rate)) * np.float32(4), rate // 50)
    assert quality.decibels(np.abs(out).max() / 32768) == pytest.approx(-1, abs=0.01)
    assert len(out) == rate


def test_quiet_audio_is_untouched() -> None:
    assert (staged(Limiter(RATE), SPEECH) == SPEECH).all()


def test_most_of_loud_speech_is_untouched() -> None:
    out = staged(Limiter(RATE), LOUD)
    assert np.mean(out == LOUD) > 0.5


@pytest.mark.parametrize("sign", [1, -1])
def test_a_lone_peak_is_met_by_a_short_ramp_and_left_by_a_long_one(sign: int) -> None:
    steady = np.full(RATE, 1_000, np.float32)
    steady[10_000] = 2 * PEAK * sign
    factor = staged(Limiter(RATE), steady) / steady
    reduced = np.flatnonzero(factor < 1)
    assert factor.min() == pytest.approx(0.5, abs=1e-6)
    assert factor[10_000] == factor.min()
    assert 10_000 - reduced[0] == pytest.approx(AHEAD / 2, abs=2)
    assert reduced[-1] - 10_000 == pytest.approx(RATE * 0.05, abs=2)
    assert np.abs(np.diff(factor)).max() <= 1 / AHEAD + 1e-6


def test_it_distorts_far_less_than_clipping() -> None:
    swell = quality.tone(200, RATE, 1, 60_000) * np.linspace(0, 1, RATE)
    limited = staged(Limiter(RATE), frames(swell)).astype(np.float64)
    harsh = [quality.rms(out - quality.low_passed(out, 0.25)) for out in (limited, swell.clip(-PEAK, PEAK))]
    assert quality.decibels(harsh[0] / harsh[1]) < -12


def test_only_the_look_ahead_is_held_back() -> None:
    limiter = Limiter(RATE)
    assert len(limiter.push(SPEECH[:480].copy())) == 480 - AHEAD
    assert len(limiter.push(SPEECH[480:960].copy())) == 480
    assert len(limiter.flush()) == AHEAD


@pytest.mark.parametrize("count", [0, 1, AHEAD - 1, AHEAD, AHEAD + 1])
def test_short_streams_keep_their_length_and_their_limit(count: int) -> None:
    out = staged(Limiter(RATE), np.full(count, 40_000, np.float32), 10)
    assert len(out) == count
    assert (np.abs(out) <= PEAK * (1 + 1e-6)).all()


def test_both_channels_are_turned_down_together() -> None:
    both = np.stack((LOUD, LOUD * np.float32(0.125)), axis=1)
    out = staged(Limiter(RATE), both)
    heard = np.abs(LOUD) > 100
    assert out.shape == both.shape
    assert np.allclose(out[heard, 0] / out[heard, 1], 8, rtol=1e-5)
    assert np.abs(out).max() <= PEAK * (1 + 1e-6)


WHOLE = staged(Limiter(RATE), LOUD, [])


@given(sizes=CUTS)
def test_any_cut_gives_the_same_frames(sizes: list[int]) -> None:
    assert (staged(Limiter(RATE), LOUD, sizes) == WHOLE).all()
