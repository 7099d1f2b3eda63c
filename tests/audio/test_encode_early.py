"""How much audio must be fed before a listener, who has what came of the file until then, hears a sound."""

from __future__ import annotations

from itertools import accumulate

import pytest

from wyoming_server.audio.encode import Container, Encoder
from wyoming_server.models import AudioFormat

from . import quality
from .containers import sounds
from .streams import every

STEP_SECONDS = 0.001
LIMITS = {
    Container.MP3: 100,
    Container.FLAC: 40,
    Container.OGG_OPUS: 40,
    Container.WEBM_OPUS: 60,
    Container.MKA: 60,
    Container.WAV: 20,
    Container.WAV_F32: 20,
    Container.PCM: 20,
}
"""Milliseconds. AAC needs two frames of 1024 before its first, and has no limit."""
FEW = {8_000: 220, 16_000: 110}
"""Of MP3, whose frames last 72 and 36 ms at these rates."""


def fed_before_sound(container: Container, source: AudioFormat, longest: float = 0.5) -> float:
    """Milliseconds of a tone that is there from the start, fed a millisecond at a time."""
    pcm = quality.pcm(quality.tone(440, source.rate, longest))
    encoder = Encoder(container, source)
    made = [encoder.push(piece) for piece in every(source.size(STEP_SECONDS), pcm)]
    files = accumulate(made)
    heard = next((n for n, file in enumerate(files, 1) if made[n - 1] and sounds(file, container, source)), len(made))
    encoder.close()
    return source.seconds(heard * source.size(STEP_SECONDS)) * 1_000


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 24_000, 48_000])
@pytest.mark.parametrize("container", LIMITS)
def test_a_sound_is_heard_early(container: Container, rate: int) -> None:
    limit = FEW.get(rate, LIMITS[container]) if container is Container.MP3 else LIMITS[container]
    assert fed_before_sound(container, AudioFormat(rate=rate)) <= limit


def test_aac_is_heard_after_four_frames() -> None:
    assert fed_before_sound(Container.AAC, AudioFormat(rate=48_000)) <= 90
