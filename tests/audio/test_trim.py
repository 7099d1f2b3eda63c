"""The silence before the first sound: how much of it goes, and that nothing else does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_server.audio.trim import FADE_IN_SECONDS, PRE_ROLL_SECONDS, LeadTrim

from . import quality
from .streams import CUTS, staged

RATE = 24_000
PRE_ROLL = round(RATE * PRE_ROLL_SECONDS)
FADE_IN = round(RATE * FADE_IN_SECONDS)
SOUND = np.array(quality.tone(440, RATE, 0.2, amplitude=10_000)[20:], np.float32)


def after_silence(seconds: float, level: float = 0) -> np.ndarray:
    noise = np.random.default_rng(1).uniform(-level, level, round(RATE * seconds))
    return np.concatenate((noise, SOUND)).astype(np.float32)


@pytest.mark.parametrize("size", [1, 160, 480, 2_400, 20_000])
@pytest.mark.parametrize("level", [0, 90])
def test_a_silent_lead_goes_but_for_the_pre_roll(size: int, level: float) -> None:
    frames = after_silence(0.3, level)
    trim = LeadTrim(RATE)
    kept = staged(trim, frames, size)
    wanted = frames[-len(kept) :]
    assert len(kept) == PRE_ROLL + len(SOUND)
    assert trim.dropped == pytest.approx(0.28)
    assert (kept[FADE_IN:] == wanted[FADE_IN:]).all()
    assert (np.abs(kept[:FADE_IN]) <= np.abs(wanted[:FADE_IN])).all()
    assert kept[0] == 0


@pytest.mark.parametrize("seconds", [0, 0.001, 0.02])
def test_a_short_lead_stays_as_it_is(seconds: float) -> None:
    frames = after_silence(seconds, 50)
    trim = LeadTrim(RATE)
    assert (staged(trim, frames) == frames).all()
    assert trim.dropped == 0


def test_sound_goes_out_with_the_push_that_brings_it() -> None:
    trim = LeadTrim(RATE)
    assert len(trim.push(after_silence(0.3)[:7_200])) == 0
    assert len(trim.push(SOUND[:480].copy())) == PRE_ROLL + 480


def test_after_the_first_sound_frames_pass_untouched() -> None:
    trim = LeadTrim(RATE)
    trim.push(SOUND.copy())
    silence = np.zeros(48_000, np.float32)
    assert trim.push(silence) is silence


@pytest.mark.parametrize("size", [333, 480, 100_000])
def test_a_long_silence_is_taken_as_meant(size: int) -> None:
    frames = after_silence(3)
    trim = LeadTrim(RATE)
    assert len(staged(trim, frames, size)) == len(frames) - round(RATE * 1.48)
    assert trim.dropped == pytest.approx(1.48)


def test_of_silence_alone_the_pre_roll_is_left() -> None:
    trim = LeadTrim(RATE)
    assert len(staged(trim, np.zeros(RATE, np.float32))) == PRE_ROLL
    assert trim.dropped == pytest.approx(0.98)


def test_one_channel_is_enough_to_be_heard() -> None:
    frames = np.stack((np.zeros(7_200 + len(SOUND), np.float32), after_silence(0.3)), axis=1)
    trim = LeadTrim(RATE)
    kept = staged(trim, frames)
    assert kept.shape == (PRE_ROLL + len(SOUND), 2)
    assert (kept[PRE_ROLL:, 1] == SOUND).all()


@given(sizes=CUTS, seconds=st.sampled_from([0.0, 0.1, 0.3, 1.6]))
def test_any_cut_gives_the_same_frames(sizes: list[int], seconds: float) -> None:
    frames = after_silence(seconds, 60)
    assert (staged(LeadTrim(RATE), frames, sizes) == staged(LeadTrim(RATE), frames, [])).all()
