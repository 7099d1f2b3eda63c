"""PCM bytes as numpy arrays and back. Inside, samples are float32 at the scale of 16-bit PCM: full scale is 32768.

Frames are an array of shape (frames,) for mono and (frames, channels) otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Float32: TypeAlias = npt.NDArray[np.float32]

FULL_SCALE = 32768.0
EMPTY: Float32 = np.zeros(0, np.float32)
"""No frames, of any number of channels."""

_INT16 = np.dtype("<i2")
_LOW, _HIGH = np.float32(-32768), np.float32(32767)


def from_pcm(pcm: bytes, channels: int) -> Float32:
    """A new array of the whole frames in `pcm`."""
    frames = np.frombuffer(pcm, _INT16).astype(np.float32)
    return frames if channels == 1 else frames.reshape(-1, channels)


def to_pcm(frames: Float32) -> bytes:
    """Rounded and clipped; the array is used up. No dither: the same audio gives the same bytes."""
    np.rint(frames, out=frames)
    frames.clip(_LOW, _HIGH, out=frames)
    return frames.astype(_INT16).tobytes()


def joined(parts: Iterable[Float32]) -> Float32:
    """All frames in one array, without a copy where one part has them all."""
    filled = [part for part in parts if len(part)]
    if len(filled) > 1:
        return np.concatenate(filled)
    return filled[0] if filled else EMPTY


def amplitude(decibels: float) -> float:
    """dBFS as an amplitude in samples."""
    return float(FULL_SCALE * 10 ** (decibels / 20))
