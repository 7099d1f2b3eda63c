"""Sound beyond the tones of `speech.audio`: headers of WAV files, and when words are spoken."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from math import log2

from ..speech.audio import WIDTH, Manner
from ..speech.audio import words as words_of

ENDLESS = 0xFFFF_FFFF
"""The length of what is not over yet."""
HEADER = 44
"""Bytes."""


def riff(rate: int, length: int = ENDLESS) -> bytes:
    """The header of a WAV file, s16 and mono, with so many bytes of audio."""
    whole = ENDLESS if length == ENDLESS else length + HEADER - 8
    form = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", whole, b"WAVE", b"fmt ", 16, 1, 1, rate, rate * WIDTH, WIDTH, 8 * WIDTH)
    return form + struct.pack("<4sI", b"data", length)


def semitones(factor: float) -> int:
    return round(12 * log2(factor))


@dataclass(frozen=True, kw_only=True)
class Word:
    """A word of a sentence."""

    text: str
    begin_index: int
    end_index: int
    begin_time: int
    """Milliseconds."""
    end_time: int


def words(sentence: str, manner: Manner, begins: float) -> list[Word]:
    """Those of a sentence that begins after so many seconds."""
    return [
        Word(
            text=text,
            begin_index=begin,
            end_index=end,
            begin_time=round(1000 * (begins + begin * manner.character)),
            end_time=round(1000 * (begins + end * manner.character)),
        )
        for text, begin, end in words_of(sentence)
    ]
