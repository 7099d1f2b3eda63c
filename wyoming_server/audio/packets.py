"""One packet for a decoder, and what finds packets in a stream. No PyAV here: bytes in, packets out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class Packet:
    """What a decoder takes in one go. Frames are counted at the stream's own rate."""

    data: bytes
    skip: int = 0
    """Frames at its begin that are no audio."""
    cut: int = 0
    """Frames at its end that are no audio."""
    head: bytes | None = None
    """What the decoder must know of the stream that begins with this packet; `None`: the stream goes on."""


class Packets(Protocol):
    """Finds the packets in a stream that comes in pieces of any size."""

    def push(self, data: bytes) -> Iterator[Packet]:
        """The packets that are whole now. It must be read to its end."""

    def flush(self) -> Iterator[Packet]:
        """The rest, at the end of the stream."""
