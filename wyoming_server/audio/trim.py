"""The stage that drops the silence before a reply's first sound: encoders' delay, and engines that take a breath."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .samples import EMPTY, Float32, amplitude, joined

THRESHOLD_DBFS = -50.0
PRE_ROLL_SECONDS = 0.02
"""Kept before the first sound: soft consonants begin below the threshold."""
FADE_IN_SECONDS = 0.001
GIVE_UP_SECONDS = 1.5
"""From here on silence is taken as meant."""


class LeadTrim:
    """Drops silence at the start of a stream, then lets everything through as it is."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._threshold = amplitude(THRESHOLD_DBFS)
        self._pre_roll = round(rate * PRE_ROLL_SECONDS)
        self._to_search = round(rate * GIVE_UP_SECONDS)
        self._held = EMPTY
        self._started = False
        self._dropped = 0

    @property
    def dropped(self) -> float:
        """Seconds left out so far."""
        return self._dropped / self._rate

    @property
    def started(self) -> bool:
        """Whether the first sound has come: `dropped` is final."""
        return self._started

    def push(self, frames: Float32) -> Float32:
        if self._started:
            return frames
        onset = self._onset(frames)
        self._started = onset is not None
        silent = len(self._held) + (len(frames) if onset is None else onset)
        kept = self._cut(joined((self._held, frames)), silent - self._pre_roll)
        if onset is None:
            self._held = kept
            return EMPTY
        self._held = EMPTY
        return self._faded(kept)

    def flush(self) -> Float32:
        return self._faded(self._held)

    def _onset(self, frames: Float32) -> int | None:
        """Index of the first sound, or of where the search ends."""
        level = np.abs(frames[: self._to_search])
        loud = (level if level.ndim == 1 else level.max(axis=1)) > self._threshold
        if loud.any():
            return int(loud.argmax())
        if self._to_search <= len(frames):
            return self._to_search
        self._to_search -= len(frames)
        return None

    def _cut(self, frames: Float32, count: int) -> Float32:
        if count <= 0:
            return frames
        self._dropped += count
        return frames[count:]

    def _faded(self, frames: Float32) -> Float32:
        """A cut is ours to soften; a start that nothing was cut from is left as it is."""
        if self._dropped:
            ramp = _fade_in(self._rate)[: len(frames)]
            head = frames[: len(ramp)]
            head *= ramp if frames.ndim == 1 else ramp[:, np.newaxis]
        return frames


@lru_cache(maxsize=8)
def _fade_in(rate: int) -> Float32:
    return np.linspace(0, 1, round(rate * FADE_IN_SECONDS), endpoint=False, dtype=np.float32)
