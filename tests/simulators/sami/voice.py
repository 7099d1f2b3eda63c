"""The other voice: polarity inverted, at the wanted rate and number of channels. The same bytes for the same bytes every time."""

from __future__ import annotations

import numpy as np

from wyoming_server.audio.ffmpeg import Converter
from wyoming_server.models import AudioFormat


class Voice:
    """One stream of audio."""

    def __init__(self, source: AudioFormat, target: AudioFormat) -> None:
        self._converter = Converter(source, target)

    def push(self, pcm: bytes) -> bytes:
        return inverted(self._converter.push(pcm))

    def flush(self) -> bytes:
        """The rest. Nothing is pushed afterwards."""
        return inverted(self._converter.flush())

    def close(self) -> None:
        """Twice is fine."""
        self._converter.close()


def inverted(pcm: bytes) -> bytes:
    """The lowest sample, which has no opposite, becomes the highest."""
    samples = np.maximum(np.frombuffer(pcm, "<i2"), -32_767)
    return bytes(np.negative(samples).astype("<i2").tobytes())


def converted(pcm: bytes, source: AudioFormat, target: AudioFormat) -> bytes:
    """What the service makes of it."""
    voice = Voice(source, target)
    return voice.push(pcm) + voice.flush()
