"""Fragments in, whole sentences out: the service speaks one as soon as it is whole."""

from __future__ import annotations

import re

SENTENCE = re.compile(r".*?(?:[。！？!?\n]+|(?<!\d)\.|\.(?=\D))", re.DOTALL)
"""A full stop after a digit ends nothing before the next character is known."""


class Sentences:
    """The text of one session."""

    def __init__(self) -> None:
        self.characters = 0
        """Taken so far."""
        self._rest = ""

    def add(self, fragment: str) -> list[str]:
        self.characters += len(fragment)
        self._rest += fragment
        found: list[str] = []
        while match := SENTENCE.match(self._rest):
            found.append(match.group())
            self._rest = self._rest[match.end() :]
        return [sentence for sentence in found if _is_speakable(sentence)]

    def finish(self) -> list[str]:
        rest, self._rest = self._rest, ""
        return [rest] if _is_speakable(rest) else []


def _is_speakable(sentence: str) -> bool:
    return any(character.isalnum() for character in sentence)
