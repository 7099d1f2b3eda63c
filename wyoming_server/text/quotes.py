"""Which way a quotation mark faces, where its shape alone does not tell.

Straight quotes, guillemets (French « a », German »a«) and the mark “ that opens in English and closes in German. Remembers what
is open; knows nothing of sentences.
"""

from __future__ import annotations

from .characters import Kind

_QUOTES = frozenset("\"'«»„“")
_LEFT_EDGE = frozenset({Kind.SPACE, Kind.NEWLINE, Kind.OPENER, Kind.DASH})
_EITHER = frozenset({Kind.WIDE, Kind.WIDE_SOFT, Kind.WIDE_ENDER, Kind.SOFT, Kind.OTHER})
"""After these a straight quote opens, unless one is open: Chinese puts no space before it."""


class Quotes:
    """Tells openers from closers, character by character."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """A new line begins: what was left open stays behind."""
        self.guillemets = False
        """True between « and »: French puts a space before the closing mark too."""
        self._straight = False
        self._low = False

    def kind(self, char: str, before: Kind, kind: Kind) -> Kind:
        """What `char`, of this kind in itself, is after a character of kind `before`."""
        if char not in _QUOTES:
            return kind
        if char == '"':
            return self._straight_quote(before)
        if char in "«»":
            return self._guillemet(char, before)
        if char == "'":
            return Kind.OTHER if before in _LEFT_EDGE else Kind.CLOSER
        if char == "„":
            self._low = True
        elif char == "“" and self._low:
            self._low = False
            return Kind.CLOSER
        return kind

    def _straight_quote(self, before: Kind) -> Kind:
        opens = before in _LEFT_EDGE or (before in _EITHER and not self._straight)
        self._straight = opens
        return Kind.OPENER if opens else Kind.CLOSER

    def _guillemet(self, char: str, before: Kind) -> Kind:
        opens = before in _LEFT_EDGE and not (char == "»" and self.guillemets)
        self.guillemets = opens and char == "«"
        return Kind.OPENER if opens else Kind.CLOSER
