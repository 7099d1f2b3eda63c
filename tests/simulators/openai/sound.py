"""Speech for machines: the tones of `speech.audio`, in every format that these servers make."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from wyoming_server.audio.encode import Container, Encoder
from wyoming_server.models import AudioFormat

from ..speech.audio import Manner, pcm

WavSize = Literal["endless", "zero", "true"]
"""What a WAV header says of lengths: 0xFFFFFFFF, 0, or how long the audio is."""
ENDLESS = 0xFFFF_FFFF
WIDTH = 2
"""Bytes of a sample."""
CONTAINERS: Mapping[str, Container] = {
    "mp3": Container.MP3,
    "opus": Container.OGG_OPUS,
    "aac": Container.AAC,
    "flac": Container.FLAC,
}
_WORDS = b"INFOISFT\x0e\x00\x00\x00Lavf61.7.100\x00\x00"
"""What FFmpeg writes about itself."""


class Piece(NamedTuple):
    """A part of the body."""

    data: bytes
    seconds: float
    """Of audio that were made into it."""


def spoken(text: str, rate: int, speed: float = 1.0) -> bytes:
    """s16, mono: the same for the same text every time, 0.06 s a character."""
    return pcm(text, Manner(rate=rate, speed=speed))


def wav_header(rate: int, length: int, says: WavSize = "true", *, ffmpeg: bool = False) -> bytes:
    """s16, mono, with so many bytes of audio."""
    words = struct.pack("<4sI", b"LIST", len(_WORDS)) + _WORDS if ffmpeg else b""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, rate * WIDTH, WIDTH, 8 * WIDTH) + words
    data, whole = {
        "true": (length, 4 + len(form) + 8 + length),
        "zero": (0, 4 + len(form) + 8),
        "endless": (ENDLESS, ENDLESS),
    }[says]
    return struct.pack("<4sI4s", b"RIFF", whole, b"WAVE") + form + struct.pack("<4sI", b"data", data)


def cut(audio: bytes, rate: int, seconds: float) -> Iterator[bytes]:
    """In pieces of so many seconds."""
    step = max(1, round(rate * seconds)) * WIDTH
    return (audio[start : start + step] for start in range(0, len(audio), step))


def pieces(audio: bytes, rate: int, seconds: float, kind: str) -> Iterator[Piece]:
    """Without a WAV header, which is no audio."""
    length = rate * WIDTH
    if kind not in CONTAINERS:
        yield from (Piece(part, len(part) / length) for part in cut(audio, rate, seconds))
        return
    encoder = Encoder(CONTAINERS[kind], AudioFormat(rate=rate))
    yield from (Piece(encoder.push(part), len(part) / length) for part in cut(audio, rate, seconds))
    yield Piece(encoder.flush(), 0)
