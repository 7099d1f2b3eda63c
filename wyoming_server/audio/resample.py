"""Any rate to any rate, mono to stereo and back, as a stage. soxr HQ in float32: its 16-bit mode dithers at random.

The filter holds back some 40 ms of audio, which its flush brings out; meant for sources faster than real time.
"""

from __future__ import annotations

import atexit
import weakref

import numpy as np
import soxr  # type: ignore[import-untyped, unused-ignore]  # it ships no types

from ..errors import BadSetting
from ..models import AudioFormat
from .samples import EMPTY, Float32

QUALITY = "HQ"


class Resampler:
    """Frames of `source` made into frames of `target`; only the channels where the rates are equal.

    The output has round(frames * target.rate / source.rate) frames, halves up.
    """

    def __init__(self, source: AudioFormat, target: AudioFormat) -> None:
        if not {source.channels, target.channels} <= {1, 2}:
            msg = f"Audio is made mono or stereo, not {target.channels} channels out of {source.channels}."
            raise BadSetting(msg)
        self._downmix = source.channels > target.channels
        self._upmix = source.channels < target.channels
        self._stream: soxr.ResampleStream | None = None
        if source.rate != target.rate:
            channels = min(source.channels, target.channels)
            self._stream = soxr.ResampleStream(source.rate, target.rate, channels, dtype="float32", quality=QUALITY)
            self._nothing = np.zeros((0, 2)[:channels], np.float32)
            _LIVE.add(self)

    def push(self, frames: Float32) -> Float32:
        if self._downmix:
            frames = (frames[:, 0] + frames[:, 1]) * np.float32(0.5)
        if self._stream:
            frames = self._stream.resample_chunk(frames)
        return self._spread(frames)

    def flush(self) -> Float32:
        if not self._stream:
            return EMPTY
        rest = self._stream.resample_chunk(self._nothing, last=True)
        self.close()
        return self._spread(rest)

    def close(self) -> None:
        """Free the filter."""
        self._stream = None

    def _spread(self, frames: Float32) -> Float32:
        return np.column_stack((frames, frames)) if self._upmix else frames


_LIVE: weakref.WeakSet[Resampler] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """The bindings print "leaked instance" for every filter that outlives the interpreter."""
    for resampler in list(_LIVE):
        resampler.close()
