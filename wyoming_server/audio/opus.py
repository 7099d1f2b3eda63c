"""Opus in Ogg (RFC 7845): which packets are audio, and which of their frames. No PyAV, no samples.

The decoder is told of no pre-skip: it is cut here, with the trim at the end, by the length that each packet tells itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import ProtocolError
from .ogg import OggPacket, OggReader
from .packets import Packet

RATE = 48_000
"""Hz. What Opus always decodes to, and the unit of its positions."""

_HEAD, _TAGS = b"OpusHead", b"OpusTags"
_HEAD_SIZE = 19
_VERSION_AT, _CHANNELS_AT, _PRE_SKIP_AT = 8, 9, 10
_MAX_CHANNELS = 8
_PACKET_FRAMES = 5_760
"""120 ms: the longest packet there may be."""
_DURATIONS = (*(480, 960, 1920, 2880) * 3, *(480, 960) * 2, *(120, 240, 480, 960) * 4)
"""Frames of PCM in one frame of a packet, by the first five bits."""


class OpusPackets:
    """Raises ProtocolError for an Ogg stream that is not Opus, TooLarge for a packet without an end."""

    def __init__(self) -> None:
        self._reader = OggReader()
        self._head: bytes | None = None
        """Of a stream that no audio came of yet."""
        self._pre_skip = 0
        """Frames that are still to be left out."""
        self._at = 0
        """Position in frames, as the pages tell it."""

    def push(self, data: bytes) -> Iterator[Packet]:
        for packet in self._reader.push(data):
            if packet.begins:
                self._begin(packet.data)
            elif packet.data and not packet.data.startswith(_TAGS):
                yield self._audio(packet)

    def flush(self) -> Iterator[Packet]:
        return iter(())

    def _begin(self, head: bytes) -> None:
        if not head.startswith(_HEAD):
            msg = f"The Ogg stream is not Opus: it begins with {head[:8]!r}."
            raise ProtocolError(msg)
        if len(head) < _HEAD_SIZE or head[_VERSION_AT] >> 4 or not 1 <= head[_CHANNELS_AT] <= _MAX_CHANNELS:
            msg = f"The header of the Opus stream cannot be read: {head[:_HEAD_SIZE]!r}."
            raise ProtocolError(msg)
        self._pre_skip = int.from_bytes(head[_PRE_SKIP_AT : _PRE_SKIP_AT + 2], "little")
        self._head = head[:_PRE_SKIP_AT] + bytes(2) + head[_PRE_SKIP_AT + 2 :]
        self._at = 0

    def _audio(self, packet: OggPacket) -> Packet:
        frames = packet_frames(packet.data)
        skip = min(self._pre_skip, frames)
        self._pre_skip -= skip
        head, self._head = self._head, None
        return Packet(data=packet.data, skip=skip, cut=self._cut(packet, frames), head=head)

    def _cut(self, packet: OggPacket, frames: int) -> int:
        """Frames behind the end of the stream, which only its last page tells; other pages put the position right."""
        self._at += frames
        if packet.granule is None:
            return 0
        over = self._at - packet.granule
        if packet.page_ends:
            self._at = packet.granule
        return min(max(0, over), frames) if packet.last else 0


def packet_frames(packet: bytes) -> int:
    """Frames of PCM in an Opus packet by its first bytes; 0 if they are not valid."""
    code = packet[0] & 3
    count = (1, 2, 2, packet[1] & 0x3F if len(packet) > 1 else 0)[code]
    frames = count * _DURATIONS[packet[0] >> 3]
    return frames if frames <= _PACKET_FRAMES else 0
