"""Speech in every compressed form that is read, made by PyAV in the test; and its bytes taken apart."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Literal

import av
import numpy as np

from wyoming_server.audio.decode import Codec, Decoder
from wyoming_server.audio.encode import Container, Encoder
from wyoming_server.audio.ffmpeg import frame_of
from wyoming_server.models import AudioFormat

from . import quality

MONO = AudioFormat(rate=24_000)
SECONDS = 0.8
RATES = {Codec.MP3: 24_000, Codec.OGG_OPUS: 48_000, Codec.FLAC: 24_000, Codec.AAC: 24_000}
"""Hz that the speech below has in each form."""


@cache
def speech(audio: AudioFormat = MONO, seconds: float = SECONDS) -> bytes:
    """In stereo, the right channel is half as loud."""
    voice = quality.speech(audio.rate, seconds)
    return quality.pcm(voice if audio.channels == 1 else quality.interleaved(voice, voice / 2))


@cache
def encoded(codec: Codec, audio: AudioFormat = MONO, seconds: float = SECONDS, bitrate: int | None = None) -> bytes:
    pcm = speech(audio, seconds)
    if codec is Codec.AAC:
        return muxed("adts", "aac", audio, pcm, bitrate or 128_000)
    encoder = Encoder(Container(codec.value), audio, bitrate)
    return encoder.push(pcm) + encoder.flush()


@cache
def tagged_mp3(audio: AudioFormat = MONO, seconds: float = SECONDS) -> bytes:
    """With an ID3 tag, and with LAME's: FFmpeg goes back and writes it where it can."""
    return muxed("mp3", "libmp3lame", audio, speech(audio, seconds), 64_000 * audio.channels)


def muxed(container: str, codec: Literal["aac", "flac", "libmp3lame"], audio: AudioFormat, pcm: bytes, bitrate: int) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=audio.rate, layout="mono" if audio.channels == 1 else "stereo")
        stream.bit_rate = bitrate
        output.mux([*stream.encode(frame_of(pcm, audio)), *stream.encode(None)])
    return file.getvalue()


def decoded(decoder: Decoder, pieces: Iterable[bytes]) -> bytes:
    return b"".join([*map(decoder.push, pieces), decoder.flush()])


def snr(pcm: bytes, wanted: bytes, delay: int = 0) -> float:
    """dB between `wanted` and what differs from it in `pcm`, which has it `delay` samples later."""
    got, want = quality.signal(pcm), quality.signal(wanted)
    got = np.concatenate((got[delay:], np.zeros(len(want))))[: len(want)]
    return quality.decibels(quality.rms(want) / max(quality.rms(got - want), 1e-6))


OPUS_HEAD = b"OpusHead\x01" + struct.pack("<BHIhB", 1, 312, 48_000, 0, 0)
OPUS_TAGS = b"OpusTags" + bytes(8)


def page(  # noqa: PLR0913  # a page has as many fields
    packets: Sequence[bytes], flags: int = 0, *, granule: int = 0, sequence: int = 0, serial: int = 1, open_end: bool = False
) -> bytes:
    """An Ogg page of these packets; with an open end the last one, of n * 255 bytes, goes on."""
    lacing = bytearray()
    for packet in packets:
        full, rest = divmod(len(packet), 255)
        lacing += bytes([255] * full + [rest])
    if open_end:
        lacing.pop()
    header = struct.pack("<4sBBqIIIB", b"OggS", 0, flags, granule, serial, sequence, 0, len(lacing))
    return header + bytes(lacing) + b"".join(packets)


def opus_packets(ogg: bytes) -> list[bytes]:
    with av.open(io.BytesIO(ogg), "r") as file:
        return [bytes(packet) for packet in file.demux(audio=0) if packet.size]


def opus_file(packets: Sequence[bytes], *, end: int, head: bytes = OPUS_HEAD, per_page: int = 5, serial: int = 1) -> bytes:
    """20 ms packets in pages of `per_page`, the last of which tells `end`."""
    pages = [page([head], 2, serial=serial), page([OPUS_TAGS], sequence=1, serial=serial)]
    for number, start in enumerate(range(0, len(packets), per_page), 2):
        part = packets[start : start + per_page]
        last = start + per_page >= len(packets)
        granule = end if last else 960 * (start + len(part))
        pages.append(page(part, 4 if last else 0, granule=granule, sequence=number, serial=serial))
    return b"".join(pages)
