"""The meter against values that ITU-R BS.1770 and EBU Tech 3341 fix."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pytest

from wyoming_server.audio.loudness import LoudnessMeter

from . import quality

RATES = [16_000, 22_050, 24_000, 48_000]


def full_scale(decibels: float) -> float:
    return 32768 * 10 ** (decibels / 20)


def loudness(samples: quality.Signal, rate: int, size: int | None = None) -> float | None:
    meter = LoudnessMeter(rate)
    size = size or rate // 50
    for start in range(0, len(samples), size):
        meter.push(samples[start : start + size].astype(np.float32))
    return meter.integrated()


@pytest.mark.parametrize("rate", [8_000, *RATES, 11_025, 96_000])
@pytest.mark.parametrize("decibels", [0, -20, -40])
def test_a_sine_is_3_lu_below_its_level(rate: int, decibels: float) -> None:
    sine = quality.tone(997, rate, 3, full_scale(decibels))
    assert loudness(sine, rate) == pytest.approx(decibels - 3.01, abs=0.1)


SHELF = ((1.53512485958697, -2.69169620938640, 1.19839281085285), (-1.69065929318241, 0.73248077421585))
HIGH_PASS = ((1.0, -2.0, 1.0), (-1.99004745483398, 0.99007225036621))


def filtered(samples: Iterable[float], numerator: tuple[float, ...], feedback: tuple[float, ...]) -> Iterator[float]:
    """A second-order filter as the standard draws it, sample by sample."""
    first = second = 0.0
    for sample in samples:
        inner = sample - feedback[0] * first - feedback[1] * second
        yield numerator[0] * inner + numerator[1] * first + numerator[2] * second
        first, second = inner, first


def by_the_book(samples: quality.Signal) -> float:
    """Loudness at 48 kHz: filtered in time, then the mean over all blocks (nothing here is quiet enough for a gate)."""
    weighted = np.fromiter(filtered(filtered((samples / 32768).tolist(), *SHELF), *HIGH_PASS), float)
    hops = np.mean(weighted.reshape(-1, 4_800) ** 2, axis=1)
    return float(-0.691 + 10 * np.log10(np.convolve(hops, np.full(4, 0.25), "valid").mean()))


@pytest.mark.parametrize("frequency", [40, 60, 100, 500, 2_000, 3_500, 7_000])
def test_the_spectrum_weighs_as_the_standards_filters(frequency: float) -> None:
    wanted = by_the_book(quality.tone(frequency, 48_000, 1, full_scale(-20)))
    for rate in RATES:
        assert loudness(quality.tone(frequency, rate, 1, full_scale(-20)), rate) == pytest.approx(wanted, abs=0.1)


def test_speech_is_as_loud_as_the_standards_filters_say() -> None:
    speech = quality.speech(48_000, 2)
    assert loudness(speech, 48_000) == pytest.approx(by_the_book(speech), abs=0.02)


def test_two_equal_channels_are_3_lu_louder_than_one() -> None:
    sine = quality.tone(997, 24_000, 3, full_scale(-23))
    assert loudness(np.stack((sine, sine), axis=1), 24_000) == pytest.approx(-23.0, abs=0.1)


def levels(*parts: tuple[float, float]) -> quality.Signal:
    """A stereo tone of (dBFS, seconds) after one another, as in EBU Tech 3341."""
    mono = np.concatenate([quality.tone(1_000, 24_000, seconds, full_scale(level)) for level, seconds in parts])
    return np.stack((mono, mono), axis=1)


@pytest.mark.parametrize(
    "parts",
    [
        [(-36, 10), (-23, 60), (-36, 10)],
        [(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)],
        [(-26, 20), (-20, 20.1), (-26, 20)],
    ],
    ids=["case 3", "case 4", "case 5"],
)
def test_pauses_and_quiet_parts_are_gated_out(parts: list[tuple[float, float]]) -> None:
    assert loudness(levels(*parts), 24_000, 24_000) == pytest.approx(-23.0, abs=0.1)


@pytest.mark.parametrize(
    "samples", [np.zeros(0), np.zeros(48_000), quality.tone(997, 24_000, 0.39), quality.tone(997, 24_000, 2, 5)]
)
def test_what_has_no_loudness_has_none(samples: quality.Signal) -> None:
    assert loudness(samples, 24_000) is None


def test_a_short_word_has_one() -> None:
    assert loudness(quality.tone(997, 24_000, 0.4, full_scale(-20)), 24_000) == pytest.approx(-23.01, abs=0.1)


@pytest.mark.parametrize("size", [1, 160, 2_399, 2_401, 48_000])
def test_any_cut_gives_the_same_loudness(size: int) -> None:
    speech = quality.speech(24_000, 1)
    assert loudness(speech, 24_000, size) == loudness(speech, 24_000)


def test_twice_the_amplitude_is_6_lu_louder() -> None:
    speech = quality.speech(24_000, 2)
    quiet, loud = loudness(speech / 2, 24_000), loudness(speech, 24_000)
    assert quiet is not None
    assert loud == pytest.approx(quiet + 6.02, abs=0.01)


def test_as_a_stage_it_changes_nothing() -> None:
    meter = LoudnessMeter(24_000)
    frames = np.ones(480, np.float32)
    assert meter.push(frames) is frames
    assert len(meter.flush()) == 0
