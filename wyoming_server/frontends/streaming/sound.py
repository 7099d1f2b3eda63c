"""PCM made the file that a client asked for. Knows the loop's clock, and no socket."""

from __future__ import annotations

import asyncio

from ...audio.encode import Container, Encoder
from ...audio.level import decay_tail
from ...models import AudioFormat

OPEN_AFTER = 0.005
"""Seconds after a reply's begin that its codec is opened: the engine has its text by then, and thinks. The first imports PyAV."""


class Sound:
    """One file, of PCM in the format `audio`."""

    def __init__(self, container: Container, audio: AudioFormat) -> None:
        self.audio = audio
        self._container = container
        self._encoder: Encoder | None = None
        self._opening: asyncio.TimerHandle | None = None
        self._last_frame = b""

    def begin(self) -> None:
        """PCM will come."""
        self._opening = asyncio.get_running_loop().call_later(OPEN_AFTER, self._opened)

    def push(self, pcm: bytes) -> bytes:
        """What of the file is made now."""
        self._last_frame = pcm[-self.audio.frame_size :]
        return self._opened().push(pcm)

    def end(self, *, cut: bool) -> bytes:
        """The rest of a whole file, also where nothing came. One that is `cut` short fades: a hard stop clicks."""
        encoder = self._opened()
        tail = decay_tail(self._last_frame, self.audio) if cut else b""
        return encoder.push(tail) + encoder.flush()

    def close(self) -> None:
        """Free what it took. Twice is fine."""
        if self._opening is not None:
            self._opening.cancel()
        if self._encoder is not None:
            self._encoder.close()

    def _opened(self) -> Encoder:
        if self._encoder is None:
            self._encoder = Encoder(self._container, self.audio)
        return self._encoder
