"""PCM as it stands in containers that need no codec. What FFmpeg codes is in `ffmpeg`; numpy is imported with the first float."""

from __future__ import annotations

from typing import Protocol

from ..models import AudioFormat

BLOCK_SECONDS = 0.02


class Coder(Protocol):
    """16-bit PCM in whole frames in, packets of a codec out, as they are made."""

    head: bytes
    """What a decoder must know first, in the codec's own form; may be empty."""
    packet_frames: int
    """Frames of audio in each packet but the last; 0: as they come."""

    def encode(self, pcm: bytes) -> list[bytes]:
        """The packets that are whole now; `pcm` is never empty."""

    def flush(self) -> list[bytes]:
        """The rest, at the end of the stream."""

    def close(self) -> None:
        """Free what it holds. Twice is fine; nothing is called afterwards."""


class Samples:
    """16-bit PCM as it is."""

    head = b""
    packet_frames = 0

    def __init__(self, _audio: AudioFormat) -> None:
        pass

    def encode(self, pcm: bytes) -> list[bytes]:
        return [pcm]

    def flush(self) -> list[bytes]:
        return []

    def close(self) -> None:
        pass


class FloatSamples(Samples):
    """32-bit floats; full scale is 1."""

    def encode(self, pcm: bytes) -> list[bytes]:
        import numpy as np  # noqa: PLC0415  # see the top

        return [(np.frombuffer(pcm, "<i2") / np.float32(32_768)).astype("<f4").tobytes()]


class Blocks:
    """16-bit PCM in blocks of 20 ms."""

    head = b""

    def __init__(self, audio: AudioFormat) -> None:
        self._size = audio.size(BLOCK_SECONDS)
        self.packet_frames = self._size // audio.frame_size
        self._rest = b""

    def encode(self, pcm: bytes) -> list[bytes]:
        pcm = self._rest + pcm
        whole = len(pcm) - len(pcm) % self._size
        self._rest = pcm[whole:]
        return [pcm[start : start + self._size] for start in range(0, whole, self._size)]

    def flush(self) -> list[bytes]:
        return [self._rest] if self._rest else []

    def close(self) -> None:
        self._rest = b""
