"""The chain: bytes untouched without a stage, quantised once with any."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given

from wyoming_server.audio.chain import FIRST_FRAMES, PIECE_FRAMES, PcmChain, Stage
from wyoming_server.audio.gain import Gain, Limiter
from wyoming_server.audio.loudness import LoudnessMeter
from wyoming_server.audio.resample import Resampler
from wyoming_server.audio.samples import EMPTY, Float32
from wyoming_server.audio.trim import LeadTrim
from wyoming_server.models import AudioFormat

from . import quality
from .streams import CUTS, cut, through

MONO = AudioFormat(rate=24_000)
STEREO = AudioFormat(rate=24_000, channels=2)
WIDE = AudioFormat(rate=16_000, channels=2)


def test_without_a_stage_the_very_bytes_go_through() -> None:
    chain = PcmChain(MONO)
    pcm = bytes(range(240)) * 1000
    assert chain.push(pcm) is pcm
    assert list(chain.pieces(pcm)) == [pcm]
    assert chain.flush() == b""


def test_without_a_stage_parts_of_frames_are_put_together() -> None:
    chain = PcmChain(STEREO)
    assert [chain.push(piece) for piece in (b"12", b"345", b"67", b"89")] == [b"", b"1234", b"", b"5678"]
    assert chain.flush() == b""


def whole() -> PcmChain:
    """All stages there are, with a change of channels."""
    stages: list[Stage] = [LeadTrim(24_000), LoudnessMeter(24_000), Gain(6.0), Resampler(MONO, WIDE), Limiter(16_000)]
    return PcmChain(MONO, stages)


SPEECH = bytes(9_600) + quality.pcm(quality.speech(24_000, 0.7))
MADE = through(whole(), [SPEECH])


@given(sizes=CUTS)
def test_any_cut_through_all_stages_gives_the_same_bytes(sizes: list[int]) -> None:
    assert through(whole(), cut(SPEECH, sizes)) == MADE


def test_a_long_push_comes_in_pieces() -> None:
    chain = whole()
    pieces = list(chain.pieces(SPEECH * 2))
    frames = 2 * len(SPEECH) // MONO.frame_size
    assert len(pieces) == 1 + math.ceil((frames - FIRST_FRAMES) / PIECE_FRAMES)
    assert b"".join([*pieces, chain.flush()]) == through(whole(), [SPEECH, SPEECH])


def test_an_empty_stream_stays_empty() -> None:
    assert through(whole(), []) == b""
    assert through(whole(), [b"", b"\x01"]) == b""


def test_samples_are_rounded_and_clipped_once_at_the_end() -> None:
    chain = PcmChain(MONO, [Gain(0.001), Gain(1700.0)])
    given = np.array([0, 1, -1, 2, -2, 333, -333, 20_000, -20_000, 32_767, -32_768], "<i2")
    made = np.frombuffer(through(chain, [given.tobytes()]), "<i2")
    assert made.tolist() == [0, 2, -2, 3, -3, 566, -566, 32_767, -32_768, 32_767, -32_768]


def test_a_flushed_tail_goes_through_the_later_stages() -> None:
    class Late:
        """Gives everything at the end."""

        held = EMPTY

        def push(self, frames: Float32) -> Float32:
            assert len(frames)
            self.held = np.concatenate((self.held, frames))
            return EMPTY

        def flush(self) -> Float32:
            return self.held

    pcm = np.arange(100, dtype="<i2").tobytes()
    assert through(PcmChain(MONO, [Late(), Gain(2), Late()]), [pcm]) == np.arange(0, 200, 2, dtype="<i2").tobytes()


def test_other_widths_are_refused() -> None:
    with pytest.raises(ValueError, match="2 bytes a sample, not 4"):
        PcmChain(AudioFormat(rate=24_000, width=4))


LIGHT = """
import sys
from wyoming_server.audio import chain, chunks, frames, level, wav
from wyoming_server.models import AudioFormat
chain.PcmChain(AudioFormat(rate=24_000)).push(bytes(960))
assert not {"numpy", "soxr", "asyncio"} & set(sys.modules)
"""


def test_what_every_reply_needs_imports_no_numpy() -> None:
    subprocess.run([sys.executable, "-c", LIGHT], check=True)  # noqa: S603  # our own words
