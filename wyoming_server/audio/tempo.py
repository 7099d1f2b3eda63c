"""Speech made faster or slower at its own pitch, as a stage: FFmpeg's atempo, windows that overlap where they fit."""

from __future__ import annotations

import numpy as np

from ..errors import BadSetting
from ..models import SETTING_RANGES, AudioFormat
from .ffmpeg import FloatFilters
from .samples import EMPTY, FULL_SCALE, Float32, joined

STEP_MIN, STEP_MAX = 0.5, 2.0
"""What one filter does well; beyond, two share the work. Above 2 it would leave audio out instead of blending it."""

_WINDOWS_PER_SECOND = 24
"""The filter takes the next power of two frames."""
_SETTLING = 8
"""Windows of silence that bring out all that the filters hold."""


class Tempo:
    """Audio at `factor` times the speed, 0.25 to 4: frames / factor come out.

    Some 40 to 100 ms are held back, above twice the speed 200 to 300 ms. A sound is up to a window (43 to 64 ms) off its place.
    """

    def __init__(self, audio: AudioFormat, factor: float) -> None:
        low, high = SETTING_RANGES["speed"]
        if not low <= factor <= high:
            msg = f"The speed is changed by a factor of {low} to {high}, not {factor}."
            raise BadSetting(msg)
        if audio.channels not in (1, 2):
            msg = f"The speed of mono or stereo is changed, not of {audio.channels} channels."
            raise BadSetting(msg)
        self._channels = audio.channels
        self._factor = factor
        steps = [factor] if STEP_MIN <= factor <= STEP_MAX else [factor**0.5] * 2
        self._filters = FloatFilters(audio, [("atempo", f"{step:.9g}") for step in steps])
        self._window = 1 << (audio.rate // _WINDOWS_PER_SECOND - 1).bit_length()
        # every filter leaves out the first half of its first window
        self._lead = round(self._window / 2 * (1 if len(steps) == 1 else 1 + steps[0]))
        self._taken = self._given = 0

    def push(self, frames: Float32) -> Float32:
        lead = self._silence(0 if self._taken else self._lead)
        self._taken += len(frames)
        made = self._work(joined((lead, frames)))
        self._given += len(made)
        return made

    def flush(self) -> Float32:
        if not self._taken:
            return EMPTY
        silence = self._silence(_SETTLING * self._window)
        rest = joined((self._work(silence), self._frames(self._filters.flush())))
        return rest[: max(0, round(self._taken / self._factor) - self._given)]

    def close(self) -> None:
        """Free the filters, where the rest is not wanted. Twice is fine; nothing is pushed afterwards."""
        self._filters.close()

    def _work(self, frames: Float32) -> Float32:
        return self._frames(self._filters.push((frames / np.float32(FULL_SCALE)).tobytes()))

    def _silence(self, count: int) -> Float32:
        return np.zeros((count, 2)[: self._channels], np.float32)

    def _frames(self, samples: bytes) -> Float32:
        frames = np.frombuffer(samples, np.float32) * np.float32(FULL_SCALE)
        return frames if self._channels == 1 else frames.reshape(-1, self._channels)
