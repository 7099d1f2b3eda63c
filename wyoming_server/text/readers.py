"""What a reader is: a small machine that reads one construct inside a line; and the readers for runs of marks and for code.

A reader is given characters until it knows what it has; then it says what is spoken in its place, and what has to be read again
as ordinary text. It keeps back at most `HOLD` code points, and what it gives back begins the same construct again only with its
last character: so no character is read more than a few times. What is open around it is `inline`'s business.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from .pieces import HOLD, Piece


@dataclass(frozen=True, slots=True)
class Found:
    """What a reader made of its characters."""

    spoken: tuple[Piece, ...] = ()
    again: str = ""
    """Has to be read once more, as ordinary text."""
    recognised: bool = True
    """False: it was not the construct that the reader reads."""
    more: bool = False
    """True: the construct goes on."""


class Reader(ABC):
    """Reads one construct."""

    def __init__(self, text: str = "") -> None:
        self.text = text
        """What has been read of it and is kept back."""

    @abstractmethod
    def read(self, char: str) -> Found | None:
        """None: not known yet."""

    @abstractmethod
    def finish(self) -> Found:
        """The text ends here."""


class RunReader(Reader):
    """A run of one character: `**`, ``` `` ```. Hands over the character after it, too."""

    def read(self, char: str) -> Found | None:
        if char == self.text[0] and len(self.text) < HOLD:
            self.text += char
            return None
        return Found(again=char)

    def finish(self) -> Found:
        return Found()


class NextReader(Reader):
    """One character whose meaning hangs on the next."""

    def read(self, char: str) -> Found | None:
        return Found(again=char)

    def finish(self) -> Found:
        return Found()


class CodeReader(Reader):
    """Inline code, spoken as it is up to the same run of back-ticks, or the line's end."""

    def __init__(self, ticks: int) -> None:
        super().__init__()
        self._ticks = ticks

    def read(self, char: str) -> Found | None:
        if char == "`" and len(self.text) <= self._ticks:
            self.text += char
            return None
        ticks, self.text = self.text, ""
        if len(ticks) == self._ticks:
            return Found(again=char)
        return Found((ticks,), again=char) if char == "\n" else Found((ticks + char,), more=True)

    def finish(self) -> Found:
        return Found((self.text,) if len(self.text) != self._ticks else ())
