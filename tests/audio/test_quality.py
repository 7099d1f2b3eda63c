"""The measures themselves: each of them sees the bug it is there for, and a good signal passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import pytest

from wyoming_server.audio.chain import PcmChain
from wyoming_server.audio.resample import Resampler
from wyoming_server.models import AudioFormat

from . import quality
from .streams import paced, through
from .test_resample import ALIAS_DB, BAND_SNR_DB, BORDER_RATIO, SPIKES, TONE_SNR_DB

Path: TypeAlias = Callable[[bytes], bytes]

SOURCE, TARGET = 24_000, 16_000
AUDIO = AudioFormat(rate=SOURCE)


def fresh() -> PcmChain:
    return PcmChain(AUDIO, [Resampler(AUDIO, AudioFormat(rate=TARGET))])


def good(pcm: bytes) -> bytes:
    return through(fresh(), paced(AUDIO, pcm))


def fresh_for_every_chunk(pcm: bytes) -> bytes:
    return b"".join(through(fresh(), [piece]) for piece in paced(AUDIO, pcm))


def never_flushed(pcm: bytes) -> bytes:
    return fresh().push(pcm)


def one_sample_lost(pcm: bytes) -> bytes:
    out = good(pcm)
    return out[:10_000] + out[10_002:]


def shifted_by_a_byte(pcm: bytes) -> bytes:
    return b"\0" + good(pcm)[:-1]


def linear(pcm: bytes) -> bytes:
    samples = quality.signal(pcm)
    return quality.pcm(np.interp(np.arange(len(samples) * TARGET // SOURCE) * SOURCE / TARGET, np.arange(len(samples)), samples))


def tone(path: Path, frequency: float = 1_000) -> quality.Signal:
    return quality.signal(path(quality.pcm(quality.tone(frequency, SOURCE))))


def spoken(path: Path) -> tuple[quality.Signal, quality.Signal]:
    """What a path makes of speech, at the wanted length, and what it should make."""
    speech = quality.speech(SOURCE, 4)
    wanted = quality.reference(speech, len(speech) * TARGET // SOURCE)
    out = quality.signal(path(quality.pcm(speech)))
    return np.pad(out, (0, max(0, len(wanted) - len(out))))[: len(wanted)], wanted


@pytest.mark.parametrize("path", [fresh_for_every_chunk, one_sample_lost, shifted_by_a_byte, linear])
def test_sinad_sees_a_bad_path(path: Path) -> None:
    assert quality.sinad(tone(path), 1_000, TARGET) < TONE_SNR_DB - 30


def test_spikes_see_seams() -> None:
    assert quality.spikes(tone(fresh_for_every_chunk), 1_000, TARGET) > SPIKES + 2


def test_alias_sees_a_missing_filter() -> None:
    assert quality.alias(tone(linear, 1.12 * TARGET / 2), TARGET) > ALIAS_DB + 50


@pytest.mark.parametrize("path", [never_flushed, one_sample_lost])
def test_the_length_shows_what_was_lost(path: Path) -> None:
    assert len(tone(good)) == TARGET
    assert len(tone(path)) < TARGET


def test_the_border_ratio_sees_seams() -> None:
    assert quality.border_ratio(spoken(good)[0], TARGET, 0.02) < 1.1
    assert quality.border_ratio(spoken(fresh_for_every_chunk)[0], TARGET, 0.02) > BORDER_RATIO


@pytest.mark.parametrize("path", [fresh_for_every_chunk, one_sample_lost, shifted_by_a_byte, linear])
def test_the_band_snr_sees_a_bad_path(path: Path) -> None:
    out, wanted = spoken(path)
    assert quality.band_snr(out, wanted, TARGET) < BAND_SNR_DB - 15


def test_the_ideal_itself_has_no_error() -> None:
    ideal = quality.reference(quality.tone(1_000, SOURCE), TARGET)
    assert quality.sinad(ideal, 1_000, TARGET) > 150
    assert quality.band_snr(ideal, quality.tone(1_000, TARGET), TARGET) > 150
