"""WAV in and out as transcripts: whole, byte by byte, with bytes behind the audio; and whatever else a peer may send."""

from __future__ import annotations

import io
import struct
import wave
from collections.abc import Iterable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_server.audio.wav import WavReader, WavWriter, wav_header
from wyoming_server.errors import HeraldError, ProtocolError, TooLarge
from wyoming_server.models import AudioFormat

from .streams import CUTS, cut, every

MONO = AudioFormat(rate=24_000)
STEREO = AudioFormat(rate=48_000, channels=2)
PCM = bytes(range(240)) * 4
OPEN = 0xFFFF_FFFF
GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    return name + struct.pack("<I", len(body) if size is None else size) + body + bytes(len(body) % 2)


def fmt(codec: int = 1, channels: int = 1, rate: int = 24_000, bits: int = 16, more: bytes = b"") -> bytes:
    frame = channels * bits // 8
    return chunk(b"fmt ", struct.pack("<HHIIHH", codec, channels, rate, (rate * frame) % 2**32, frame, bits) + more)


def riff(*chunks: bytes, size: int = OPEN) -> bytes:
    return b"RIFF" + struct.pack("<I", size) + b"WAVE" + b"".join(chunks)


EXTENSIBLE = fmt(0xFFFE, more=struct.pack("<HHI", 22, 16, 4) + struct.pack("<H", 1) + GUID_TAIL)
JUNK = chunk(b"LIST", b"INFOISFT\x05\0\0\0Herald")

FILES = {
    "plain": riff(fmt(), chunk(b"data", PCM)),
    "metadata after the audio": riff(fmt(), chunk(b"data", PCM), JUNK, chunk(b"C2PA", bytes(1000))),
    "a byte of nonsense after the audio": riff(fmt(), chunk(b"data", PCM)) + b"\x7f",
    "metadata before the audio": riff(JUNK, fmt(), JUNK, chunk(b"fact", b"\0\0\0\0"), chunk(b"data", PCM)),
    "an odd chunk before the audio": riff(chunk(b"note", b"abc"), fmt(), chunk(b"data", PCM)),
    "an empty chunk before the audio": riff(fmt(), chunk(b"note", b""), chunk(b"data", PCM)),
    "extensible": riff(EXTENSIBLE, chunk(b"data", PCM)),
    "size zero": riff(fmt(), chunk(b"data", PCM, 0), size=0),
    "size open": riff(fmt(), chunk(b"data", PCM, OPEN)),
    "size of two gigabytes": riff(fmt(), chunk(b"data", PCM, 0x7FFF_FFFF)),
    "half a frame at the end": riff(fmt(), chunk(b"data", PCM, OPEN)) + b"\x01",
    "audio shorter than its size": riff(fmt(), chunk(b"data", PCM, len(PCM) + 100)),
}


def read(pieces: Iterable[bytes]) -> tuple[AudioFormat | None, bytes]:
    reader = WavReader()
    pcm = b"".join(map(reader.push, pieces))
    return reader.format, pcm + reader.flush()


@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_a_file_is_read_whole(file: bytes) -> None:
    assert read([file]) == (MONO, PCM)


@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_a_file_is_read_byte_by_byte(file: bytes) -> None:
    assert read(every(1, file)) == (MONO, PCM)


@given(file=st.sampled_from(list(FILES.values())), sizes=CUTS)
def test_any_cut_gives_the_same_audio(file: bytes, sizes: list[int]) -> None:
    assert read(cut(file, sizes)) == (MONO, PCM)


@given(sizes=CUTS)
def test_every_push_gives_whole_frames(sizes: list[int]) -> None:
    reader = WavReader()
    for piece in cut(riff(fmt(channels=2, rate=48_000), chunk(b"data", PCM)), sizes):
        assert len(reader.push(piece)) % STEREO.frame_size == 0
    assert reader.format == STEREO


def test_the_format_is_known_before_the_audio() -> None:
    reader = WavReader()
    assert reader.push(wav_header(STEREO, data_size=None)) == b""
    assert reader.format == STEREO


def test_what_was_ignored_after_the_audio_is_counted() -> None:
    reader = WavReader()
    reader.push(FILES["plain"] + b"12345")
    reader.push(b"678")
    assert reader.ignored == 8


def test_audio_without_a_carry_is_passed_on_uncopied() -> None:
    reader = WavReader()
    reader.push(wav_header(MONO, data_size=None))
    assert reader.push(PCM) is PCM


def test_frames_may_each_bring_a_header() -> None:
    reader = WavReader()
    frames = [FILES["plain"], FILES["metadata after the audio"], FILES["size open"], PCM, FILES["size zero"]]
    assert b"".join(map(reader.frame, frames)) == PCM * 5


def test_frames_may_follow_one_header() -> None:
    reader = WavReader()
    header = wav_header(MONO, data_size=None)
    assert b"".join(map(reader.frame, [header[:20], header[20:] + PCM[:3], PCM[3:]])) == PCM


def test_a_new_header_drops_the_half_frame_before_it() -> None:
    reader = WavReader()
    assert reader.frame(FILES["size open"] + b"\x01") + reader.frame(FILES["size open"]) == PCM * 2


def test_a_format_that_changes_on_the_way_is_refused() -> None:
    reader = WavReader()
    reader.frame(FILES["plain"])
    with pytest.raises(ProtocolError, match="from 24000 Hz with 1 channel to 48000 Hz with 2 channels"):
        reader.frame(riff(fmt(channels=2, rate=48_000), chunk(b"data", PCM)))


REFUSED = {
    "html": (b"<html><body>502 Bad Gateway", "not WAV audio: it begins with b'<html><body>'"),
    "another riff": (b"RIFF\0\0\0\0AVI LIST", "not WAV audio"),
    "8 bit": (riff(fmt(bits=8)), "8-bit PCM; only 16-bit PCM"),
    "24 bit": (riff(fmt(bits=24)), "24-bit PCM"),
    "32 bit": (riff(fmt(bits=32)), "32-bit PCM"),
    "float": (riff(fmt(codec=3, bits=32)), "32-bit float"),
    "mu-law": (riff(fmt(codec=7, bits=8)), "8-bit mu-law"),
    "an unknown codec": (riff(fmt(codec=0x161)), "codec 0x0161"),
    "extensible float": (riff(fmt(0xFFFE, bits=32, more=struct.pack("<HHIH", 22, 32, 4, 3) + GUID_TAIL)), "32-bit float"),
    "extensible cut short": (riff(fmt(0xFFFE)), "codec 0xfffe"),
    "six channels": (riff(fmt(channels=6)), "6 channels; only 1 or 2"),
    "no channel": (riff(fmt(channels=0)), "0 channels"),
    "no rate": (riff(fmt(rate=0)), "rate of 0 Hz; only 8000 to 96000"),
    "a rate beyond all": (riff(fmt(rate=OPEN)), "rate of 4294967295 Hz"),
    "a short format": (riff(chunk(b"fmt ", bytes(14))), "takes 14 bytes; at least 16"),
    "audio before the format": (riff(chunk(b"data", PCM)), "before its format"),
}


@pytest.mark.parametrize(("data", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_refused_in_words(data: bytes, words: str) -> None:
    with pytest.raises(ProtocolError, match=words):
        WavReader().push(data)


@pytest.mark.parametrize("size", [65_536, 0x7FFF_FFFF, OPEN])
def test_a_header_without_an_end_is_refused_before_it_comes(size: int) -> None:
    with pytest.raises(TooLarge, match=rf"at least {12 + 8 + size + size % 2} bytes; at most 65536"):
        WavReader().push(riff(chunk(b"LIST", b"", size)))


def test_many_small_chunks_are_too_large_as_well() -> None:
    reader = WavReader(max_header=100)
    with pytest.raises(TooLarge, match="at least 116 bytes; at most 100"):
        reader.push(riff(*[JUNK] * 10))


@pytest.mark.parametrize("size", [1, 12, 20, 43])
def test_an_end_inside_the_header_is_an_error(size: int) -> None:
    reader = WavReader()
    reader.push(FILES["plain"][:size])
    with pytest.raises(ProtocolError, match=f"after {size} bytes, before"):
        reader.flush()


def test_a_stream_that_brought_nothing_has_no_audio() -> None:
    assert read([]) == (None, b"")


@given(start=st.sampled_from([b"", riff(), riff(fmt()), riff(fmt(), chunk(b"data", PCM[:50], OPEN))]), data=st.binary())
def test_noise_raises_nothing_but_heralds_errors(start: bytes, data: bytes) -> None:
    reader = WavReader()
    with suppress(HeraldError):
        for piece in every(7, start + data):
            reader.push(piece)
        reader.flush()


@given(place=st.integers(0, 43), value=st.integers(0, 255))
def test_a_spoilt_header_raises_nothing_but_heralds_errors(place: int, value: int) -> None:
    spoilt = bytearray(FILES["plain"])
    spoilt[place] = value
    with suppress(HeraldError):
        read([bytes(spoilt)])


@pytest.mark.parametrize("audio", [MONO, STEREO])
def test_pythons_own_reader_reads_what_is_written(audio: AudioFormat) -> None:
    file = io.BytesIO()
    with WavWriter(file, audio) as writer:
        writer.write(PCM)
        writer.write(PCM)
    file.seek(0)
    with wave.open(file) as opened:
        assert (opened.getframerate(), opened.getnchannels(), opened.getsampwidth()) == (audio.rate, audio.channels, 2)
        assert opened.readframes(OPEN) == PCM * 2


def test_a_header_with_a_size_is_the_usual_one() -> None:
    assert wav_header(MONO, data_size=len(PCM)) + PCM == riff(fmt(), chunk(b"data", PCM), size=36 + len(PCM))


@pytest.mark.parametrize("size", [None, 0x7FFF_FFFF, 2**40])
def test_a_header_without_a_known_size_is_open(size: int | None) -> None:
    assert wav_header(MONO, data_size=size) + PCM == riff(fmt(), chunk(b"data", PCM, OPEN))


def test_a_pipe_keeps_the_open_sizes() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: object) -> int:
            raise io.UnsupportedOperation

    pipe = Pipe()
    with WavWriter(pipe, MONO) as writer:
        writer.write(PCM)
    assert pipe.getvalue() == riff(fmt(), chunk(b"data", PCM, OPEN))


def test_a_wav_may_begin_in_the_middle_of_a_file_and_be_closed_twice() -> None:
    file = io.BytesIO(b"before")
    file.seek(6)
    with WavWriter(file, MONO) as writer:
        writer.write(PCM)
        writer.close()
    file.write(b"after")
    assert file.getvalue() == b"before" + FILES["plain"][:4] + struct.pack("<I", 36 + len(PCM)) + FILES["plain"][8:] + b"after"
