"""Takes the block level of Markdown out of growing text: what a line begins with, and lines that nobody reads aloud.

Goes: heading, list and quote markers, rules, code blocks, a table's lines (its cells become a sentence a row). Stays: the numbers
of numbered lists, for a listener wants to hear them. Only the beginning of a line is ever held back, and a table's row.
What stands inside a line belongs to `inline`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum, auto
from typing import ClassVar

from .characters import Kind, kind_of
from .pieces import HOLD

_HEAD_LIMIT = 120
"""Code points of markers and white space that a line may begin with: the longest rule that is known for one."""

_BULLETS = "•‣◦⁃∙●○■▪▫"
_UNDECIDED = re.compile(rf"[ \t]*(?:#{{1,6}}|>|[{_BULLETS}]|([-*+_=])(?:\1|[ \t\r])*|`{{1,2}}|~{{1,2}}|\[[ xX]?\]?)?\r?")
"""The beginning of a line that may yet turn out to be a marker."""
_MARKERS = re.compile(rf"(?:[ \t]*(?:#{{1,6}}[ \t]|>(?=[ \t>])[ \t]?|[-*+{_BULLETS}][ \t]))+")
_CHECKBOX = re.compile(r"[ \t]*\[[ xX]\][ \t]")
_LONE_MARKER = re.compile(rf"[ \t]*(?:#{{1,6}}|>+|[-*+{_BULLETS}])[ \t]*\r?")
_RULE = re.compile(r"[ \t]*([-*_=])(?:[ \t]*\1){2,}[ \t\r]*")
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})")
_FENCE_LINE = re.compile(r"[ \t>]*(`{3,}|~{3,})[ \t]*\r?")
_ROW_START = re.compile(r"[ \t]*\|")
_SEPARATOR_ROW = re.compile(r"[ \t]*\|[ \t:|-]*-[ \t:|-]*\r?")
_CELL_BORDER = re.compile(r"(?<!\\)\|")


class _Mode(Enum):
    HEAD = auto()
    """At the beginning of a line."""
    TEXT = auto()
    ROW = auto()
    """In a line that may be a table's row."""
    INFO = auto()
    """In the line that opens a code block."""
    CODE = auto()


class Blocks:
    """A stage of the clean-up: text in, the same without block marks out."""

    def __init__(self) -> None:
        self._mode = _Mode.HEAD
        self._held = ""
        """What has been read of a line and not been decided on; in code, the line's beginning."""
        self._marked = False
        """A marker was taken from this line: its indentation and its check box go too."""
        self._fence = ""

    def push(self, text: str) -> str:
        released: list[str] = []
        position = 0
        while position < len(text):
            if self._mode is _Mode.TEXT:
                end = text.find("\n", position) + 1
                released.append(text[position : end or None])
                if not end:
                    break
                self._begin_line()
                position = end
            else:
                released.append(self._STEPS[self._mode](self, text[position]))
                position += 1
        return "".join(released)

    def flush(self) -> str:
        """What was held back. A code block stays one, and the beginning of a line the beginning."""
        if self._mode in (_Mode.CODE, _Mode.INFO):
            return ""
        if self._mode is _Mode.ROW:
            return _row(self._release(_Mode.TEXT))
        held = self._release(_Mode.TEXT if self._held.strip() else self._mode)
        return "" if _RULE.fullmatch(held) or (held[-1:].isspace() and _LONE_MARKER.fullmatch(held)) else held

    def _begin_line(self) -> None:
        self._mode, self._held, self._marked = _Mode.HEAD, "", False

    def _release(self, mode: _Mode) -> str:
        held, self._held, self._mode = self._held, "", mode
        return held

    # The beginning of a line

    def _head(self, char: str) -> str:
        head = self._held + char
        if char == "\n":
            return self._whole_line(head)
        if _UNDECIDED.fullmatch(head) and len(head) <= _HEAD_LIMIT:
            self._held = head
            return ""
        return self._decide(head)

    def _whole_line(self, line: str) -> str:
        """A line of nothing but markers and white space."""
        text = line[:-1]
        goes = _RULE.fullmatch(text) or _LONE_MARKER.fullmatch(text)
        kept = "\n" if self._marked else line
        self._begin_line()
        return "" if goes else kept

    def _decide(self, head: str) -> str:
        """The first character that tells what this line is has come."""
        marker = _MARKERS.match(head) or (_CHECKBOX.match(head) if self._marked else None)
        if marker:
            self._held, self._marked = "", True
            return self.push(head[marker.end() :])
        self._held = head.lstrip(" \t") if self._marked else head
        if _FENCE.match(head):
            self._mode = _Mode.INFO
            return ""
        if _ROW_START.match(head):
            self._mode = _Mode.ROW
            return ""
        return self._release(_Mode.TEXT)

    # Tables

    def _in_row(self, char: str) -> str:
        if char == "\n":
            row = _row(self._held)
            self._begin_line()
            return row and row + "\n"
        self._held += char
        return self._release(_Mode.TEXT) if len(self._held) > 2 * HOLD else ""

    # Code blocks

    def _in_info(self, char: str) -> str:
        if char == "\n":
            fence = _FENCE.match(self._held)
            self._fence = fence[1] if fence else ""
            self._mode, self._held = _Mode.CODE, ""
            return ""
        self._held += char
        is_inline_code = char == "`" and self._held.strip(" \t`") != ""
        return self._release(_Mode.TEXT) if is_inline_code or len(self._held) > HOLD else ""

    def _in_code(self, char: str) -> str:
        if char == "\n":
            closing = _FENCE_LINE.fullmatch(self._held)
            self._held = ""
            if closing and closing[1].startswith(self._fence):
                self._begin_line()
        elif len(self._held) < _HEAD_LIMIT:
            self._held += char
        return ""

    _STEPS: ClassVar[dict[_Mode, Callable[[Blocks, str], str]]] = {
        _Mode.HEAD: _head,
        _Mode.ROW: _in_row,
        _Mode.INFO: _in_info,
        _Mode.CODE: _in_code,
    }


def _row(line: str) -> str:
    """A table's row as a listener wants it: its cells between commas. What is no row comes back as it is."""
    if _SEPARATOR_ROW.fullmatch(line):
        return ""
    bare = line.strip()
    if not bare.endswith("|") or len(bare) == 1:
        return line
    cells = [cell.strip().replace("\\|", "|") for cell in _CELL_BORDER.split(bare)]
    wide = any(kind_of(char) is Kind.WIDE for char in bare)
    return ("，" if wide else ", ").join(filter(None, cells))
