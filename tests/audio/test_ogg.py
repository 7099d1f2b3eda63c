"""Ogg pages as transcripts: whole, byte by byte, with gaps, with garbage, and with streams beside and after each other."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_server.audio.ogg import OggPacket, OggReader
from wyoming_server.errors import TooLarge

from .compressed import page
from .streams import CUTS, cut, every

BEGIN, END, CONTINUED = 2, 4, 1
LONG = bytes(range(250)) * 4
"""A packet of 1000 bytes; its first 510 may stand on a page of their own."""

FILE = b"".join(
    (
        page([b"head"], BEGIN),
        page([b"tags", b"", b"one"], sequence=1, granule=7),
        page([b"two", LONG[:510]], sequence=2, granule=8, open_end=True),
        page([LONG[510:], b"x" * 255], CONTINUED | END, sequence=3, granule=9),
    )
)
PACKETS = [b"head", b"tags", b"", b"one", b"two", LONG, b"x" * 255]


def read(pieces: Iterable[bytes]) -> list[OggPacket]:
    reader = OggReader()
    return [packet for piece in pieces for packet in reader.push(piece)]


def data(pieces: Iterable[bytes]) -> list[bytes]:
    return [packet.data for packet in read(pieces)]


@pytest.mark.parametrize("pieces", [[FILE], list(every(1, FILE))], ids=["whole", "byte by byte"])
def test_packets_are_read(pieces: list[bytes]) -> None:
    assert data(pieces) == PACKETS


@given(sizes=CUTS)
def test_any_cut_gives_the_same_packets(sizes: list[int]) -> None:
    assert read(cut(FILE, sizes)) == read([FILE])


def test_the_first_packet_and_the_last_page_are_told() -> None:
    packets = read([FILE])
    assert [packet.begins for packet in packets] == [True] + [False] * 6
    assert [packet.last for packet in packets] == [False] * 5 + [True] * 2


def test_the_last_packet_that_ends_on_a_page_has_the_position_of_its_end() -> None:
    packets = read([FILE])
    assert [packet.granule for packet in packets] == [0, 7, 7, 7, 8, 9, 9]
    assert [packet.page_ends for packet in packets] == [True, False, False, True, True, False, True]


def test_a_page_without_a_position_tells_none() -> None:
    assert [packet.granule for packet in read([page([b"head"], BEGIN, granule=-1)])] == [None]


def test_a_packet_comes_with_its_last_byte() -> None:
    reader = OggReader()
    start = page([b"head"], BEGIN) + page([b"first", b"second"], sequence=1)
    assert [packet.data for packet in reader.push(start[:-6])] == [b"head", b"first"]


def test_garbage_between_pages_is_skipped() -> None:
    pages = [page([b"head"], BEGIN), page([b"one"], sequence=1), page([b"two"], sequence=2)]
    noisy = b"<html>" + b"Ogg".join(pages) + b"OggSOggS\x01" + page([b"three"], sequence=3)
    assert data([noisy]) == data(every(1, noisy)) == [b"head", b"one", b"two", b"three"]


def test_a_packet_is_left_out_if_a_page_with_a_part_of_it_is_missing() -> None:
    begin = page([b"head"], BEGIN) + page([b"one", LONG[:255]], sequence=1, open_end=True)
    assert data([begin + page([LONG[255:], b"two"], CONTINUED, sequence=3)]) == [b"head", b"one", b"two"]
    assert data([begin + page([b"two"], sequence=2)]) == [b"head", b"one", b"two"]


def test_a_stream_beside_the_first_is_left_out() -> None:
    pages = [
        page([b"head"], BEGIN),
        page([b"other head"], BEGIN, serial=2),
        page([b"other"], serial=2, sequence=1),
        page([b"one"], sequence=1),
    ]
    assert data([b"".join(pages)]) == [b"head", b"one"]


def test_a_stream_after_the_first_is_followed() -> None:
    packets = read([FILE + page([b"next"], BEGIN, serial=2) + page([b"one"], sequence=1, serial=2)])
    assert [packet.data for packet in packets] == [*PACKETS, b"next", b"one"]
    assert [packet.begins for packet in packets][-2:] == [True, False]


def test_a_packet_without_an_end_is_refused_with_both_numbers() -> None:
    reader = OggReader(max_packet=1_000)
    assert list(reader.push(page([bytes(510)], BEGIN, open_end=True))) == []
    with pytest.raises(TooLarge, match="at least 1020 bytes; at most 1000"):
        list(reader.push(page([bytes(510)], CONTINUED, sequence=1, open_end=True)))


@given(noise=st.binary(max_size=300), place=st.integers(0, len(FILE)))
def test_noise_never_fails(noise: bytes, place: int) -> None:
    noisy = FILE[:place] + noise + FILE[place:]
    assert data([noisy]) == data(every(1, noisy))
