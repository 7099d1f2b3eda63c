"""Packets of a codec made a file or a stream, for containers that are little more than the packets one after the other.

Ogg and Matroska have modules of their own. A packet goes out with the call that brings it, and nothing is gone back to: that is
why FLAC and WAV do not tell their length.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Protocol

from ..models import AudioFormat
from .wav import wav_header

ADTS_RATES = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000)
"""Hz, each at the place by which a header names it."""

_ADTS_HEADER = 7
_OPEN_SIZE = 0xFFFF_FFFF
_FLOAT, _FLOAT_SIZE = 0x0003, 4
_STREAMINFO, _COMMENTS, _LAST = 0, 4, 0x80
VENDOR = b"Herald"
COMMENTS = struct.pack("<I", len(VENDOR)) + VENDOR + bytes(4)
"""Who wrote it, and no comments."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Track:
    """What is muxed: one track of packets."""

    audio: AudioFormat
    """Of the PCM that was coded."""
    head: bytes
    """The codec's own."""
    packet_frames: int
    """Frames in each packet but the last."""


class Muxer(Protocol):
    head: bytes
    """What comes before the first packet."""

    def add(self, packet: bytes) -> bytes:
        """A packet that is not the last, as it stands in the file."""

    def finish(self, packets: list[bytes], frames: int) -> bytes:
        """The last packets, which may be none, and the end; `frames` of audio were there in all."""


class Plain:
    """Nothing but packets."""

    def __init__(self, _track: Track) -> None:
        self.head = b""

    def add(self, packet: bytes) -> bytes:
        return packet

    def finish(self, packets: list[bytes], frames: int) -> bytes:
        return b"".join(map(self.add, packets))


class Wav(Plain):
    def __init__(self, track: Track) -> None:
        self.head = wav_header(track.audio, data_size=None)


class FloatWav(Plain):
    """Of format 3; the sizes say "until the end"."""

    def __init__(self, track: Track) -> None:
        channels, rate = track.audio.channels, track.audio.rate
        frame_size = _FLOAT_SIZE * channels
        layout = struct.pack("<HHIIHHH", _FLOAT, channels, rate, rate * frame_size, frame_size, 8 * _FLOAT_SIZE, 0)
        riff = struct.pack("<4sI4s4sI", b"RIFF", _OPEN_SIZE, b"WAVE", b"fmt ", len(layout))
        self.head = riff + layout + struct.pack("<4sI", b"data", _OPEN_SIZE)


class Flac(Plain):
    def __init__(self, track: Track) -> None:
        blocks = ((_STREAMINFO, track.head), (_COMMENTS | _LAST, COMMENTS))
        self.head = b"fLaC" + b"".join(bytes([kind]) + len(data).to_bytes(3, "big") + data for kind, data in blocks)


class Adts(Plain):
    """AAC of the low-complexity profile."""

    def __init__(self, track: Track) -> None:
        self.head = b""
        # sync word, MPEG-4, no checksum; profile 1, rate, channels; length; "buffer unknown"; one frame
        rate = ADTS_RATES.index(track.audio.rate)
        self._header = 0xFFF1 << 40 | 1 << 38 | rate << 34 | track.audio.channels << 30 | 0x7FF << 2

    def add(self, packet: bytes) -> bytes:
        header = self._header | (_ADTS_HEADER + len(packet)) << 13
        return header.to_bytes(_ADTS_HEADER, "big") + packet
