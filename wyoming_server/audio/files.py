"""Whole files of audio: what one is, by its first bytes, and its PCM. Bytes in, PCM out; no file is opened here.

Its name and its media type say nothing: whoever sent it may be wrong about both. Whatever stands around the audio is never taken
for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from ..errors import ProtocolError, TooLarge
from ..models import AudioFormat
from .decode import Codec, Decoder
from .wav import WavReader

HEAD = 12
"""Bytes that say what it is."""
READ = "WAV, MP3, FLAC, Opus in Ogg or AAC"
"""What is read, for people."""

_WAV = re.compile(rb"RIFF....WAVE", re.DOTALL)
_CODECS = (
    (re.compile(rb"ID3|\xff[\xe2\xe3\xf2\xf3\xfa\xfb]"), Codec.MP3),
    (re.compile(rb"fLaC"), Codec.FLAC),
    (re.compile(rb"OggS"), Codec.OGG_OPUS),
    (re.compile(rb"\xff[\xf0\xf1\xf8\xf9]"), Codec.AAC),
)


class Sound(NamedTuple):
    format: AudioFormat
    pcm: bytes
    """Whole frames, at least one."""

    @property
    def seconds(self) -> float:
        return self.format.seconds(len(self.pcm))


class FileReader(Protocol):
    """One file, as its bytes come. Raises ProtocolError and TooLarge."""

    @property
    def format(self) -> AudioFormat | None:
        """Known before the first PCM is given out."""

    @property
    def skipped(self) -> int:
        """Damaged parts that were left out."""

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """The PCM in the next bytes, bit by bit."""

    def flush(self) -> bytes:
        """The rest, at the end of the file."""


class WavFile:
    """A FileReader."""

    skipped = 0

    def __init__(self) -> None:
        self._wav = WavReader()

    @property
    def format(self) -> AudioFormat | None:
        return self._wav.format

    def pieces(self, data: bytes) -> Iterator[bytes]:
        yield self._wav.push(data)

    def flush(self) -> bytes:
        return self._wav.flush()


def file_reader(head: bytes) -> FileReader | None:
    """For the file that begins with these bytes, HEAD of them or more; `None` for what is not read."""
    if _WAV.match(head):
        return WavFile()
    return next((Decoder(codec, None, None) for sign, codec in _CODECS if sign.match(head)), None)


def read_sound(data: bytes, seconds_max: float) -> Sound:
    """All of a file's audio. It is decoded no further than `seconds_max`: a small file may be hours of silence.

    Raises ProtocolError for what is not read or has no audio, TooLarge for a longer one.
    """
    reader = file_reader(data)
    if reader is None:
        msg = f"This is no audio that Herald reads: {READ}. It begins with {data[:HEAD]!r}."
        raise ProtocolError(msg)
    parts: list[bytes] = []
    size = 0
    for part in _all(reader, data):
        parts.append(part)
        size += len(part)
        if reader.format is not None and reader.format.seconds(size) > seconds_max:
            msg = f"The audio plays for {reader.format.seconds(size):.1f} s or more; {seconds_max:g} s are allowed."
            raise TooLarge(msg)
    if reader.format is None or not size:
        msg = "There is no audio in this that can be decoded."
        raise ProtocolError(msg)
    return Sound(reader.format, b"".join(parts))


def _all(reader: FileReader, data: bytes) -> Iterator[bytes]:
    yield from reader.pieces(data)
    yield reader.flush()
