"""What is wrong with YAML that cannot be read, in plain words.

PyYAML's own words name its grammar, and may quote the file, where a secret can stand: only what stands in this table is told.
"""

from __future__ import annotations

import yaml

_PROBLEMS: tuple[tuple[str, bool, str], ...] = (
    ("character '\\t' that cannot start", False, "a tab; YAML is indented with spaces"),
    ("that cannot start any token", False, "text begins with a character that YAML keeps for itself; put it in quotes"),
    ("mapping values are not allowed", False, "a colon where no key can be: check the indentation, or put the text in quotes"),
    ("could not find expected ':'", True, "a key without its colon, or text that goes on too far to the left"),
    ("sequence entries are not allowed", False, "a list item (-) where no list can be: put it on a line of its own"),
    ("mapping keys are not allowed", False, "a key where none can be: check the indentation"),
    ("unexpected end of stream", True, "a quote that opens here is never closed"),
    ("unexpected document separator", True, "a quote that opens here is never closed"),
    ("unknown escape character", False, "a backslash inside double quotes: double it, or use single quotes"),
    ("escape sequence of", False, "an escape inside double quotes that is not complete"),
    ("expected ',' or ']'", True, "a list that opens with [ here has no comma or ] where one must be"),
    ("expected ',' or '}'", True, "a mapping that opens with { here has no comma or } where one must be"),
    ("expected <block end>", False, "this line is indented differently from those it belongs to"),
    ("undefined alias", False, "text that begins with * needs quotes (without them, it refers to an & that is not there)"),
    ("alphabetic or numeric character", False, "text that begins with & or * needs quotes"),
    ("second occurrence", False, "the same & name stands here a second time"),
    ("undefined tag handle", False, "text that begins with ! needs quotes"),
    ("another document", False, "a second document begins (---); only one is read"),
    ("levels deep", False, ""),
    ("keys and values", False, ""),
)
"""Part of PyYAML's problem; whether the place to name is where the piece began; our words (empty: the problem's own)."""

_UNKNOWN = "this is not YAML; check the quotes, brackets and indentation"


def syntax_sentence(error: yaml.YAMLError, text: str) -> str:
    """`line 3, column 5: …`, for an error of PyYAML about `text`."""
    if isinstance(error, yaml.reader.ReaderError):
        return _unprintable(error, text)
    problem = getattr(error, "problem", None) or ""
    _, at_beginning, words = next((row for row in _PROBLEMS if row[0] in problem), ("", False, _UNKNOWN))
    mark = getattr(error, "problem_mark", None)
    if at_beginning:
        mark = getattr(error, "context_mark", None) or mark
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ": "
    return f"{where}{words or f'the file {problem}'}."


def _unprintable(error: yaml.reader.ReaderError, text: str) -> str:
    line = text.count("\n", 0, error.position) + 1
    return f"line {line}: the character U+{error.character:04X} is not allowed in YAML."
