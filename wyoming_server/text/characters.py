"""What a character means to the sentence splitter, in any script: tables and predicates.

One character at a time and nothing remembered; what depends on the neighbours lives in `quotes` and `sentences`.
"""

from __future__ import annotations

import unicodedata
from enum import IntEnum, auto
from functools import lru_cache
from typing import NamedTuple


class Kind(IntEnum):
    """The classes of characters that the splitter tells apart."""

    LETTER = auto()
    DIGIT = auto()
    WIDE = auto()
    """A letter of a script without spaces between words, where a line may break anywhere: Chinese, Japanese."""
    MARK = auto()
    """Belongs to the character before it: accents, vowel signs, joiners, variation selectors."""
    SPACE = auto()
    NEWLINE = auto()
    STOP = auto()
    """A full stop that also stands in numbers, abbreviations and names."""
    ENDER = auto()
    """Ends a sentence unless the word goes on right after it."""
    WIDE_ENDER = auto()
    """Ends a sentence whatever follows."""
    SOFT = auto()
    """Ends a clause where a space follows."""
    WIDE_SOFT = auto()
    """Ends a clause whatever follows."""
    DASH = auto()
    OPENER = auto()
    CLOSER = auto()
    OTHER = auto()


ENDERS = frozenset({Kind.STOP, Kind.ENDER, Kind.WIDE_ENDER})
SOFTS = frozenset({Kind.SOFT, Kind.WIDE_SOFT, Kind.DASH})
ATTACHED = frozenset({*ENDERS, *SOFTS, Kind.CLOSER, Kind.MARK})
"""Never at the beginning of a piece."""

NEWLINES = "\n\r\v\f\x85\u2028\u2029"
ELLIPSIS = "…"
EN_DASH = "–"

_TABLE: dict[Kind, str] = {
    Kind.NEWLINE: NEWLINES,
    Kind.STOP: ".．",
    Kind.ENDER: "!?…‼⁇⁈⁉\u037e",
    # Chinese, Arabic, Urdu, Devanagari, Armenian, Ethiopic, Burmese, Khmer, Tibetan, Mongolian, Syriac, Sinhala, Meetei, Javanese
    Kind.WIDE_ENDER: "。！？｡؟۔।॥։።፧။។៕།༎᠃᠉܀܁܂෴꯫꧉",
    Kind.SOFT: ",;:",
    Kind.WIDE_SOFT: "，、；：､،؛፣፤፥፦၊",
    Kind.DASH: "—―⸺–",
    Kind.OPENER: "([{“‘„‚‹（［｛「『《〈【〔〖｢¿¡",
    Kind.CLOSER: ")]}”’›）］｝」』》〉】〕〗｣",
}
_KINDS = {char: kind for kind, chars in _TABLE.items() for char in chars}

_SPOKEN_SIGNS = frozenset("%％‰٪&＆@＠§°+＋=＝±×÷≈≠≤≥√∞∑")
"""Signs that engines read aloud, beside every currency sign."""

_VIRAMA = 9
"""Canonical combining class of the signs that bind two Indic consonants into one."""

WIDE_WEIGHT = 3
"""Latin letters that take about as long to speak as one Chinese, Japanese or Korean character."""


class Traits(NamedTuple):
    """All that the splitter wants to know about a character."""

    kind: Kind
    spoken: bool
    """An engine says something for it."""
    weight: int
    """How much it adds to the time it takes to speak, in Latin letters."""


@lru_cache(maxsize=4096)
def traits_of(char: str) -> Traits:
    """The traits of one character."""
    spoken = char.isalnum() or char in _SPOKEN_SIGNS or unicodedata.category(char) == "Sc"
    return Traits(_kind(char), spoken, WIDE_WEIGHT if char.isalpha() and _is_wide(char) else 1)


def kind_of(char: str) -> Kind:
    """The kind of one character. Guillemets and straight quotes count as OTHER here: `quotes` knows which way they face."""
    return traits_of(char).kind


def is_in_word(char: str) -> bool:
    """Whether this is a letter or digit of a script that puts spaces between words. False for the empty string."""
    return char.isalnum() and kind_of(char) is not Kind.WIDE


def joined(before: str, after: str) -> bool:
    """Whether a cut between these two would break what a reader sees as one character. Flags apart."""
    if kind_of(after) is Kind.MARK or before == "\u200d":
        return True
    is_conjunct = unicodedata.combining(before) == _VIRAMA and after.isalpha()
    return is_conjunct or ("\ud800" <= before <= "\udbff" and "\udc00" <= after <= "\udfff")


def is_flag_letter(char: str) -> bool:
    """Regional indicators: two of them make a flag."""
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _kind(char: str) -> Kind:
    if char in _KINDS:
        return _KINDS[char]
    if char.isspace():
        return Kind.SPACE
    if _joins_what_is_before(char):
        return Kind.MARK
    if char.isdigit():
        return Kind.DIGIT
    if not char.isalnum():
        return Kind.OTHER
    return Kind.WIDE if _is_wide(char) and not _is_hangul(char) else Kind.LETTER


def _joins_what_is_before(char: str) -> bool:
    is_skin_tone = "\U0001f3fb" <= char <= "\U0001f3ff"
    is_tag = "\U000e0020" <= char <= "\U000e007f"
    return char in "\u200c\u200d" or is_skin_tone or is_tag or unicodedata.category(char).startswith("M")


def _is_wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in "WF" and not char.isascii() and not "\uff10" <= char <= "\uff5a"


def _is_hangul(char: str) -> bool:
    return "\u1100" <= char <= "\u11ff" or "\u3130" <= char <= "\u318f" or "\uac00" <= char <= "\ud7ff"
