"""PCM made a file or a stream whose bytes come as they are made, in every container that a listener may ask for.

Nothing is gone back to, nothing waits for a page or a cluster to be full, and no thread runs. The same audio gives the same
bytes, however it is cut. What the container begins with comes with the first audio, so that a failure before it can still be
told as one. PyAV is imported with the first encoder that has a codec.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from ..errors import BadSetting
from ..models import RATE_MAX, RATE_MIN, AudioFormat, Range
from .coders import Blocks, Coder, FloatSamples, Samples
from .frames import WholeFrames
from .matroska import MatroskaPcm, WebmOpus
from .muxers import ADTS_RATES, Adts, Flac, FloatWav, Muxer, Plain, Track, Wav
from .ogg_pages import OggOpus

if TYPE_CHECKING:
    from .ffmpeg import Converter, EncoderName

PIECE_SECONDS = 0.02
"""Audio worked on in one go; MP3 takes 0.4 ms for it on a slow machine."""

FLAC_SECONDS = 0.02
"""Audio in a frame; FFmpeg would make it 0.1 s."""


class Container(StrEnum):
    MP3 = "mp3"
    FLAC = "flac"
    OGG_OPUS = "ogg_opus"
    WEBM_OPUS = "webm_opus"
    MKA = "mka"
    """16-bit PCM in Matroska."""
    AAC = "aac"
    """In ADTS."""
    WAV = "wav"
    """16-bit."""
    WAV_F32 = "wav_f32"
    """32-bit float, which Home Assistant's converter hears at once; of 16-bit WAV it waits for a second or two."""
    PCM = "pcm"
    """16-bit, with nothing around it."""


def _coded(name: EncoderName, audio: AudioFormat, bitrate: int | None, **options: str) -> Coder:
    from .ffmpeg import PacketEncoder  # noqa: PLC0415  # see the top

    return PacketEncoder(name, audio, bitrate=bitrate, options=options)


def _flac(audio: AudioFormat, bitrate: int | None) -> Coder:
    return _coded("flac", audio, bitrate, frame_size=str(round(audio.rate * FLAC_SECONDS)))


def _uncoded(coder: Callable[[AudioFormat], Coder], audio: AudioFormat, _bitrate: int | None) -> Coder:
    return coder(audio)


@dataclass(frozen=True, kw_only=True, slots=True)
class Writing:
    """How a container is written."""

    media_type: str
    suffixes: tuple[str, ...]
    """Ends of file names that mean this container; the first is the usual one."""
    lossless: bool
    rates: tuple[int, ...] | None = None
    """Hz that it takes; `None`: all."""
    rate: int | None = None
    """Hz that other audio is brought to first; `None`: its own."""
    bitrates: Range | None = None
    """Bits per second that may be asked for; `None`: the audio decides."""
    bitrate: int = 0
    """Bits per second for each channel, where nobody asks."""
    coder: Callable[[AudioFormat, int | None], Coder]
    """Of what is coded, and of the bits per second."""
    muxer: Callable[[Track], Muxer]


_OPUS_BITRATES = Range(6_000, 256_000)

WRITINGS: Mapping[Container, Writing] = {
    Container.MP3: Writing(
        media_type="audio/mpeg",
        suffixes=(".mp3",),
        lossless=False,
        rates=(8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000),
        bitrates=Range(8_000, 320_000),
        bitrate=64_000,
        # with its reservoir every frame would wait for the next one; without, LAME's quality 5 does better than its 3
        coder=partial(_coded, "libmp3lame", reservoir="0", compression_level="5"),
        muxer=Plain,
    ),
    Container.FLAC: Writing(
        media_type="audio/flac",
        suffixes=(".flac",),
        lossless=True,
        coder=_flac,
        muxer=Flac,
    ),
    Container.OGG_OPUS: Writing(
        media_type="audio/ogg",
        suffixes=(".ogg", ".opus"),
        lossless=False,
        rate=48_000,
        bitrates=_OPUS_BITRATES,
        bitrate=48_000,
        coder=partial(_coded, "libopus"),
        muxer=OggOpus,
    ),
    Container.WEBM_OPUS: Writing(
        media_type="audio/webm",
        suffixes=(".webm",),
        lossless=False,
        rate=48_000,
        bitrates=_OPUS_BITRATES,
        bitrate=48_000,
        coder=partial(_coded, "libopus"),
        muxer=WebmOpus,
    ),
    Container.MKA: Writing(
        media_type="audio/x-matroska",
        suffixes=(".mka",),
        lossless=True,
        coder=partial(_uncoded, Blocks),
        muxer=MatroskaPcm,
    ),
    Container.AAC: Writing(
        media_type="audio/aac",
        suffixes=(".aac",),
        lossless=False,
        rates=tuple(sorted(ADTS_RATES)),
        bitrates=Range(8_000, 320_000),
        bitrate=64_000,
        coder=partial(_coded, "aac"),
        muxer=Adts,
    ),
    Container.WAV: Writing(
        media_type="audio/wav",
        suffixes=(".wav",),
        lossless=True,
        coder=partial(_uncoded, Samples),
        muxer=Wav,
    ),
    Container.WAV_F32: Writing(
        media_type="audio/wav",
        suffixes=(),
        lossless=True,
        coder=partial(_uncoded, FloatSamples),
        muxer=FloatWav,
    ),
    Container.PCM: Writing(
        media_type="audio/pcm",
        suffixes=(".pcm", ".raw"),
        lossless=True,
        coder=partial(_uncoded, Samples),
        muxer=Plain,
    ),
}


class Encoder:
    """One file or stream. Raises BadSetting for a rate or a bit rate that the container does not take."""

    def __init__(self, container: Container, source: AudioFormat, bitrate: int | None = None) -> None:
        writing = WRITINGS[container]
        _check(container, writing, source, bitrate)
        self._source = source
        self._audio = AudioFormat(rate=writing.rate or source.rate, channels=source.channels)
        self._whole = WholeFrames(source.frame_size)
        self._piece = source.size(PIECE_SECONDS)
        self._converter = _converter(source, self._audio)
        self._coder = writing.coder(self._audio, bitrate or writing.bitrate * source.channels or None)
        track = Track(audio=self._audio, head=self._coder.head, packet_frames=self._coder.packet_frames)
        self._muxer = writing.muxer(track)
        self._head = self._muxer.head
        self._pushed = self._converted = 0
        """Frames of the source, and frames that came out of the converter."""
        self._ended = False

    def push(self, pcm: bytes) -> bytes:
        """What of the file is made now, in one go; `pcm` may be cut anywhere. For long input see `pieces`."""
        return b"".join(self.pieces(pcm))

    def pieces(self, pcm: bytes) -> Iterator[bytes]:
        """The same as `push`, bit by bit, so that the caller can let others run in between. It must be read to its end."""
        return self._pieces(self._whole.push(pcm))

    def flush(self) -> bytes:
        """The rest of the file, at the end of the audio or wherever it is broken off; then all is freed.

        Without audio the file is whole too, with 20 ms of silence where a container needs some. Twice is fine; nothing is pushed
        afterwards. A part of a frame is dropped.
        """
        if self._ended:
            return b""
        made = b""
        if not self._pushed and self._coder.packet_frames:
            made = b"".join(self._pieces(bytes(self._piece)))
        packets = self._packets(self._converter.flush() if self._converter else b"")
        frames = round(self._pushed * self._audio.rate / self._source.rate)
        # of less than 10 ms the converter may leave something out
        packets += self._packets(bytes(max(0, frames - self._converted) * self._audio.frame_size))
        packets += self._coder.flush()
        made += self._begin() + self._muxer.finish(packets, frames)
        self.close()
        return made

    def close(self) -> None:
        """Free all, where the rest is not wanted. Twice is fine; nothing is pushed afterwards."""
        self._ended = True
        self._coder.close()
        if self._converter:
            self._converter.close()

    def _pieces(self, pcm: bytes) -> Iterator[bytes]:
        self._pushed += len(pcm) // self._source.frame_size
        for start in range(0, len(pcm), self._piece):
            piece = pcm[start : start + self._piece]
            packets = self._packets(self._converter.push(piece) if self._converter else piece)
            yield self._begin() + b"".join(map(self._muxer.add, packets))

    def _packets(self, pcm: bytes) -> list[bytes]:
        self._converted += len(pcm) // self._audio.frame_size
        return self._coder.encode(pcm) if pcm else []

    def _begin(self) -> bytes:
        """What the container begins with, the first time."""
        head, self._head = self._head, b""
        return head


def _converter(source: AudioFormat, target: AudioFormat) -> Converter | None:
    if source == target:
        return None
    from .ffmpeg import Converter  # noqa: PLC0415  # see the top

    return Converter(source, target)


def _check(container: Container, writing: Writing, source: AudioFormat, bitrate: int | None) -> None:
    if source.width != 2 or source.channels not in (1, 2) or not RATE_MIN <= source.rate <= RATE_MAX:  # noqa: PLR2004
        msg = f"Only 16-bit mono or stereo of {RATE_MIN} to {RATE_MAX} Hz is made {container}, not {source}."
        raise BadSetting(msg)
    if writing.rates and source.rate not in writing.rates:
        msg = f"{container} has no rate of {source.rate} Hz, only {', '.join(map(str, writing.rates))} Hz."
        raise BadSetting(msg)
    if bitrate is None:
        return
    if not writing.bitrates:
        msg = f"{container} takes no bit rate; {bitrate} was asked for."
        raise BadSetting(msg)
    if not writing.bitrates.low <= bitrate <= writing.bitrates.high:
        low, high = writing.bitrates
        msg = f"{container} takes a bit rate of {low:.0f} to {high:.0f} bits per second, not {bitrate}."
        raise BadSetting(msg)
