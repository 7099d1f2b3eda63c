"""Words and when they are spoken, in the shapes in which OpenSpeech tells them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..places import Word

WORDS_MAX = 5_000
"""Words of one message; more are left out."""
_TEXT = ("word", "text", "char")
_BEGIN = ("start_time", "startTime", "begin_time")


def words(payload: Mapping[str, Any]) -> list[Word]:
    """The words of a front end's message (v1), a sentence's end or a subtitle (v3); their time in seconds."""
    return [word for entry in _entries(payload) if (word := _word(entry)) is not None]


def _entries(payload: Mapping[str, Any]) -> Iterator[Any]:
    """`words`, wherever it stands: at the top, in an object, or in one that is a JSON string."""
    found = payload.get("words")
    if isinstance(found, list):
        yield from found[:WORDS_MAX]
        return
    for key in ("frontend", "addition", "payload", "sentence"):
        inner = _object(payload.get(key))
        if inner:
            yield from _entries(inner)
            return


def _object(value: Any) -> Mapping[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


def _word(entry: Any) -> Word | None:
    if not isinstance(entry, dict):
        return None
    text = next((entry[key] for key in _TEXT if isinstance(entry.get(key), str)), "")
    begin = next((entry[key] for key in _BEGIN if isinstance(entry.get(key), int | float)), None)
    return Word(text=text, begin=float(begin)) if text and begin is not None else None
