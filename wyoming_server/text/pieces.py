"""What the stages of the clean-up hand to each other, and the white space around what was taken out."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Final, TypeAlias

from .characters import is_in_word


class Gap(Enum):
    """Marks the place of something visible that is not spoken: an emoji, a picture without words."""

    GAP = "gap"


GAP: Final = Gap.GAP
Piece: TypeAlias = str | Gap

HOLD = 256
"""Code points that a stage keeps back at most, while it does not know what they are."""

_BLANK = " \t"
_SPACES_HELD = 64
_CLINGS = frozenset(".,;:!?…)]}。，、；：！？）】」』؟،۔।\r\n")
"""Text that wants no space before it, where a gap left one."""


class Spacing:
    """Joins what stands on both sides of a gap; where there is none, white space stays as it is.

    One space stays, none before a full stop or at a line's ends; two words never become one.
    """

    def __init__(self) -> None:
        self._spaces = ""
        """Waiting for what comes next."""
        self._gap = False
        self._before = "\n"

    def push(self, pieces: Iterable[Piece]) -> str:
        released: list[str] = []
        for piece in pieces:
            if piece is GAP:
                self._gap = True
            else:
                released.append(self._text(piece))
        return "".join(released)

    def flush(self) -> str:
        spaces = "" if self._gap else self._spaces
        self._spaces, self._before = "", spaces[-1:] or self._before
        return spaces

    def _text(self, text: str) -> str:
        """The text without the spaces at its end: the next piece may be a gap."""
        tail = text.lstrip(_BLANK)
        released = self._add(text[: len(text) - len(tail)])
        body = tail.rstrip(_BLANK)
        if not body:
            return released
        lead = self._lead(body[0])
        self._spaces, self._gap, self._before = "", False, body[-1]
        return released + lead + body + self._add(tail[len(body) :])

    def _add(self, spaces: str) -> str:
        """Keep spaces back; what is more than anybody writes is released."""
        if self._gap:
            if not self._spaces and not self._before.isspace():
                self._spaces = spaces[:1]
            return ""
        self._spaces += spaces
        released, self._spaces = self._spaces[:-_SPACES_HELD], self._spaces[-_SPACES_HELD:]
        return released

    def _lead(self, following: str) -> str:
        """What goes between the text before and `following`."""
        if not self._gap or self._spaces:
            return "" if self._gap and following in _CLINGS else self._spaces
        glued = is_in_word(following) and (is_in_word(self._before) or self._before in _CLINGS - {"\r", "\n"})
        return " " if glued else ""
