"""How loud a voice is: integrated loudness by ITU-R BS.1770, with both gates.

The K-weighting is applied to the spectrum of each 100 ms, which costs a few microseconds where a filter in Python would cost
milliseconds, and gives the standard's response at every rate.
"""

from __future__ import annotations

import math
from array import array
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from .samples import EMPTY, FULL_SCALE, Float32

HOP_SECONDS = 0.1
HOPS_PER_BLOCK = 4
"""A block of the standard: 400 ms, beginning every 100 ms."""
ABSOLUTE_GATE = -70.0
"""LUFS: quieter blocks are pauses."""
RELATIVE_GATE = -10.0
"""LU below the mean of the louder blocks."""

_OFFSET = -0.691
_TABLE_RATE = 48_000
_K_WEIGHTING = (
    # The filters of BS.1770 (numerator, denominator) at 48 kHz: the head's shelf, then the high-pass.
    ((1.53512485958697, -2.69169620938640, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585)),
    ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621)),
)


class LoudnessMeter:
    """Listens to a stream and changes nothing; as a stage it stands before any gain."""

    def __init__(self, rate: int) -> None:
        self._hop = round(rate * HOP_SECONDS)
        self._weights = _power_weights(self._hop, rate)
        self._heard = EMPTY
        """Room for one hop, of which `_filled` frames are taken."""
        self._filled = 0
        self._powers = array("d")
        """Weighted mean square of each hop; 1 is full scale."""

    def push(self, frames: Float32) -> Float32:
        if not len(self._heard):
            self._heard = np.empty((self._hop, *frames.shape[1:]), np.float32)
        start = 0
        while start < len(frames):
            part = frames[start : start + self._hop - self._filled]
            self._heard[self._filled : self._filled + len(part)] = part
            self._filled += len(part)
            start += len(part)
            if self._filled == self._hop:
                self._powers.append(self._power())
                self._filled = 0
        return frames

    def flush(self) -> Float32:
        return EMPTY

    def integrated(self) -> float | None:
        """LUFS of what was heard so far; `None` before 400 ms, and where all was silence."""
        hops = np.frombuffer(self._powers)
        if len(hops) < HOPS_PER_BLOCK:
            return None
        blocks = np.convolve(hops, np.full(HOPS_PER_BLOCK, 1 / HOPS_PER_BLOCK), "valid")
        blocks = blocks[blocks > _power(ABSOLUTE_GATE)]
        if not len(blocks):
            return None
        blocks = blocks[blocks > blocks.mean() * 10 ** (RELATIVE_GATE / 10)]
        return _OFFSET + 10 * math.log10(blocks.mean())

    def _power(self) -> float:
        spectrum = np.fft.rfft(self._heard, axis=0)
        power = spectrum.real**2 + spectrum.imag**2
        return float(np.sum(self._weights @ power))


def _power(loudness: float) -> float:
    """Weighted mean square at `loudness` (LUFS)."""
    return float(10 ** ((loudness - _OFFSET) / 10))


@lru_cache(maxsize=8)
def _power_weights(hop: int, rate: int) -> npt.NDArray[np.float32]:
    """What each bin of a hop's power spectrum adds to the weighted mean square."""
    frequencies = np.minimum(np.fft.rfftfreq(hop, 1 / rate), _TABLE_RATE / 2)
    turn = np.exp(-2j * np.pi * frequencies / _TABLE_RATE)
    weights = np.full(len(turn), 2 / (hop * FULL_SCALE) ** 2)
    for numerator, denominator in _K_WEIGHTING:
        weights *= np.abs(np.polyval(numerator[::-1], turn) / np.polyval(denominator[::-1], turn)) ** 2
    return weights.astype(np.float32)
