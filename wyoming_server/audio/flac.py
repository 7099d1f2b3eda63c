"""FLAC: the blocks before the audio are read here, the frames are found by FFmpeg's parser.

The parser would make the blocks a part of the first frame, which then cannot be decoded. It looks at ten frames before it gives
out the first: 40960 samples with the usual encoders.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .packets import Packet

MAX_HELD = 4_194_304
"""Bytes that the parser may hold without finding a frame: more than its ten of the largest in stereo."""

_MAGIC = b"fLaC"
_HEADER_SIZE = 4
_LAST = 0x80
_STREAM_INFO, _STREAM_INFO_SIZE = 0, 34


class FlacPackets:
    """Native FLAC, not in Ogg; what does not begin like it is searched for frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._skip = 0
        """Bytes that are still to be left out."""
        self._read: Callable[[], bool] | None = self._read_magic
        """Reads the next word before the audio, and tells whether it was there; `None`: the audio has begun."""
        self._head: bytes | None = None
        self._held = 0
        self._renew()

    def push(self, data: bytes) -> Iterator[Packet]:
        return self._parse(self._after_blocks(data) if self._read else data)

    def flush(self) -> Iterator[Packet]:
        yield from self._parse(bytes(self._buffer))
        self._buffer.clear()
        # it gives one a call
        while packets := self._parser.parse(None):
            for packet in packets:
                yield self._packet(bytes(packet))

    def _renew(self) -> None:
        from av.codec import CodecContext  # noqa: PLC0415  # heavy; an idle server decodes nothing

        self._parser = CodecContext.create("flac", "r")
        self._held = 0

    def _parse(self, data: bytes) -> Iterator[Packet]:
        if not data:
            return
        self._held += len(data)
        for packet in self._parser.parse(data):
            self._held = 0
            yield self._packet(bytes(packet))
        if self._held > MAX_HELD:
            self._renew()

    def _packet(self, data: bytes) -> Packet:
        head, self._head = self._head, None
        return Packet(data=data, head=head)

    def _after_blocks(self, data: bytes) -> bytes:
        """What of the bytes in hand is audio."""
        self._buffer += data
        while self._read and self._skipped() and self._read():
            pass
        if self._read or not self._skipped():
            return b""
        audio = bytes(self._buffer)
        self._buffer.clear()
        return audio

    def _skipped(self) -> bool:
        """Whether nothing is left to be left out."""
        size = min(self._skip, len(self._buffer))
        del self._buffer[:size]
        self._skip -= size
        return not self._skip

    def _read_magic(self) -> bool:
        if len(self._buffer) < _HEADER_SIZE:
            return False
        found = self._buffer.startswith(_MAGIC)
        self._skip = len(_MAGIC) if found else 0
        self._read = self._read_block if found else None
        return True

    def _read_block(self) -> bool:
        if len(self._buffer) < _HEADER_SIZE:
            return False
        flags, end = self._buffer[0], _HEADER_SIZE + int.from_bytes(self._buffer[1:_HEADER_SIZE], "big")
        if flags & ~_LAST == _STREAM_INFO and end == _HEADER_SIZE + _STREAM_INFO_SIZE:
            if len(self._buffer) < end:
                return False
            self._head = bytes(self._buffer[_HEADER_SIZE:end])
        self._skip = end
        self._read = self._read_last if flags & _LAST else self._read_block
        return True

    def _read_last(self) -> bool:
        self._read = None
        return True
