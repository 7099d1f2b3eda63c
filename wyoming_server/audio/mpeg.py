"""MP3 and ADTS (AAC) frames found by their headers, with the tags around them left out. No PyAV.

FFmpeg's own parser makes bytes between two frames a part of the next frame, which then cannot be decoded, and keeps garbage
without an end. Here a frame counts once the header of the next one stands where it says; that is asked for only at the begin
of a stream and after garbage.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

from .packets import Packet


class FrameHeader(NamedTuple):
    size: int
    """Bytes of the frame with its header."""
    kind: int
    """The same in all frames of one stream."""
    samples: int
    """Frames of PCM in it."""
    info_at: int = 0
    """Where a tag with facts about the stream would stand."""


class Frame(NamedTuple):
    header: FrameHeader
    data: bytes
    head: bytes | None
    """Empty where the kind changes: FFmpeg's decoder would give the first such frame the rate of those before it."""


_MP3_SYNC = 0x7FF
_MP3_KIND = 0xFFFE_0C00
_LAYER_3 = 1
_MPEG_1 = 3
_MONO = 3
_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
"""Hz, by the version's two bits: MPEG 1, 2 and 2.5."""
_KBITS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBITS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_RESERVED_RATE = 3


@lru_cache(maxsize=64)
def mp3_header(head: bytes) -> FrameHeader | None:
    """What the 4 bytes before an MP3 frame say; `None` if they are no such header."""
    (bits,) = struct.unpack(">I", head)
    version, layer, kbits, rate = bits >> 19 & 3, bits >> 17 & 3, bits >> 12 & 15, bits >> 10 & 3
    if bits >> 21 != _MP3_SYNC or layer != _LAYER_3 or version not in _RATES or rate == _RESERVED_RATE or not 0 < kbits < 15:  # noqa: PLR2004
        return None
    first, mono = version == _MPEG_1, bits >> 6 & 3 == _MONO
    bitrate = 1000 * (_KBITS_1 if first else _KBITS_2)[kbits]
    size = (144 if first else 72) * bitrate // _RATES[version][rate] + (bits >> 9 & 1)
    side_info = (17 if mono else 32) if first else (9 if mono else 17)
    return FrameHeader(size=size, kind=bits & _MP3_KIND, samples=1152 if first else 576, info_at=4 + side_info)


_ADTS_SYNC = 0xFFF0
_ADTS_SYNC_MASK = 0xFFF6
_ADTS_KIND = 0xFFF6_FDC0
_ADTS_RATES = 13
_ADTS_SIZE = 7


def adts_header(head: bytes) -> FrameHeader | None:
    """What the 7 bytes before an AAC frame say; `None` if they are no such header."""
    (bits,) = struct.unpack_from(">I", head)
    size = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    if bits >> 16 & _ADTS_SYNC_MASK != _ADTS_SYNC or bits >> 10 & 15 >= _ADTS_RATES or size <= _ADTS_SIZE:
        return None
    return FrameHeader(size=size, kind=bits & _ADTS_KIND, samples=1024)


_ID3_SIZE = 10
_ID3_FOOTER = 0x10


def _id3_size(head: bytes) -> int:
    """Bytes of the ID3v2 tag that begins with these ten."""
    size = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
    return size + _ID3_SIZE * (2 if head[5] & _ID3_FOOTER else 1)


class FrameWalker:
    """The frames in a stream, garbage and ID3v2 tags between them left out. Never holds more than a frame and a header."""

    def __init__(self, header: Callable[[bytes], FrameHeader | None], header_size: int) -> None:
        self._header = header
        self._header_size = header_size
        self._buffer = bytearray()
        self._in_step = False
        """The buffer begins where a frame ended."""
        self._tag_left = 0
        """Bytes of a tag that are still to come."""
        self._kind: int | None = None

    def push(self, data: bytes) -> Iterator[Frame]:
        self._buffer += data
        return self._frames(last=False)

    def flush(self) -> Iterator[Frame]:
        return self._frames(last=True)

    def _frames(self, *, last: bool) -> Iterator[Frame]:
        while (header := self._find(last=last)) and len(self._buffer) >= header.size:
            data = bytes(self._buffer[: header.size])
            del self._buffer[: header.size]
            head = b"" if self._kind not in (None, header.kind) else None
            self._in_step, self._kind = True, header.kind
            yield Frame(header, data, head)

    def _find(self, *, last: bool) -> FrameHeader | None:
        """Bring the begin of the buffer to the next frame; `None` if more bytes are needed to tell."""
        while self._skip_tag(last=last) and len(self._buffer) >= self._header_size:
            header = self._header(bytes(self._buffer[: self._header_size]))
            if header and self._in_step:
                return header
            if header and (next_at := header.size + self._header_size) > len(self._buffer):
                return header if last else None
            if header and self._goes_on(header, next_at):
                return header
            self._search()
        return None

    def _goes_on(self, header: FrameHeader, next_at: int) -> bool:
        following = self._header(bytes(self._buffer[header.size : next_at]))
        return following is not None and following.kind == header.kind

    def _search(self) -> None:
        """On to the next byte that may begin a header."""
        self._in_step = False
        place = self._buffer.find(0xFF, 1)
        del self._buffer[: len(self._buffer) if place < 0 else place]

    def _skip_tag(self, *, last: bool) -> bool:
        """Leave out an ID3v2 tag at the begin of the buffer; False if more bytes are needed to tell."""
        if not self._tag_left and self._buffer.startswith(b"ID3"):
            if len(self._buffer) < _ID3_SIZE:
                return last
            self._tag_left = _id3_size(bytes(self._buffer[:_ID3_SIZE]))
        if self._tag_left:
            size = min(self._tag_left, len(self._buffer))
            del self._buffer[:size]
            self._tag_left -= size
        return True


class AdtsPackets:
    """AAC in ADTS. The encoder's delay is not told there and stays."""

    def __init__(self) -> None:
        self._walker = FrameWalker(adts_header, _ADTS_SIZE)

    def push(self, data: bytes) -> Iterator[Packet]:
        return (Packet(data=frame.data, head=frame.head) for frame in self._walker.push(data))

    def flush(self) -> Iterator[Packet]:
        return (Packet(data=frame.data, head=frame.head) for frame in self._walker.flush())


class Mp3Info(NamedTuple):
    """What the first frame of a file tells instead of audio; all in frames of PCM, 0 if it is not told."""

    skip: int = 0
    end: int = 0
    """Where the audio ends."""
    total: int = 0
    """Where the padding behind it ends."""


_XING = struct.Struct(">4sI")
_XING_FIELDS = ((1, 4), (2, 4), (4, 100), (8, 4))
"""Flag and size of what may follow."""
_DELAYS_AT = 21
_ENCODERS = (b"LAME", b"Lavf", b"Lavc")
_DECODER_DELAY = 529
_VBRI_AT = 36


def mp3_info(header: FrameHeader, frame: bytes) -> Mp3Info | None:
    """The facts in a Xing, Info or VBRI frame; `None` if this is audio."""
    if frame[_VBRI_AT : _VBRI_AT + 4] == b"VBRI":
        return Mp3Info()
    if frame[header.info_at : header.info_at + 4] not in (b"Xing", b"Info"):
        return None
    if len(frame) < header.info_at + _XING.size:
        return Mp3Info()
    _, flags = _XING.unpack_from(frame, header.info_at)
    place = header.info_at + _XING.size
    count = int.from_bytes(frame[place : place + 4], "big") if flags & 1 else 0
    lame = frame[place + sum(size for flag, size in _XING_FIELDS if flags & flag) :]
    return _gapless(lame, count * header.samples) if lame[:4] in _ENCODERS else Mp3Info()


def _gapless(lame: bytes, total: int) -> Mp3Info:
    delays = int.from_bytes(lame[_DELAYS_AT : _DELAYS_AT + 3], "big")
    skip, padding = (delays >> 12) + _DECODER_DELAY, max(0, (delays & 0xFFF) - _DECODER_DELAY)
    return Mp3Info(skip=skip, end=total - padding, total=total) if total else Mp3Info(skip=skip)


class Mp3Packets:
    """MP3. Where LAME's tag tells the delay and the padding, they are left out: after a tag on the way just as at the begin."""

    def __init__(self) -> None:
        self._walker = FrameWalker(mp3_header, 4)
        self._info = Mp3Info()
        self._at = 0
        """Frames of PCM since the tag."""
        self._head: bytes | None = None
        """Of the frame before, if that was no audio."""

    def push(self, data: bytes) -> Iterator[Packet]:
        return self._packets(self._walker.push(data))

    def flush(self) -> Iterator[Packet]:
        return self._packets(self._walker.flush())

    def _packets(self, frames: Iterator[Frame]) -> Iterator[Packet]:
        for frame in frames:
            self._head = frame.head if frame.head is not None else self._head
            if info := mp3_info(frame.header, frame.data):
                self._info, self._at = info, 0
            else:
                yield self._packet(frame)

    def _packet(self, frame: Frame) -> Packet:
        samples = frame.header.samples
        start, end = self._at, self._at + samples
        self._at = end
        head, self._head = self._head, None
        skip = min(max(0, self._info.skip - start), samples)
        cut = min(max(0, end - self._info.end), samples) if start < self._info.total else 0
        return Packet(data=frame.data, skip=skip, cut=cut, head=head)
