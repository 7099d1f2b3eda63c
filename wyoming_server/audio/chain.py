"""PCM through a row of stages: made float once, rounded and clipped once, whatever the stages do.

numpy is imported only by a chain that has a stage; without one the bytes that come in go out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from ..models import AudioFormat
from .frames import WholeFrames

if TYPE_CHECKING:
    from .samples import Float32

SAMPLE_WIDTH = 2
"""Bytes."""

PIECE_FRAMES = 9_600
"""Worked on in one go: 0.1 s at 96 kHz, for which all stages take 1.3 ms in stereo. Less of it would cost hardly less."""
FIRST_FRAMES = 2_400
"""The same before anything was heard: 0.1 s at 24 kHz."""


class Stage(Protocol):
    """One step on float frames (see `samples`). The same stream gives the same frames however it is cut into pushes.

    An array that is given becomes the stage's own, one that it returns becomes the caller's.
    """

    def push(self, frames: Float32) -> Float32:
        """What can be told now; may be empty. `frames` never is."""

    def flush(self) -> Float32:
        """The rest, at the end of the stream. Nothing is pushed afterwards."""


class PcmChain:
    """Runs PCM of one format through `stages`."""

    def __init__(self, source: AudioFormat, stages: Sequence[Stage] = ()) -> None:
        if source.width != SAMPLE_WIDTH:
            msg = f"PCM is worked on with {SAMPLE_WIDTH} bytes a sample, not {source.width}."
            raise ValueError(msg)
        self._stages = stages
        self._channels = source.channels
        self._frame_size = source.frame_size
        self._piece = FIRST_FRAMES
        self._frames = WholeFrames(source.frame_size)
        if stages:
            from . import samples  # noqa: PLC0415  # see the top

            self._samples = samples

    def push(self, pcm: bytes) -> bytes:
        """All that comes out for `pcm`, in one go; for long input see `pieces`."""
        return b"".join(self.pieces(pcm)) if self._stages else self._frames.push(pcm)

    def pieces(self, pcm: bytes) -> Iterator[bytes]:
        """The same as `push`, bit by bit, so that the caller can let others run in between. It must be read to its end."""
        pcm = self._frames.push(pcm)
        if not self._stages:
            yield pcm
            return
        start = 0
        while start < len(pcm):
            end = start + self._piece * self._frame_size
            self._piece = PIECE_FRAMES
            yield self._work(pcm[start:end])
            start = end

    def flush(self) -> bytes:
        """What the stages still hold, at the end of the stream; a part of a frame is dropped."""
        if not self._stages:
            return b""
        tail = empty = self._samples.EMPTY
        for stage in self._stages:
            tail = self._samples.joined((stage.push(tail) if len(tail) else empty, stage.flush()))
        return self._samples.to_pcm(tail)

    def _work(self, pcm: bytes) -> bytes:
        frames = self._samples.from_pcm(pcm, self._channels)
        for stage in self._stages:
            frames = stage.push(frames)
            if not len(frames):
                return b""
        return self._samples.to_pcm(frames)
