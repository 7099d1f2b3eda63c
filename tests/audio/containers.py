"""Files of every container read back by FFmpeg's own demuxers and decoders, through PyAV; PCM by the test itself.

And how much audio must be fed before a listener hears a sound. The bench `containers` uses this, too.
"""

from __future__ import annotations

import io
from itertools import accumulate
from typing import NamedTuple

import av
import numpy as np

from wyoming_server.audio.encode import Container, Encoder
from wyoming_server.models import AudioFormat

from . import quality
from .streams import every

DEMUXERS = {
    Container.MP3: "mp3",
    Container.FLAC: "flac",
    Container.OGG_OPUS: "ogg",
    Container.WEBM_OPUS: "matroska",
    Container.MKA: "matroska",
    Container.AAC: "aac",
    Container.WAV: "wav",
    Container.WAV_F32: "wav",
}
"""What a listener knows from the media type."""
HEARD_WITHIN = {
    Container.MP3: 100,
    Container.FLAC: 40,
    Container.OGG_OPUS: 40,
    Container.WEBM_OPUS: 60,
    Container.MKA: 60,
    Container.WAV: 20,
    Container.WAV_F32: 20,
    Container.PCM: 20,
}
"""Milliseconds that may be fed before a sound comes out. AAC needs two frames of 1024 before its first, and has no limit."""
STEP_SECONDS = 0.001


class Read(NamedTuple):
    rate: int
    channels: int
    samples: quality.Signal
    """Interleaved, at the scale of 16-bit PCM."""

    @property
    def frames(self) -> int:
        return len(self.samples) // self.channels


def read_back(file: bytes, container: Container, source: AudioFormat) -> Read:
    """`source` is what raw PCM does not tell."""
    if container is Container.PCM:
        return Read(source.rate, source.channels, quality.signal(file))
    with av.open(io.BytesIO(file), "r", format=DEMUXERS[container]) as opened:
        stream = opened.streams.audio[0]
        parts = [_interleaved(frame) for frame in opened.decode(stream)]
        return Read(stream.rate, stream.channels, np.concatenate(parts) if parts else np.zeros(0))


def sounds(file: bytes, container: Container, source: AudioFormat) -> bool:
    """Whether something is heard in what came of a file until now."""
    try:
        samples = read_back(file, container, source).samples
    except (av.FFmpegError, IndexError):
        return False
    return bool(len(samples)) and float(np.abs(samples).max()) > 0.1 * quality.AMPLITUDE


def fed_before_sound(container: Container, source: AudioFormat, longest: float = 0.5) -> float:
    """Milliseconds of a tone that is there from the start, fed a millisecond at a time, until what came of the file sounds."""
    pcm = quality.pcm(quality.tone(440, source.rate, longest))
    encoder = Encoder(container, source)
    made = [encoder.push(piece) for piece in every(source.size(STEP_SECONDS), pcm)]
    files = accumulate(made)
    heard = next((n for n, file in enumerate(files, 1) if made[n - 1] and sounds(file, container, source)), len(made))
    encoder.close()
    return source.seconds(heard * source.size(STEP_SECONDS)) * 1_000


def _interleaved(frame: av.AudioFrame) -> quality.Signal:
    samples = frame.to_ndarray().astype(np.float64)
    return (samples.T.ravel() if frame.format.is_planar else samples.ravel()) * (32_768 if "flt" in frame.format.name else 1)
