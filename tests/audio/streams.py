"""Ways to cut streams of bytes or frames, and to push them through what is under test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise

import numpy as np
from hypothesis import strategies as st

from wyoming_server.audio.chain import PcmChain, Stage
from wyoming_server.audio.samples import Float32, joined
from wyoming_server.models import AudioFormat

CUTS = st.lists(st.one_of(st.integers(0, 9), st.integers(0, 3_000)), max_size=30)
"""Sizes of the first pushes; the rest comes in one."""


def cut(data: bytes, sizes: Sequence[int]) -> Iterator[bytes]:
    """`data` in pieces of these sizes, and the rest."""
    places = [0, *accumulate(sizes), len(data)]
    return (data[start:end] for start, end in pairwise(places) if start <= len(data))


def every(size: int, data: bytes) -> Iterator[bytes]:
    """`data` in pieces of one size."""
    return (data[start : start + size] for start in range(0, len(data), size))


def paced(audio: AudioFormat, pcm: bytes) -> Iterator[bytes]:
    """`pcm` in pieces of 20 ms."""
    return every(audio.size(0.02), pcm)


def through(chain: PcmChain, pieces: Iterable[bytes]) -> bytes:
    return b"".join([*map(chain.push, pieces), chain.flush()])


def staged(stage: Stage, frames: Float32, sizes: Iterable[int] | int = 480) -> Float32:
    """`frames` pushed through one stage in pieces of one size, or of `sizes` and the rest, and flushed."""
    steps = range(sizes, len(frames), sizes) if isinstance(sizes, int) else accumulate(sizes)
    pieces = np.split(frames.copy(), [place for place in steps if place < len(frames)])
    return joined([*(stage.push(piece) for piece in pieces if len(piece)), stage.flush()])
