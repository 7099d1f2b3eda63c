"""One track of audio in Matroska or WebM, written as a live stream: RFC 9559. Every packet is a cluster, and so is heard at once.

FFmpeg's muxer would hold a cluster back until the next one is full. A cluster costs some 18 bytes: 7 kbit/s.
"""

from __future__ import annotations

import struct

from .muxers import VENDOR, Track

_UNKNOWN = b"\x01" + b"\xff" * 7
_TRACK = 1
_AUDIO_TRACK = 2
_KEY_FRAME = 0x80
_OPUS_SETTLES = 80_000_000
"""Nanoseconds that a decoder must hear after a jump."""
_NANO = 1_000_000_000
_PRE_SKIP_AT = 10

_EBML, _SEGMENT, _INFO, _TRACKS, _CLUSTER = "1A45DFA3", "18538067", "1549A966", "1654AE6B", "1F43B675"
_TIMESTAMP, _BLOCK, _BLOCK_GROUP, _BLOCK_IN_GROUP, _DISCARD = "E7", "A3", "A0", "A1", "75A2"


class _Matroska:
    """Raw bytes; what a codec adds is added below."""

    doc_type = b"matroska"
    codec = b""

    def __init__(self, track: Track) -> None:
        self._track = track
        self._frames = 0
        entry = (
            _number("D7", _TRACK),
            _number("73C5", _TRACK),
            _number("83", _AUDIO_TRACK),
            _number("9C", 0),
            _element("86", self.codec),
            *self.codec_elements(),
            _element("E1", _audio(track)),
        )
        info = (_number("2AD7B1", 1_000_000), _element("4D80", VENDOR), _element("5741", VENDOR))
        self.head = b"".join(
            (
                _element(_EBML, _ebml(self.doc_type)),
                bytes.fromhex(_SEGMENT) + _UNKNOWN,
                _element(_INFO, b"".join(info)),
                _element(_TRACKS, _element("AE", b"".join(entry))),
            )
        )

    def codec_elements(self) -> tuple[bytes, ...]:
        """What else the track's entry says."""
        return ()

    def last(self, packet: bytes, frames: int) -> bytes:
        return self.add(packet)

    def add(self, packet: bytes) -> bytes:
        return self.cluster(_element(_BLOCK, _block(packet, _KEY_FRAME)))

    def finish(self, packets: list[bytes], frames: int) -> bytes:
        return b"".join((*map(self.add, packets[:-1]), *(self.last(packet, frames) for packet in packets[-1:])))

    def cluster(self, block: bytes) -> bytes:
        milliseconds = self._frames * 1_000 // self._track.audio.rate
        self._frames += self._track.packet_frames
        return _element(_CLUSTER, _number(_TIMESTAMP, milliseconds) + block)


class MatroskaPcm(_Matroska):
    codec = b"A_PCM/INT/LIT"


class WebmOpus(_Matroska):
    """`track.head` is an OpusHead; the audio has 48 kHz."""

    doc_type = b"webm"
    codec = b"A_OPUS"

    def codec_elements(self) -> tuple[bytes, ...]:
        delay = self._nanoseconds(self._skipped())
        return (_element("63A2", self._track.head), _number("56AA", delay), _number("56BB", _OPUS_SETTLES))

    def last(self, packet: bytes, frames: int) -> bytes:
        """With what of it is no more the audio's."""
        over = self._frames + self._track.packet_frames - self._skipped() - frames
        group = _element(_BLOCK_IN_GROUP, _block(packet, 0)) + _number(_DISCARD, self._nanoseconds(over), signed=True)
        return self.cluster(_element(_BLOCK_GROUP, group))

    def _skipped(self) -> int:
        return int.from_bytes(self._track.head[_PRE_SKIP_AT : _PRE_SKIP_AT + 2], "little")

    def _nanoseconds(self, frames: int) -> int:
        return frames * _NANO // self._track.audio.rate


def _ebml(doc_type: bytes) -> bytes:
    limits = (_number("4286", 1), _number("42F7", 1), _number("42F2", 4), _number("42F3", 8))
    return b"".join((*limits, _element("4282", doc_type), _number("4287", 4), _number("4285", 2)))


def _audio(track: Track) -> bytes:
    rate = _element("B5", struct.pack(">d", track.audio.rate))
    return rate + _number("9F", track.audio.channels) + _number("6264", 8 * track.audio.width)


def _block(packet: bytes, flags: int) -> bytes:
    """At the time of its cluster."""
    return struct.pack(">BhB", 0x80 | _TRACK, 0, flags) + packet


def _number(name: str, value: int, *, signed: bool = False) -> bytes:
    size = max(1, (value.bit_length() + signed + 7) // 8)
    return _element(name, value.to_bytes(size, "big", signed=signed))


def _element(name: str, data: bytes) -> bytes:
    """An identifier, the size in as few bytes as it takes, the data."""
    width = -(-(len(data) + 1).bit_length() // 7)
    return bytes.fromhex(name) + (len(data) | 1 << 7 * width).to_bytes(width, "big") + data
