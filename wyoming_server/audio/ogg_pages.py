"""Opus in Ogg, written as a stream: RFC 3533 and RFC 7845. Every packet is a page of its own, and so is heard at once.

FFmpeg's muxer would hold each page back until the next one is full. A page costs 28 bytes: 11 kbit/s.
"""

from __future__ import annotations

import struct
import zlib

from .muxers import COMMENTS, Track

_PAGE = struct.Struct("<4sBBqIIIB")
_CHECKSUM = struct.Struct("<I")
_CHECKSUM_AT = 22
_BEGIN, _END = 2, 4
_SERIAL = 1
"""The only stream there is; the same for every file, so that the same audio gives the same bytes."""
_SEGMENT = 255
_PRE_SKIP_AT = 10

_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_ONES = 0xFFFF_FFFF


class OggOpus:
    """`track.head` is an OpusHead; the audio has 48 kHz."""

    def __init__(self, track: Track) -> None:
        self._pages = 0
        self._place = 0
        """Where the packets up to now end, in frames of the decoder."""
        self._packet_frames = track.packet_frames
        (self._skipped,) = struct.unpack_from("<H", track.head, _PRE_SKIP_AT)
        self.head = self._page([track.head], 0, _BEGIN) + self._page([b"OpusTags" + COMMENTS], 0)

    def add(self, packet: bytes) -> bytes:
        self._place += self._packet_frames
        return self._page([packet], self._place)

    def finish(self, packets: list[bytes], frames: int) -> bytes:
        """The last page says where the audio ends, inside its packet."""
        first = b"".join(map(self.add, packets[:-1]))
        return first + self._page(packets[-1:], self._skipped + frames if packets else self._place, _END)

    def _page(self, packets: list[bytes], place: int, flags: int = 0) -> bytes:
        lacing = b"".join(bytes([_SEGMENT]) * (len(packet) // _SEGMENT) + bytes([len(packet) % _SEGMENT]) for packet in packets)
        header = _PAGE.pack(b"OggS", 0, flags, place, _SERIAL, self._pages, 0, len(lacing))
        page = bytearray(b"".join((header, lacing, *packets)))
        _CHECKSUM.pack_into(page, _CHECKSUM_AT, checksum(page))
        self._pages += 1
        return bytes(page)


def checksum(page: bytes | bytearray) -> int:
    """Ogg's CRC: zlib's, with the bits the other way round, begun with 0 and ended without a complement."""
    turned = zlib.crc32(page.translate(_REVERSED), _ONES) ^ _ONES
    return int.from_bytes(turned.to_bytes(4, "little").translate(_REVERSED), "big")
