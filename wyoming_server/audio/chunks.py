"""How much PCM goes out in one network write: at once while the listener may run dry, in large chunks once it is ahead.

What a chunk costs hardly depends on its size, so large ones save most of the work. Pure: the clock is an argument; no numpy.
"""

from __future__ import annotations

import math

from ..models import AudioFormat

FIRST_SECONDS = 0.04
LARGEST_SECONDS = 0.25
LEAD_SHARE = 0.5
"""How much of the listener's lead may be used up by holding audio back."""


class ChunkPolicy:
    """Cuts one reply's PCM into chunks of whole frames.

    The lead is how long the listener can go on playing what it has been sent; after it ran dry, it counts from zero again.
    Audio is held back, at most half the lead or 250 ms of it, until half the lead is used up. Times are monotonic seconds.
    """

    def __init__(self, audio: AudioFormat) -> None:
        self._frame_size = audio.frame_size
        self._bytes_per_second = audio.frame_size * audio.rate
        self._largest = audio.size(LARGEST_SECONDS)
        self._limit = audio.size(FIRST_SECONDS)
        """Bytes of the next chunk at most."""
        self._enough = self._frame_size
        """Bytes that are not held back any longer."""
        self._hold_until = -math.inf
        self._dry_at = -math.inf
        """When the listener will have played all that was sent."""
        self._pieces: list[bytes] = []
        self._pending = 0

    @property
    def pending(self) -> int:
        """Bytes held back."""
        return self._pending

    @property
    def deadline(self) -> float | None:
        """When to call `due`; `None` while nothing is held back."""
        return self._hold_until if self._pending >= self._frame_size else None

    def lead(self, now: float) -> float:
        """Seconds that the listener can go on playing what it has been sent."""
        return max(0.0, self._dry_at - now)

    def push(self, pcm: bytes, now: float) -> list[bytes]:
        """The chunks to send now that `pcm` is there too."""
        self._pieces.append(pcm)
        self._pending += len(pcm)
        if self._pending < self._enough and now < self._hold_until:
            return []
        return self._cut(now)

    def due(self, now: float) -> list[bytes]:
        """The chunks to send at the deadline; nothing before it."""
        return self._cut(now) if now >= self._hold_until else []

    def flush(self) -> list[bytes]:
        """All that is held back: the reply is at its end, or cut off. A part of a frame is dropped."""
        data = b"".join(self._pieces)
        self._pieces.clear()
        self._pending = 0
        end = len(data) - len(data) % self._frame_size
        return [data[start : min(start + self._largest, end)] for start in range(0, end, self._largest)]

    def _cut(self, now: float) -> list[bytes]:
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        chunks = []
        start, left = 0, len(data)
        while left >= self._frame_size and (left >= self._enough or now >= self._hold_until):
            size = min(left - left % self._frame_size, self._limit)
            chunks.append(data[start : start + size])
            self._sent(size, now)
            start += size
            left -= size
        self._pieces = [data[start:]] if left else []
        self._pending = left
        return chunks

    def _sent(self, size: int, now: float) -> None:
        self._dry_at = max(self._dry_at, now) + size / self._bytes_per_second
        spare = (self._dry_at - now) * LEAD_SHARE
        self._hold_until = now + spare
        self._enough = min(int(spare * self._bytes_per_second), self._largest)
        self._limit = self._largest
