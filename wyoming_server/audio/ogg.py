"""Ogg pages and packets, read from a stream that comes in pieces of any size. No codec is known here.

A packet is handed on with its last byte, not with the end of its page: a page is often a second long. That is why the checksum
of a page is not looked at.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import TooLarge

MAX_PACKET = 131_072
"""Bytes. A packet of speech has some hundreds, comments with a picture may have tens of thousands. A page has at most 65307."""

_MAGIC = b"OggS\0"
"""With the only version there is."""
_HEADER = struct.Struct("<5sBqIIIB")
_CONTINUED, _BEGIN, _END = 1, 2, 4
_FULL_SEGMENT = 255
_NO_GRANULE = -1


@dataclass(frozen=True, kw_only=True, slots=True)
class OggPacket:
    data: bytes
    begins: bool
    """The first packet of a stream; a file may hold several, one after the other."""
    granule: int | None
    """The position that its page tells for the page's end, in the codec's own unit."""
    page_ends: bool
    """No other packet ends on this page."""
    last: bool
    """On the stream's last page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Page:
    flags: int
    granule: int | None
    serial: int
    sequence: int
    pieces: deque[tuple[int, bool]]
    """What is still to be read: the size in bytes, and whether a packet ends with it."""


class OggReader:
    """Follows the first logical stream, and after it those that begin later; others beside it are left out.

    Bytes between pages are skipped. Raises TooLarge for a packet above `max_packet`.
    """

    def __init__(self, *, max_packet: int = MAX_PACKET) -> None:
        self._max_packet = max_packet
        self._buffer = bytearray()
        self._page: _Page | None = None
        self._serial: int | None = None
        """Of the stream that is followed."""
        self._sequence = 0
        """Number of its next page."""
        self._opening = False
        """Only first pages came until now: streams that begin together."""
        self._fresh = False
        """No packet of it was given out yet."""
        self._packet: bytearray | None = None
        """What came of the packet that goes on; `None` while its begin is missing."""

    def push(self, data: bytes) -> Iterator[OggPacket]:
        """The packets that are whole now. It must be read to its end."""
        self._buffer += data
        while page := self._page or self._next_page():
            self._page = page
            while page.pieces:
                size, whole = page.pieces[0]
                if len(self._buffer) < size:
                    return
                page.pieces.popleft()
                if page.serial == self._serial and (packet := self._take(page, size, whole=whole)):
                    yield packet
                del self._buffer[:size]
            self._page = None

    def _next_page(self) -> _Page | None:
        """The page that begins next, bytes before it dropped; `None` if more bytes are needed to tell."""
        self._search()
        if len(self._buffer) < _HEADER.size or len(self._buffer) < _HEADER.size + self._buffer[_HEADER.size - 1]:
            return None
        _, flags, granule, serial, sequence, _, segments = _HEADER.unpack_from(self._buffer)
        end = _HEADER.size + segments
        pieces = _pieces(self._buffer[_HEADER.size : end])
        del self._buffer[:end]
        place = None if granule == _NO_GRANULE else granule
        page = _Page(flags=flags, granule=place, serial=serial, sequence=sequence, pieces=pieces)
        self._follow(page)
        return page

    def _search(self) -> None:
        """Drop what comes before the next page; at most the begin of its first word is kept if there is none."""
        place = self._buffer.find(_MAGIC)
        if place < 0:
            place = max(0, len(self._buffer) - len(_MAGIC) + 1)
            while not _MAGIC.startswith(bytes(self._buffer[place:])):
                place += 1
        del self._buffer[:place]

    def _follow(self, page: _Page) -> None:
        """Whether the page begins a stream to follow, or goes on with the followed one with or without a gap."""
        if page.flags & _BEGIN and not self._opening:
            self._serial, self._opening, self._fresh = page.serial, True, True
        elif page.serial != self._serial:
            return
        elif page.sequence != self._sequence:
            self._packet = None
        if not page.flags & _BEGIN:
            self._opening = False
        if not page.flags & _CONTINUED:
            self._packet = bytearray()
        self._sequence = (page.sequence + 1) & 0xFFFF_FFFF

    def _take(self, page: _Page, size: int, *, whole: bool) -> OggPacket | None:
        """The packet that ends with the next `size` bytes; `None` if it goes on, or if its begin is missing."""
        if self._packet is not None:
            self._packet += self._buffer[:size]
            self._check(len(self._packet))
        if not whole:
            return None
        data, self._packet = self._packet, bytearray()
        if data is None:
            return None
        fresh, self._fresh = self._fresh, False
        page_ends = not page.pieces or not page.pieces[0][1]
        last = bool(page.flags & _END)
        return OggPacket(data=bytes(data), begins=fresh, granule=page.granule, page_ends=page_ends, last=last)

    def _check(self, size: int) -> None:
        if size > self._max_packet:
            msg = f"An Ogg packet takes at least {size} bytes; at most {self._max_packet} are allowed."
            raise TooLarge(msg)


def _pieces(lacing: bytes | bytearray) -> deque[tuple[int, bool]]:
    """What the lacing table of a page says: the sizes of its packets, and whether each ends here."""
    pieces: deque[tuple[int, bool]] = deque()
    size = 0
    for value in lacing:
        size += value
        if value < _FULL_SEGMENT:
            pieces.append((size, True))
            size = 0
    if size:
        pieces.append((size, False))
    return pieces
