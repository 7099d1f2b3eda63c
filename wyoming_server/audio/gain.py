"""Stages that change the level: a constant factor, and a peak limiter behind it."""

from __future__ import annotations

import numpy as np

from .samples import EMPTY, Float32, amplitude, joined

PEAK_DBFS = -1.0
LOOK_AHEAD_SECONDS = 0.002
RELEASE_SECONDS = 0.1
"""From silence back to full level; a smaller reduction is gone sooner."""

_UNIT = 1 << 30
"""A reduction to silence. Whole numbers, so that no sum depends on where the stream was cut."""


class Gain:
    """Every sample times `factor`."""

    def __init__(self, factor: float) -> None:
        self._factor = np.float32(factor)

    def push(self, frames: Float32) -> Float32:
        return np.multiply(frames, self._factor, out=frames)

    def flush(self) -> Float32:
        return EMPTY


class Limiter:
    """Keeps every peak at or below -1 dBFS and leaves all else untouched. Holds 2 ms back.

    The reduction is the lowest curve above what each peak needs that rises no faster than from none to silence within the
    look-ahead, and falls no faster than back within the release.
    """

    def __init__(self, rate: int) -> None:
        self._peak = amplitude(PEAK_DBFS)
        self._ahead = round(rate * LOOK_AHEAD_SECONDS)
        self._rise = -(-_UNIT // self._ahead)
        self._fall = _UNIT // round(rate * RELEASE_SECONDS)
        self._held = EMPTY
        self._reduction = 0
        """At the last frame that was given out."""

    def push(self, frames: Float32) -> Float32:
        block = joined((self._held, frames))
        return self._give(block, max(0, len(block) - self._ahead))

    def flush(self) -> Float32:
        return self._give(self._held, len(self._held))

    def _give(self, block: Float32, count: int) -> Float32:
        """The first `count` frames of `block`; the others are looked ahead at, and kept."""
        self._held = block[count:]
        given = block[:count]
        if count and (self._reduction or max(block.max(), -block.min()) > self._peak):
            reduction = self._curve(block, count)
            self._reduction = int(reduction[-1])
            factor = (1 - reduction / _UNIT).astype(np.float32)
            given *= factor if given.ndim == 1 else factor[:, np.newaxis]
        return given

    def _curve(self, block: Float32, count: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        level = np.abs(block).astype(np.float64)
        if level.ndim > 1:
            level = level.max(axis=1)
        need = np.ceil((1 - self._peak / np.maximum(level, self._peak)) * _UNIT).astype(np.int64)
        index = np.arange(len(block), dtype=np.int64)
        climb = index * self._rise
        rising = np.maximum.accumulate((need - climb)[::-1])[::-1] + climb
        descent = index[:count] * self._fall
        falling = np.maximum.accumulate(rising[:count] + descent) - descent
        return np.maximum(falling, self._reduction - self._fall - descent)
