"""Any rate to any rate, mono to stereo and back, as a stage, for audio that comes no faster than it is heard.

FFmpeg's resampler holds back 2 ms, where soxr's better filter (see `resample`) holds back 40.
"""

from __future__ import annotations

import numpy as np

from ..models import AudioFormat
from .ffmpeg import FloatFilters, resampling
from .samples import FULL_SCALE, Float32

_MEAN = ("pan", "mono|c0=0.5*c0+0.5*c1")
"""FFmpeg's own way from stereo to mono, in floats, is 3 dB louder than the mean."""


class LiveResampler:
    """Frames of `source` made into frames of `target`."""

    def __init__(self, source: AudioFormat, target: AudioFormat) -> None:
        self._channels = target.channels
        mixing = [_MEAN] if source.channels > target.channels else []
        self._filters = FloatFilters(source, [*mixing, *resampling(min(source.channels, target.channels), target)], target)

    def push(self, frames: Float32) -> Float32:
        return self._frames(self._filters.push((frames / np.float32(FULL_SCALE)).tobytes()))

    def flush(self) -> Float32:
        return self._frames(self._filters.flush())

    def close(self) -> None:
        """Free the filters, where the rest is not wanted. Twice is fine; nothing is pushed afterwards."""
        self._filters.close()

    def _frames(self, samples: bytes) -> Float32:
        frames = np.frombuffer(samples, np.float32) * np.float32(FULL_SCALE)
        return frames if self._channels == 1 else frames.reshape(-1, self._channels)
