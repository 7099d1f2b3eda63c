"""Compressed audio made PCM, packet by packet, as its bytes come. No container is opened, no thread runs.

PyAV is imported with the first decoder. A packet that is corrupt is left out and counted; all before and after it is kept.
Bytes that are no audio bring nothing and raise nothing: whoever asked for audio looks at `decoded`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from ..errors import BadSetting, ProtocolError
from ..models import RATE_MAX, RATE_MIN, AudioFormat
from .flac import FlacPackets
from .mpeg import AdtsPackets, Mp3Packets
from .opus import OpusPackets
from .packets import Packet, Packets

if TYPE_CHECKING:
    from .ffmpeg import Converter, DecoderName, PacketDecoder

PIECE = 1_024
"""Bytes worked on in one go: 0.25 s of Opus, which take 0.5 ms."""

_LARGEST = 65_536
"""Bytes of PCM after which a piece is given out: a kilobyte of FLAC may be minutes of silence."""


class Codec(StrEnum):
    MP3 = "mp3"
    OGG_OPUS = "ogg_opus"
    FLAC = "flac"
    AAC = "aac"
    """In ADTS."""


class _Reading(NamedTuple):
    packets: Callable[[], Packets]
    decoder: DecoderName
    """What FFmpeg calls it."""


# "mp3" works with integers: the same samples on every machine. "libopus" is the one that Opus is defined by.
_READINGS = {
    Codec.MP3: _Reading(Mp3Packets, "mp3"),
    Codec.OGG_OPUS: _Reading(OpusPackets, "libopus"),
    Codec.FLAC: _Reading(FlacPackets, "flac"),
    Codec.AAC: _Reading(AdtsPackets, "aac"),
}


class Decoder:
    """One stream of `codec` made 16-bit PCM of `rate` and `channels`, in whole frames; `None` means the stream's own.

    Any cut of the stream gives the same PCM. A stream that changes its rate or channels on the way is converted to what it
    began with. Raises ProtocolError for a rate that is not read, for a header that cannot be read and for Ogg without Opus,
    TooLarge for an Ogg packet without an end.
    """

    def __init__(self, codec: Codec, rate: int | None, channels: int | None = 1) -> None:
        from . import ffmpeg  # noqa: PLC0415  # see the top

        if channels not in (None, 1, 2) or not (rate is None or RATE_MIN <= rate <= RATE_MAX):
            msg = f"Audio is decoded to {RATE_MIN} to {RATE_MAX} Hz with 1 or 2 channels, not to {rate} Hz with {channels}."
            raise BadSetting(msg)
        self.format: AudioFormat | None = AudioFormat(rate=rate, channels=channels) if rate and channels else None
        """Of the PCM; known before the first of it is given out."""
        self.decoded = False
        """Any audio was found."""
        self.skipped = 0
        """Packets that were left out because they cannot be decoded."""
        self._rate, self._channels = rate, channels
        self._name = _READINGS[codec].decoder
        self._packets = _READINGS[codec].packets()
        self._ffmpeg = ffmpeg
        self._decoder: PacketDecoder | None = None
        self._source: AudioFormat | None = None
        self._converter: Converter | None = None
        self._flushed = False

    def push(self, data: bytes) -> bytes:
        """All PCM that comes out for `data`, in one go; for long input see `pieces`."""
        return b"".join(self.pieces(data))

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """The same as `push`, bit by bit, so that the caller can let others run in between. It must be read to its end."""
        for start in range(0, len(data), PIECE):
            yield from self._decode(self._packets.push(data[start : start + PIECE]))

    def flush(self) -> bytes:
        """The rest, at the end of the stream. Twice is fine; nothing is pushed afterwards."""
        if self._flushed:
            return b""
        self._flushed = True
        rest = b"".join(self._decode(self._packets.flush()))
        return rest + (self._converter.flush() if self._converter else b"")

    def _decode(self, packets: Iterator[Packet]) -> Iterator[bytes]:
        parts: list[bytes] = []
        size = 0
        for packet in packets:
            for part in self._frames(packet):
                parts.append(part)
                size += len(part)
            if size >= _LARGEST:
                yield b"".join(parts)
                parts, size = [], 0
        yield b"".join(parts)

    def _frames(self, packet: Packet) -> Iterator[bytes]:
        if self._decoder is None or packet.head is not None:
            self._decoder = self._ffmpeg.PacketDecoder(self._name, packet.head or b"")
        try:
            frames = self._decoder.decode(packet.data)
        except ProtocolError:
            self.skipped += 1
            return
        for source, pcm in frames:
            if self._source and not _readable(source):
                self.skipped += 1
                continue
            self.decoded = True
            kept = pcm[packet.skip * source.frame_size : len(pcm) - packet.cut * source.frame_size]
            if source != self._source:
                yield self._change(source)
            yield self._converter.push(kept) if self._converter else kept

    def _change(self, source: AudioFormat) -> bytes:
        """Be ready for PCM of `source`; the rest of what came before it."""
        if not _readable(source):
            msg = f"The audio has a rate of {source.rate} Hz; only {RATE_MIN} to {RATE_MAX} Hz are read."
            raise ProtocolError(msg)
        if self.format is None:
            self.format = AudioFormat(rate=self._rate or source.rate, channels=self._channels or source.channels)
        rest = self._converter.flush() if self._converter else b""
        self._source, self._converter = source, self._ffmpeg.Converter(source, self.format)
        return rest


def _readable(source: AudioFormat) -> bool:
    return RATE_MIN <= source.rate <= RATE_MAX
