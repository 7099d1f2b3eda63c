"""Faster and slower speech: the right length, the same pitch, the same however it is cut, and everything in its place."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from av.filter import Graph
from hypothesis import given, settings
from hypothesis import strategies as st

from wyoming_server.audio.samples import Float32
from wyoming_server.audio.tempo import Tempo
from wyoming_server.errors import BadSetting
from wyoming_server.models import AudioFormat

from . import quality
from .streams import staged

FACTORS = (0.25, 0.4, 0.5, 0.8, 1.0, 1.25, 2.0, 3.0, 4.0)
RATES = (8_000, 16_000, 22_050, 24_000, 48_000)
MONO = AudioFormat(rate=24_000)


def tone(rate: int, seconds: float = 2.0) -> Float32:
    made: Float32 = quality.tone(440, rate, seconds, 8_000).astype(np.float32)
    return made


def speech(rate: int, seconds: float = 1.0) -> Float32:
    made: Float32 = quality.speech(rate, seconds).astype(np.float32)
    return made


def both(left: Float32) -> Float32:
    """The right channel is half as loud."""
    made: Float32 = np.stack((left, left * np.float32(0.5)), axis=1)
    return made


def peak(samples: Float32, rate: int) -> float:
    """Hz of the strongest tone."""
    inner = quality.inner(samples.astype(np.float64), rate)
    return float(np.argmax(np.abs(np.fft.rfft(inner * np.hanning(len(inner)), 1 << 18))) * rate / (1 << 18))


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("rate", RATES)
def test_the_length_changes_and_the_pitch_does_not(rate: int, factor: float) -> None:
    made = staged(Tempo(AudioFormat(rate=rate), factor), tone(rate))
    assert abs(len(made) - 2.0 * rate / factor) <= 1
    assert peak(made, rate) == pytest.approx(440, rel=0.005)
    loud = quality.rms(quality.inner(made.astype(np.float64), rate))
    assert loud == pytest.approx(8_000 / np.sqrt(2), rel=0.1)


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("frames", [1, 10, 480, 2_000, 10_000])
def test_short_audio_has_its_length_too(frames: int, factor: float) -> None:
    assert len(staged(Tempo(MONO, factor), tone(24_000)[:frames])) == round(frames / factor)


@settings(max_examples=25)
@given(
    sizes=st.lists(st.integers(1, 5_000), max_size=20),
    rate=st.sampled_from(RATES),
    factor=st.sampled_from(FACTORS),
    channels=st.sampled_from((1, 2)),
)
def test_any_cut_gives_the_same_frames(sizes: list[int], rate: int, factor: float, channels: int) -> None:
    audio = AudioFormat(rate=rate, channels=channels)
    frames = speech(rate) if channels == 1 else both(speech(rate))
    assert np.array_equal(staged(Tempo(audio, factor), frames, sizes), staged(Tempo(audio, factor), frames, [len(frames)]))


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("rate", RATES)
def test_a_sound_stays_in_its_place_from_the_first_to_the_last(rate: int, factor: float) -> None:
    burst = tone(rate, 0.05 * max(1, factor))
    frames = np.zeros(2 * rate + len(burst), np.float32)
    starts = (0, rate, 2 * rate)
    for start in starts:
        frames[start : start + len(burst)] = burst
    made = np.abs(staged(Tempo(AudioFormat(rate=rate), factor), frames))
    for start in starts:
        middle = round((start + len(burst) / 2) / factor)
        near = made[max(0, middle - rate // 20) : middle + rate // 20]
        assert near.max() > 6_000
    between = round((rate / 2 + len(burst)) / factor)
    assert made[between - 10 : between + 10].max() < 1


def test_stereo_stays_stereo() -> None:
    frames = both(tone(24_000))
    made = staged(Tempo(AudioFormat(rate=24_000, channels=2), 1.5), frames)
    assert made.shape == (32_000, 2)
    assert np.allclose(made[:, 0], made[:, 1] * 2, atol=0.01)


@pytest.mark.parametrize(("factor", "limit"), [(0.5, 0.1), (0.8, 0.1), (1.25, 0.1), (2.0, 0.1), (0.25, 0.1), (4.0, 0.25)])
def test_little_is_held_back(factor: float, limit: float) -> None:
    stage, held = Tempo(MONO, factor), 0.0
    taken = made = 0
    for piece in np.split(speech(24_000, 2.0), 100):
        taken += len(piece)
        made += len(stage.push(piece))
        held = max(held, taken - made * factor)
    assert held / 24_000 <= limit


def test_nothing_in_nothing_out() -> None:
    stage = Tempo(MONO, 2)
    assert len(stage.flush()) == 0
    stage.close()


@pytest.mark.parametrize("end", ["flush", "close"])
def test_the_filters_are_freed_at_the_end(end: str) -> None:
    gc.collect()
    gc.disable()
    try:
        before = graphs()
        stage = Tempo(MONO, 3)
        stage.push(speech(24_000))
        assert graphs() == before + 1
        getattr(stage, end)()
        assert graphs() == before
    finally:
        gc.enable()


def graphs() -> int:
    return sum(isinstance(thing, Graph) for thing in gc.get_objects())


@pytest.mark.parametrize("factor", [0.0, 0.24, 4.01, -1.0, float("nan")])
def test_a_factor_out_of_range_is_refused_with_the_numbers(factor: float) -> None:
    with pytest.raises(BadSetting, match=r"by a factor of 0\.25 to 4, not "):
        Tempo(MONO, factor)


def test_more_than_two_channels_are_refused() -> None:
    with pytest.raises(BadSetting, match="mono or stereo"):
        Tempo(AudioFormat(rate=24_000, channels=6), 2)
