"""What a voluptuous check allows, in words: `All(int, Range(8000, 96000))` is "a whole number from 8000 to 96000".

One table of check types. What is not in it has no description, and its own error message is told instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import voluptuous as vol

_TYPES: dict[Any, str] = {
    None: "nothing",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "a mapping",
    vol.Lower: "",
    vol.Strip: "",
}


def describe(check: Any) -> str | None:
    """Words for a check; empty if it restricts nothing, `None` if they are not known."""
    if words := next((words for cls, words in _CHECKS.items() if isinstance(check, cls)), None):
        return words(check)
    try:
        return _TYPES.get(check)
    except TypeError:
        return None


def listing(names: Iterable[object]) -> str:
    return ", ".join(str(name) for name in names)


def _all(check: vol.All) -> str | None:
    if chosen := next((part for part in check.validators if isinstance(part, vol.In)), None):
        return describe(chosen)
    parts = [describe(part) for part in check.validators]
    return None if None in parts else " ".join(part for part in parts if part)


def _any(check: vol.Any) -> str | None:
    alternatives = list(check.validators)
    if int in alternatives and float in alternatives:
        alternatives.remove(int)
    # `Maybe` puts None first; people read it last.
    parts = [describe(part) for part in sorted(alternatives, key=lambda part: part is None)]
    return None if None in parts else " or ".join(part for part in parts if part)


def _range(check: vol.Range) -> str:
    return _between(check.min, check.max, "from")


def _length(check: vol.Length) -> str:
    return f"{_between(check.min, check.max, 'of')} characters"


def _between(low: Any, high: Any, word: str) -> str:
    if low is None:
        return f"of at most {_number(high)}"
    if high is None:
        return f"of at least {_number(low)}"
    return f"{word} {_number(low)} to {_number(high)}"


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


_CHECKS: dict[type, Callable[[Any], str | None]] = {
    vol.All: _all,
    vol.Any: _any,
    vol.Range: _range,
    vol.Length: _length,
    vol.In: lambda check: f"one of {listing(check.container)}",
    vol.Coerce: lambda check: _TYPES.get(check.type, ""),
    list: lambda check: f"a list, each {words}" if (words := describe(vol.Any(*check))) else "a list",
}
