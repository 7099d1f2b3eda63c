"""Takes emoji out: with their skin tones, joiners, selectors and tags; flags; of a keycap the digit stays.

Ranges rather than a list of emoji: what a later Unicode adds in them goes too. Signs that text uses (©, ™, ♯, →, ①) stay, those
among them that have two looks go only where the text asks for the coloured one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from .pieces import GAP, Piece

_PICTURES = (
    range(0x231A, 0x231C),  # watch, hourglass
    range(0x2328, 0x2329),  # keyboard
    range(0x23CF, 0x23D0),
    range(0x23E9, 0x23FB),  # media controls, clocks
    range(0x25AA, 0x25AC),
    range(0x25B6, 0x25B7),
    range(0x25C0, 0x25C1),
    range(0x25FB, 0x25FF),
    range(0x2600, 0x27C0),  # miscellaneous symbols, dingbats
    range(0x2B00, 0x2C00),  # arrows and stars
    range(0x1F000, 0x1FB00),
)
_KEPT = frozenset("♭♮")
_TWO_LOOKS = frozenset("ℹ↔↕↖↗↘↙↩↪Ⓜ〰〽㊗㊙")
"""Text, unless an emoji selector follows."""
_JOINER = "\u200d"
_EMOJI_SELECTOR = "\ufe0f"
_ATTACHMENTS = frozenset("\ufe0e\ufe0f\u20e3")
_TAGS = range(0xE0020, 0xE0080)


def is_emoji(char: str) -> bool:
    """Whether this character by itself is a picture."""
    point = ord(char)
    if point >= _PICTURES[-1].start:
        return point in _PICTURES[-1]
    return unicodedata.category(char) == "So" and char not in _KEPT and any(point in span for span in _PICTURES)


class Emoji:
    """A stage of the clean-up: pieces in, the same without emoji out."""

    def __init__(self) -> None:
        self._in_emoji = False
        self._undecided = ""
        """One character that is text or emoji, depending on the next."""

    def push(self, pieces: Iterable[Piece]) -> list[Piece]:
        cleaned: list[Piece] = []
        for piece in pieces:
            if piece is GAP:
                cleaned += (*self.flush(), GAP)
            elif piece.isascii() and not self._undecided:
                self._in_emoji = self._in_emoji and not piece
                cleaned.append(piece)
            else:
                for char in piece:
                    self._char(char, cleaned)
        return cleaned

    def flush(self) -> list[Piece]:
        undecided, self._undecided = self._undecided, ""
        return [undecided] if undecided else []

    def _char(self, char: str, cleaned: list[Piece]) -> None:
        if self._undecided and char == _EMOJI_SELECTOR:
            self._undecided, self._in_emoji = "", True
            cleaned.append(GAP)
            return
        cleaned += self.flush()
        if is_emoji(char):
            self._in_emoji = True
            cleaned.append(GAP)
        elif char in _ATTACHMENTS or ord(char) in _TAGS or (char == _JOINER and self._in_emoji):
            return
        elif char in _TWO_LOOKS:
            self._undecided, self._in_emoji = char, False
        else:
            self._in_emoji = False
            cleaned.append(char)
