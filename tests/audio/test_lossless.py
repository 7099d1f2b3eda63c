"""What is packed comes back to the bit; what is damaged is told."""

from __future__ import annotations

import os
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_server.audio.lossless import pack, unpack
from wyoming_server.engines.tone import sine
from wyoming_server.errors import ProtocolError


@given(st.binary(max_size=4_000), st.sampled_from([1, 2]))
def test_any_pcm_comes_back(data: bytes, channels: int) -> None:
    pcm = data[: len(data) - len(data) % (2 * channels)]
    assert unpack(pack(pcm, channels), channels, len(pcm)) == pcm


@pytest.mark.parametrize("pcm", [b"", bytes(4), b"\xff\x7f\x00\x80" * 500, bytes(100_000), os.urandom(100_000)])
@pytest.mark.parametrize("channels", [1, 2])
def test_the_extremes_come_back(pcm: bytes, channels: int) -> None:
    assert unpack(pack(pcm, channels), channels, len(pcm)) == pcm


def test_a_voice_gets_smaller() -> None:
    pcm = sine(22_050, 440, 0, 44_100)
    assert len(pack(pcm, 1)) < len(pcm) / 2


@pytest.mark.parametrize("size", [0, 98, 102, 1 << 40])
def test_another_size_than_was_packed_is_told(size: int) -> None:
    with pytest.raises(ProtocolError, match=r"The packed audio has \d+ bytes or more, and should have"):
        unpack(pack(bytes(100), 1), 1, size)


def test_half_a_frame_is_told() -> None:
    with pytest.raises(ProtocolError):
        unpack(pack(bytes(98), 1), 2, 98)


@pytest.mark.parametrize("data", [b"", b"nothing", pack(bytes(1000), 1)[:-1], zlib.compress(bytes(50_000_000))])
def test_what_was_not_packed_is_told_and_never_unpacked_further_than_it_should_be(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        unpack(data, 1, 1000)
