"""Levels as numbers, and the fades at an interrupt. No numpy: an interrupt does not wait for an import."""

from __future__ import annotations

import math
import sys
from array import array

from ..models import AudioFormat

FADE_SECONDS = 0.008
"""Long enough for no thump, too short to be heard as anything but a stop."""

TARGET_LUFS = -18.0
GAIN_LIMIT_DB = 12.0


def volume_factor(volume: float) -> float:
    """The factor of a `volume` setting: 0 is silence, 50 the engine's own, 100 twice the amplitude."""
    return volume / 50


def gain_for(loudness: float | None, target: float = TARGET_LUFS, limit_db: float = GAIN_LIMIT_DB) -> float:
    """The factor that brings a voice of `loudness` (LUFS) to `target`, never more than `limit_db` up or down.

    An unknown loudness is left as it is.
    """
    if loudness is None:
        return 1.0
    change = min(max(target - loudness, -limit_db), limit_db)
    return float(10 ** (change / 20))


def fade_out(pcm: bytes, audio: AudioFormat, seconds: float = FADE_SECONDS) -> bytes:
    """The beginning of `pcm`, `seconds` of it or what there is, faded to zero (raised cosine). The rest is left out."""
    length = min(len(pcm), audio.size(seconds)) // audio.frame_size
    samples = _samples(pcm[: length * audio.frame_size])
    for frame in range(length):
        factor = 0.5 + 0.5 * math.cos(math.pi * (frame + 1) / length)
        for index in range(frame * audio.channels, (frame + 1) * audio.channels):
            samples[index] = round(samples[index] * factor)
    return _bytes(samples)


def decay_tail(last: bytes, audio: AudioFormat, seconds: float = FADE_SECONDS) -> bytes:
    """A ramp to zero from the last frame of `last`, for when everything made so far has been sent."""
    frames = len(last) // audio.frame_size
    frame = last[(frames - 1) * audio.frame_size : frames * audio.frame_size] if frames else b""
    return fade_out(frame * (audio.size(seconds) // audio.frame_size), audio, seconds)


def _samples(pcm: bytes) -> array[int]:
    samples = array("h", pcm)
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def _bytes(samples: array[int]) -> bytes:
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()
