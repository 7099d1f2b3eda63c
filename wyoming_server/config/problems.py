"""Collects everything that is wrong, and tells it in one error: a line each, in the file's order."""

from __future__ import annotations

from typing import Any, NamedTuple

import voluptuous as vol
from voluptuous.schema_builder import VirtualPathComponent

from ..errors import ConfigError
from .document import Document, Place
from .fields import Check, UnknownKey, Wrong
from .scalars import KeyPath, dotted, is_secret

STORED = "Stored credentials"
"""Instead of the line where a value stands."""
TOLD = 20
"""Problems in one error; the others are counted."""


class _Problem(NamedTuple):
    place: Place
    path: KeyPath
    error: vol.Invalid


class Problems:
    """What is wrong with one document."""

    def __init__(self, document: Document, name: str) -> None:
        self._document = document
        self._name = name
        self._found = [_Problem(place, path, vol.Invalid(message)) for path, place, message in document.flaws]

    def add(self, path: KeyPath, message: str, place: Place | None = None) -> None:
        """`message` goes on where the dotted path ends: "is not built yet"."""
        self._add(path, vol.Invalid(message), place)

    def check(self, validator: Check, value: Any, path: KeyPath) -> Any:
        """What the validator makes of the value; `None` if it is wrong, which is noted."""
        try:
            return vol.Schema(validator)(value)
        except vol.MultipleInvalid as invalid:
            for error in invalid.errors:
                self._add((*path, *_key_path(error)), error)
            return None

    def place(self, path: KeyPath) -> Place:
        """Where the value stands, or the nearest mapping around it."""
        return self._document.place(path)

    def raise_if_any(self) -> None:
        """Raises ConfigError with all sentences."""
        if not self._found:
            return
        found = sorted(
            self._found, key=lambda problem: (not problem.place.line, problem.place, [str(part) for part in problem.path])
        )
        lines = [self._sentence(problem) for problem in found[:TOLD]]
        if len(found) > TOLD:
            lines.append(f"{len(found) - TOLD} more problems.")
        raise ConfigError("\n".join(lines))

    def _add(self, path: KeyPath, error: vol.Invalid, place: Place | None = None) -> None:
        self._found.append(_Problem(place or self._document.place(path), path, error))

    def _sentence(self, problem: _Problem) -> str:
        place = problem.place
        head = STORED if place.stored else place.variable or f"{self._name} line {place.line}"
        secret = place.from_file or place.stored or is_secret(problem.path)
        key = dotted(problem.path) or ("" if place.variable else "the file")
        return f"{head}: {f'{key} {_words(problem.error, secret=secret)}'.strip()}"


def _key_path(error: vol.Invalid) -> KeyPath:
    """Voluptuous has markers in its paths, and names of groups of keys, which are no keys."""
    parts = [part for part in error.path if not isinstance(part, VirtualPathComponent)]
    return tuple(part if isinstance(part, int) else str(part) for part in parts)


def _words(error: vol.Invalid, *, secret: bool) -> str:
    """The error's words, up to and with the full stop."""
    if isinstance(error, UnknownKey):
        return f"{error.msg}. {error.hint()}"
    tail = error.tail if isinstance(error, Wrong) else ""
    if secret and tail:
        tail = " (what stands there is not shown)"
    sentence = f"{error.msg}{tail}"
    return sentence if sentence.endswith((".", "?")) else f"{sentence}."
