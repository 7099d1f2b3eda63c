"""Validators for voluptuous whose errors keep what a whole sentence needs: the words, the value, the known keys.

`checked` makes them of any schema, an engine's too. They know no file, none of Herald's keys and no default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

import voluptuous as vol

from .describe import describe, listing
from .scalars import kind, read, shown, verbatim

Check = Callable[[Any], Any]

_BE_LIST = "be a list, or text with commas"
_BE_MAPPING = "hold keys of its own"


class Wrong(vol.Invalid):
    """A value that is not allowed. `tail` tells the value or what came of it; a secret is told without."""

    def __init__(self, message: str, tail: str) -> None:
        super().__init__(message)
        self.tail = tail


def _must(what: str, found: str) -> Wrong:
    return Wrong(f"must {what}", f", not {found}")


class UnknownKey(vol.Invalid):
    """A key that does not exist. The suggestion is made only when it is told."""

    def __init__(self, key: str, known: Iterable[str]) -> None:
        super().__init__("is not a key here", [key])
        self._key = key
        self._known = list(known)

    def hint(self) -> str:
        near = get_close_matches(self._key[:100].lower().replace("-", "_"), self._known, n=1)
        return f"Did you mean {near[0]}?" if near else f"The keys here are {listing(self._known)}."


class Value:
    """One value: `check` is what voluptuous makes of it; the words are the check's own where none are given."""

    def __init__(self, check: Any, words: str = "", unit: str = "") -> None:
        self._schema = vol.Schema(check)
        self._takes_bool = _takes_bool(check)
        self.words = (words or describe(check) or "") + (f" ({unit})" if unit else "")

    def __call__(self, given: Any) -> Any:
        problem = ""
        for reading in (read(given), verbatim(given)):
            if isinstance(reading, bool) and not self._takes_bool:
                continue  # Python takes True for 1; nobody who writes `rate: yes` means that.
            try:
                return self._schema(reading)
            except vol.Invalid as invalid:
                problem = problem or f": {invalid.msg}"
        raise _must(f"be {self.words}", shown(given)) if self.words else Wrong("is not valid", problem)


class Items:
    """A list of values. Text with commas, as the environment has it, is a list too."""

    def __init__(self, item: Check, make: Callable[[list[Any]], Any] = list) -> None:
        self._item = item
        self._make = make

    def __call__(self, given: Any) -> Any:
        if isinstance(given, str):
            given = [type(given)(part.strip()) for part in given.split(",") if part.strip()]
        if not isinstance(given, list):
            raise _must(_BE_LIST, kind(given))
        schema = vol.Schema([self._item])
        return self._make(schema(given))


class Section:
    """A mapping with known keys; nothing at all is an empty one. An `open` section lets unknown keys through unseen."""

    def __init__(self, fields: Mapping[Any, Any], *, is_open: bool = False) -> None:
        self.names = [str(marker) for marker in fields]
        self._any_key = any(not isinstance(getattr(marker, "schema", marker), str) for marker in fields)
        self._open = is_open
        self._checks = {marker: checked(check) for marker, check in fields.items()}
        self._schema = vol.Schema(self._checks)

    def __call__(self, given: Any) -> dict[str, Any]:
        given = mapping(given)
        known = {key: value for key, value in given.items() if key in self.names or self._any_key}
        errors: list[vol.Invalid] = []
        if not self._open:
            errors += [UnknownKey(key, self.names) for key in given if key not in known]
        try:
            values: dict[str, Any] = self._schema(known)
        except vol.MultipleInvalid as invalid:
            errors += map(self._told, invalid.errors)
        if errors:
            raise vol.MultipleInvalid(errors)
        return values

    def _told(self, error: vol.Invalid) -> vol.Invalid:
        """The error, and for a missing key what it must be."""
        if not isinstance(error, vol.RequiredFieldInvalid):
            return error
        words = getattr(self._checks.get(error.path[-1]), "words", "")
        return vol.Invalid(f"is missing; it must be {words}" if words else "is missing", error.path)


def mapping(given: Any) -> dict[str, Any]:
    """A mapping with any keys; nothing at all is an empty one."""
    if given is not None and not isinstance(given, dict):
        raise _must(_BE_MAPPING, kind(given))
    return given or {}


def unseen(given: Any) -> Any:
    """Anything; somebody else looks at it."""
    return given


def checked(check: Any) -> Check:
    """Any schema as one of these validators, so that errors stand at the key or the list's item that is wrong."""
    if isinstance(check, Value | Items | Section) or check in (mapping, unseen):
        found: Check = check
        return found
    if isinstance(check, Mapping):
        return Section(check)
    if isinstance(check, list) and len(check) == 1:
        return Items(checked(check[0]))
    return Value(check)


def _takes_bool(check: Any) -> bool:
    """False for a check that takes numbers and names no bool."""
    leaves = list(_leaves(check))
    return any(leaf is bool for leaf in leaves) or not any(leaf is int or leaf is float for leaf in leaves)


def _leaves(check: Any) -> Iterator[Any]:
    if isinstance(check, vol.All | vol.Any):
        for part in check.validators:
            yield from _leaves(part)
    else:
        yield check.type if isinstance(check, vol.Coerce) else check
