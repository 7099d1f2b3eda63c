"""One value as text: how a text is read, and how a value is shown. Knows no schema and no file.

A plain word of YAML, or of the environment, is only given a type when a key asks for one. So `language: no` is Norwegian and
`consent: no` is false, and the token 0123 keeps its zero.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

KeyPath: TypeAlias = tuple[str | int, ...]
"""Where a value stands: keys, and places in lists."""

SHOWN = 60
"""Characters of a value or key in an error."""

_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False, "null": None, "~": None}
_WHOLE = re.compile(r"[-+]?[0-9][0-9_]{0,17}")
_NUMBER = re.compile(r"[-+]?([0-9]{1,17}\.?[0-9]{0,17}|\.[0-9]{1,17})([eE][-+]?[0-9]{1,2})?")
_SIMPLE_KEY = re.compile(r"[\w+/-]+")
_SECRET = re.compile(r"token|secret|key|password", re.IGNORECASE)
_ITEMS_BELOW = 2
"""`engines.NAME` and `voices.NAME` are names of the user's; from there on, names are keys."""


class Plain(str):
    """Text without quotes: a word, but also a number, true, false or nothing, where a key takes those."""

    __slots__ = ()


def read(value: Any) -> Any:
    """`value` with every plain text in it as the number or word that it looks like."""
    if isinstance(value, Plain):
        return _read(str(value))
    return _deep(value, read)


def verbatim(value: Any) -> Any:
    """`value` with every plain text in it as text, just as it was written."""
    if isinstance(value, Plain):
        return str(value)
    return _deep(value, verbatim)


def _deep(value: Any, each: Any) -> Any:
    if isinstance(value, list):
        return [each(item) for item in value]
    if isinstance(value, dict):
        return {key: each(item) for key, item in value.items()}
    return value


def _read(text: str) -> Any:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _WHOLE.fullmatch(text):
        return int(text.replace("_", ""))
    if _NUMBER.fullmatch(text):
        return float(text)
    return text


def whole_text(text: str) -> str:
    """`text` with escaped surrogate pairs joined. Raises ValueError for half a pair, or a byte that was not UTF-8."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")


def shown(value: Any) -> str:
    """A value of a document as it is told in an error."""
    if isinstance(value, str):
        return quoted(value) if isinstance(read(value), str) else str(value)
    return kind(value)


def kind(value: Any) -> str:
    """What sort of value it is, without telling the value."""
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, list) else "a single value"


def quoted(text: str) -> str:
    """`text` between quotes, on one line, not too long."""
    short = text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
    escaped = short.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in escaped) + '"'


def dotted(path: KeyPath) -> str:
    """`voices.xiaohe.speed`. Places in lists are left out: the line and the value tell."""
    keys = [part for part in path if isinstance(part, str)]
    return ".".join(key if len(key) <= SHOWN and _SIMPLE_KEY.fullmatch(key) else quoted(key) for key in keys)


def is_secret(path: KeyPath) -> bool:
    """Whether the value there must never be told: below an engine or a voice, its key sounds like a credential."""
    return any(isinstance(part, str) and _SECRET.search(part) for part in path[_ITEMS_BELOW:])
