"""Levels as numbers, and fades: how they end, and that nobody hears a click."""

from __future__ import annotations

import numpy as np
import pytest

from wyoming_server.audio.level import FADE_SECONDS, decay_tail, fade_out, gain_for, volume_factor
from wyoming_server.models import AudioFormat

from . import quality

RATE = 24_000
MONO = AudioFormat(rate=RATE)
STEREO = AudioFormat(rate=RATE, channels=2)
TONE = quality.pcm(quality.tone(440, RATE, 0.1, amplitude=20_000))
LOUD = np.full(2_400, 20_000, "<i2").tobytes()


@pytest.mark.parametrize(("volume", "factor"), [(0, 0), (25, 0.5), (50, 1), (75, 1.5), (100, 2)])
def test_volume_is_a_factor(volume: float, factor: float) -> None:
    assert volume_factor(volume) == factor


@pytest.mark.parametrize(
    ("loudness", "decibels"), [(-18, 0), (-24, 6), (-15, -3), (-60, 12), (0, -12), (-30, 12), (-30.1, 12), (None, 0)]
)
def test_the_gain_brings_a_voice_to_the_target_within_limits(loudness: float | None, decibels: float) -> None:
    assert quality.decibels(gain_for(loudness)) == pytest.approx(decibels)


def test_target_and_limit_of_the_gain_can_be_chosen() -> None:
    assert quality.decibels(gain_for(-30, target=-20, limit_db=6)) == pytest.approx(6)


def hiss(samples: quality.Signal) -> float:
    """Peak of what is above 3 kHz, but for the tone's own start: a click."""
    padded = np.pad(samples, 2_000)
    spectrum = np.fft.rfft(padded)
    spectrum[: len(spectrum) // 4] = 0
    return float(np.abs(np.fft.irfft(spectrum, len(padded)))[2_000 + 200 :].max())


def stopped(end: bytes, after: int) -> quality.Signal:
    """A tone that goes on for `after` samples and is then ended by `end`."""
    return quality.signal(TONE[: after * 2] + end)


@pytest.mark.parametrize("after", range(1_000, 1_050, 7))
def test_a_fade_makes_no_click_where_a_cut_does(after: int) -> None:
    cut = hiss(stopped(b"", after))
    assert cut > 2_000
    assert hiss(stopped(fade_out(TONE[after * 2 :], MONO), after)) < 10
    assert hiss(stopped(decay_tail(TONE[: after * 2], MONO), after)) < cut / 2


@pytest.mark.parametrize("audio", [MONO, STEREO])
def test_a_fade_goes_down_all_the_way_and_ends_at_zero(audio: AudioFormat) -> None:
    faded = quality.signal(fade_out(LOUD, audio)).reshape(-1, audio.channels)
    assert len(faded) == RATE * FADE_SECONDS
    assert (np.diff(faded, axis=0) <= 0).all()
    assert faded[0].min() > 19_990
    assert not faded[-1].any()


@pytest.mark.parametrize("frames", [0, 1, 2, 10, 191, 192, 193])
def test_a_fade_takes_what_is_in_hand(frames: int) -> None:
    faded = quality.signal(fade_out(LOUD[: 2 * frames], MONO))
    assert len(faded) == min(frames, 192)
    assert not faded[-1:].any()


def test_a_part_of_a_frame_is_left_out_of_a_fade() -> None:
    assert fade_out(LOUD[:43], STEREO) == fade_out(LOUD[:40], STEREO)


def test_a_decay_starts_from_the_last_frame_of_every_channel() -> None:
    last = np.array([1, 2, -20_000, 10_000], "<i2").tobytes()
    tail = quality.signal(decay_tail(last, STEREO)).reshape(-1, 2)
    assert len(tail) == RATE * FADE_SECONDS
    assert np.abs(tail[0] - (-20_000, 10_000)).max() < 10
    assert np.abs(np.diff(tail, axis=0)).max() < 200
    assert not tail[-1].any()


def test_a_decay_after_nothing_is_nothing() -> None:
    assert decay_tail(b"", MONO) == b""
