"""Files made while the audio comes: what is written is read back by FFmpeg's demuxers, with the right rate, length and sound."""

from __future__ import annotations

import gc
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from av.filter import Graph
from hypothesis import given, settings
from hypothesis import strategies as st

from wyoming_server.audio.encode import WRITINGS, Container, Encoder
from wyoming_server.audio.ffmpeg import Converter
from wyoming_server.audio.ogg_pages import checksum
from wyoming_server.errors import BadSetting
from wyoming_server.models import AudioFormat

from . import quality
from .compressed import MONO, speech
from .containers import Read, read_back
from .streams import CUTS, cut, every

RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
SOURCES = [AudioFormat(rate=rate, channels=channels) for rate in RATES for channels in (1, 2)]
DELAYS = {Container.MP3: 1_105, Container.AAC: 1_024}
"""Frames before the audio, which a stream cannot tell."""
LOSSY_SNR = 14
"""dB, at the bit rate that nobody asked for."""
SHORT = (1, 15, 100, 479, 480, 481, 959, 960, 961, 1_500)
TASKS = Path("/proc/self/task")


def written(container: Container, source: AudioFormat, pcm: bytes, bitrate: int | None = None) -> bytes:
    encoder = Encoder(container, source, bitrate)
    return encoder.push(pcm) + encoder.flush()


def sound(container: Container, source: AudioFormat, seconds: float = 0.8, bitrate: int | None = None) -> Read:
    return read_back(written(container, source, speech(source, seconds), bitrate), container, source)


def frames_of(container: Container, source: AudioFormat, pcm: bytes) -> int:
    """Frames that the file of an exact container has."""
    frames = len(pcm) // source.frame_size
    return round(frames * (WRITINGS[container].rate or source.rate) / source.rate)


@pytest.mark.parametrize("source", SOURCES, ids=str)
@pytest.mark.parametrize("container", Container)
def test_every_container_carries_every_rate(container: Container, source: AudioFormat) -> None:
    read = sound(container, source)
    assert (read.rate, read.channels) == (WRITINGS[container].rate or source.rate, source.channels)
    wanted = quality.signal(speech(source)).reshape(-1, source.channels)
    if WRITINGS[container].lossless:
        assert np.array_equal(read.samples, wanted.ravel())
        return
    over = read.frames - frames_of(container, source, speech(source))
    assert 0 <= over < 3_500 if container in DELAYS else over == 0
    for channel in range(source.channels):
        want = wanted[:, channel]
        if read.rate != source.rate:
            want = quality.reference(want, round(len(want) * read.rate / source.rate))
        got = read.samples[channel :: source.channels][DELAYS.get(container, 0) :][: len(want)]
        assert quality.decibels(quality.rms(want) / quality.rms(got - want)) > LOSSY_SNR


@pytest.mark.parametrize("frames", SHORT)
@pytest.mark.parametrize("container", Container)
def test_audio_shorter_than_a_frame_is_a_whole_file(container: Container, frames: int) -> None:
    source = AudioFormat(rate=48_000)
    pcm = speech(source)[: frames * source.frame_size]
    read = read_back(written(container, source, pcm), container, source)
    # FFmpeg does not take both ends off one packet
    if container in DELAYS or (container is Container.WEBM_OPUS and frames <= 960 - 312):
        assert frames <= read.frames < frames + 2_400
    else:
        assert read.frames == frames


@pytest.mark.parametrize("rate", RATES)
def test_opus_has_the_length_of_the_audio_also_below_a_page(rate: int) -> None:
    source = AudioFormat(rate=rate)
    for frames in (1, 7, rate // 200, rate // 100, rate // 50, rate // 50 + 1, rate // 20):
        pcm = speech(source)[: 2 * frames]
        read = read_back(written(Container.OGG_OPUS, source, pcm), Container.OGG_OPUS, source)
        assert read.frames == round(frames * 48_000 / rate)


@pytest.mark.parametrize("source", [MONO, AudioFormat(rate=22_050, channels=2)], ids=str)
@pytest.mark.parametrize("container", Container)
def test_no_audio_and_half_a_frame_give_a_whole_file_without_a_sound(container: Container, source: AudioFormat) -> None:
    encoder = Encoder(container, source)
    assert encoder.push(b"") == encoder.push(b"\x01") == b""
    file = encoder.flush()
    assert encoder.flush() == b""
    read = read_back(file, container, source)
    assert (read.rate, read.channels) == (WRITINGS[container].rate or source.rate, source.channels)
    assert not np.any(np.abs(read.samples) > 1)
    assert read.frames < 0.5 * read.rate


@settings(max_examples=60)
@given(container=st.sampled_from(Container), sizes=CUTS, source=st.sampled_from([MONO, AudioFormat(rate=22_050, channels=2)]))
def test_any_cut_gives_the_same_file(container: Container, sizes: list[int], source: AudioFormat) -> None:
    encoder = Encoder(container, source)
    made = b"".join([*map(encoder.push, cut(speech(source), sizes)), encoder.flush()])
    assert made == written(container, source, speech(source))


@pytest.mark.parametrize("container", Container)
def test_bytes_come_as_they_are_made(container: Container) -> None:
    encoder = Encoder(container, MONO)
    sizes = [len(encoder.push(piece)) for piece in every(MONO.size(0.1), speech())]
    assert len(sizes) == 8
    assert sum(sizes[:2]) > 0
    assert all(sizes[2:])


@pytest.mark.parametrize("container", Container)
def test_long_audio_is_worked_on_in_pieces(container: Container) -> None:
    encoder, other = Encoder(container, MONO), Encoder(container, MONO)
    pieces = list(encoder.pieces(speech()))
    assert len(pieces) == 40
    assert b"".join(pieces) == other.push(speech())


@pytest.mark.parametrize("container", set(Container) - {Container.MP3, Container.AAC, Container.PCM})
def test_the_head_comes_with_the_first_audio(container: Container) -> None:
    encoder = Encoder(container, MONO)
    assert encoder.push(b"") == b""
    head = encoder.push(speech()[:2])
    assert head[:4] in {b"fLaC", b"OggS", b"RIFF", b"\x1aE\xdf\xa3"}
    assert encoder.push(speech())[:4] != head[:4] or container is Container.OGG_OPUS


@pytest.mark.parametrize("container", Container)
def test_what_is_broken_off_is_a_whole_file_of_what_was_said(container: Container) -> None:
    part = speech()[: MONO.size(0.333)]
    encoder = Encoder(container, MONO)
    file = encoder.push(part) + encoder.flush()
    assert file == written(container, MONO, part)
    over = read_back(file, container, MONO).frames - frames_of(container, MONO, part)
    assert 0 <= over < 3_500 if container in DELAYS else over == 0


def test_the_last_page_of_ogg_says_so_and_every_page_has_its_checksum() -> None:
    pages = list(ogg_pages(written(Container.OGG_OPUS, MONO, speech())))
    assert [page[5] for page in pages] == [2, 0, *[0] * (len(pages) - 3), 4]
    assert [struct.unpack_from("<I", page, 18)[0] for page in pages] == list(range(len(pages)))
    for page in pages:
        assert struct.unpack_from("<I", page, 22)[0] == remainder(page[:22] + bytes(4) + page[26:])


def ogg_pages(file: bytes) -> Iterator[bytes]:
    while file:
        size = 27 + file[26] + sum(file[27 : 27 + file[26]])
        yield file[:size]
        file = file[size:]


def remainder(page: bytes) -> int:
    """RFC 3533's checksum, bit by bit."""
    register = 0
    for byte in page:
        register ^= byte << 24
        for _ in range(8):
            register = (register << 1) ^ (0x104C11DB7 if register & 0x80000000 else 0)
    return register


def test_the_checksum_is_the_one_of_ogg() -> None:
    assert checksum(b"") == 0
    assert checksum(b"123456789") == remainder(b"123456789") == 0x89A1897F


def test_no_encoder_starts_a_thread() -> None:
    before = len(list(TASKS.iterdir()))
    encoders = [Encoder(container, AudioFormat(rate=22_050, channels=2)) for container in Container]
    for encoder in encoders:
        encoder.push(bytes(22_050 * 4))
    assert len(list(TASKS.iterdir())) == before


@pytest.mark.parametrize("end", ["flush", "close"])
def test_what_ffmpeg_holds_is_freed_at_the_end_and_not_some_time_later(end: str) -> None:
    gc.collect()
    gc.disable()
    try:
        before = graphs()
        encoders = [Encoder(container, AudioFormat(rate=22_050, channels=2)) for container in Container]
        for encoder in encoders:
            encoder.push(bytes(22_050))
        assert graphs() > before
        for encoder in encoders:
            getattr(encoder, end)()
        assert graphs() == before
    finally:
        gc.enable()


def graphs() -> int:
    return sum(isinstance(thing, Graph) for thing in gc.get_objects())


def test_a_converter_is_freed_by_its_flush() -> None:
    gc.collect()
    gc.disable()
    try:
        before = graphs()
        converter = Converter(MONO, AudioFormat(rate=16_000))
        converter.push(speech())
        converter.flush()
        converter.close()
        assert graphs() == before
    finally:
        gc.enable()


@pytest.mark.parametrize("container", Container)
def test_closed_twice_or_closed_and_flushed_is_no_error(container: Container) -> None:
    encoder = Encoder(container, MONO)
    encoder.push(speech())
    encoder.close()
    encoder.close()
    assert encoder.flush() == b""


@pytest.mark.parametrize("container", Container)
def test_a_bit_rate_makes_larger_or_smaller_files(container: Container) -> None:
    if WRITINGS[container].bitrates is None:
        with pytest.raises(BadSetting, match=rf"{container} takes no bit rate; 64000 was asked for"):
            Encoder(container, MONO, 64_000)
    else:
        small, large = (len(written(container, MONO, speech(), bitrate)) for bitrate in (24_000, 96_000))
        assert large > 1.7 * small


@pytest.mark.parametrize("bitrate", [0, 5_999, 400_000])
@pytest.mark.parametrize("container", [container for container in Container if WRITINGS[container].bitrates])
def test_a_bit_rate_out_of_range_is_refused_with_the_numbers(container: Container, bitrate: int) -> None:
    with pytest.raises(BadSetting, match=rf"{container} takes a bit rate of \d+000 to \d+000 bits per second, not {bitrate}"):
        Encoder(container, MONO, bitrate)


@pytest.mark.parametrize("container", [Container.MP3, Container.AAC])
def test_a_rate_that_a_container_has_not_is_refused_in_words(container: Container) -> None:
    with pytest.raises(BadSetting, match=rf"{container} has no rate of 23000 Hz, only 8000, 11025, .* 48000"):
        Encoder(container, AudioFormat(rate=23_000))


@pytest.mark.parametrize("source", [AudioFormat(rate=24_000, channels=6), AudioFormat(rate=24_000, width=4)], ids=str)
@pytest.mark.parametrize("container", Container)
def test_other_pcm_is_refused_in_words(container: Container, source: AudioFormat) -> None:
    with pytest.raises(BadSetting, match="Only 16-bit mono or stereo"):
        Encoder(container, source)


def test_every_container_is_in_the_table_and_a_suffix_means_one() -> None:
    assert WRITINGS.keys() == set(Container)
    suffixes = [suffix for writing in WRITINGS.values() for suffix in writing.suffixes]
    assert len(suffixes) == len(set(suffixes))
    assert all(writing.media_type.startswith("audio/") for writing in WRITINGS.values())
