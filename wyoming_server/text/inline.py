"""Takes the mark-up inside a line out of growing text: emphasis, code, links, pictures, addresses, tags, escapes.

A mark counts as mark-up only where Markdown would take it for such and neither arithmetic nor identifiers are hurt. `**`, `__`
and `~~` go at once; a single `*` or `_`, and `[`, wait in the queue for their partner, at most `HOLD` code points or to the end
of the line, and then are ordinary text. How each construct is read is the readers' business.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import ClassVar

from .addresses import AddressReader, UrlReader
from .characters import is_in_word
from .held import Held, Queue
from .pieces import GAP, Piece
from .readers import CodeReader, Found, NextReader, Reader, RunReader
from .tags import TagReader

_PLAIN = re.compile(r"[^\\*_~`\[\]!<hHwW\n]+")
_ESCAPABLE = frozenset("\\`*_{}[]()#+-.!|~<>")
_OPENS_BEFORE = frozenset("\"'([{“‘„«「『《（`*_~¿¡")
"""Besides a letter or digit, what a single * or _ may stand before to open."""
_NEVER_OPENS_AFTER = frozenset(")]}%°")
_NEVER_CLOSES_BEFORE = frozenset("([{")
_DOUBLE = 2
_LONGEST_RUN = 3


class Inline:
    """A stage of the clean-up: text in, pieces without the mark-up inside lines out."""

    def __init__(self) -> None:
        self._queue = Queue()
        self._reader: Reader | None = None
        self._then: Callable[[Reader, Found], None] = self._speak
        """What is done with what the reader finds."""
        self._taken = {"*": 0, "_": 0, "~": 0}
        """Characters of the opening marks that went at once and whose partner has not come."""
        self._singles: dict[str, list[Held]] = {"*": [], "_": []}
        self._brackets: list[Held] = []

    def push(self, text: str) -> list[Piece]:
        self._scan(text)
        return self._queue.take()

    def flush(self) -> list[Piece]:
        while self._reader is not None:
            self._found(self._reader, self._reader.finish())
        self._queue.settle_all()
        return self._queue.take()

    def _scan(self, text: str) -> None:
        position = 0
        while position < len(text):
            if self._reader is not None:
                found = self._reader.read(text[position])
                position += 1
                if found is not None:
                    self._found(self._reader, found)
            elif plain := _PLAIN.match(text, position):
                self._queue.put(plain[0])
                position = plain.end()
            else:
                self._SPECIAL[text[position]](self, text[position])
                position += 1

    def _read(self, reader: Reader, then: Callable[[Reader, Found], None]) -> None:
        self._reader, self._then = reader, then

    def _found(self, reader: Reader, found: Found) -> None:
        if not found.more:
            self._reader = None
        self._then(reader, found)

    def _speak(self, _reader: Reader, found: Found) -> None:
        for piece in found.spoken:
            self._queue.put(piece)
        self._scan(found.again)

    # What begins with a special character

    def _backslash(self, char: str) -> None:
        self._read(NextReader(char), self._escape)

    def _escape(self, reader: Reader, found: Found) -> None:
        if found.again in _ESCAPABLE:
            self._queue.put(found.again)
        else:
            self._queue.put(reader.text)
            self._scan(found.again)

    def _bang(self, char: str) -> None:
        self._read(NextReader(char), self._picture)

    def _picture(self, reader: Reader, found: Found) -> None:
        if found.again == "[":
            self._bracket("![")
        else:
            self._queue.put(reader.text)
            self._scan(found.again)

    def _angle(self, _char: str) -> None:
        self._read(TagReader(), self._speak)

    def _maybe_url(self, char: str) -> None:
        if is_in_word(self._queue.last) or self._queue.last == "@":
            self._queue.put(char)
        else:
            self._read(UrlReader(char), self._speak)

    def _ticks(self, char: str) -> None:
        self._read(RunReader(char), self._code)

    def _code(self, reader: Reader, found: Found) -> None:
        is_apostrophe = len(reader.text) == 1 and is_in_word(self._queue.last) and is_in_word(found.again)
        if is_apostrophe or not found.again:
            self._queue.put(reader.text)
        else:
            self._read(CodeReader(len(reader.text)), self._speak)
        self._scan(found.again)

    def _newline(self, char: str) -> None:
        """Nothing waits beyond its line; nothing is open beyond its paragraph."""
        self._queue.settle_all()
        self._brackets.clear()
        for singles in self._singles.values():
            singles.clear()
        if self._queue.last.isspace():
            self._taken = dict.fromkeys(self._taken, 0)
        self._queue.put(char)

    # Links

    def _bracket(self, text: str) -> None:
        self._brackets.append(self._queue.wait(text))

    def _close_bracket(self, char: str) -> None:
        if _is_waiting(self._brackets):
            self._read(NextReader(char), self._link)
        else:
            self._queue.put(char)

    def _link(self, reader: Reader, found: Found) -> None:
        if found.again == "(":
            self._read(AddressReader(), self._address)
            return
        self._queue.settle(self._brackets.pop())
        self._queue.put(reader.text)
        self._scan(found.again)

    def _address(self, _reader: Reader, found: Found) -> None:
        mark = self._brackets.pop()
        if not found.recognised:
            self._queue.settle(mark)
            self._queue.put("]")
        elif self._queue.close(mark):
            self._queue.put(GAP)
        self._scan(found.again)

    # Emphasis

    def _run(self, char: str) -> None:
        self._read(RunReader(char), self._emphasis)

    def _emphasis(self, reader: Reader, found: Found) -> None:
        run, after = reader.text, found.again
        is_mark = len(run) == _DOUBLE if run[0] == "~" else len(run) <= _LONGEST_RUN
        if not is_mark or not (self._closes(run, after) or self._opens(run, after)):
            self._queue.put(run)
        self._scan(after)

    def _closes(self, run: str, after: str) -> bool:
        """Take out the partners of this run, and as much of it as has partners. False: it has none."""
        char, left = run[0], len(run)
        if self._queue.last.isspace():
            return False
        if left >= _DOUBLE and self._taken[char] >= _DOUBLE:
            self._taken[char] -= _DOUBLE
            left -= _DOUBLE
        if left == 1 and not is_in_word(after) and after not in _NEVER_CLOSES_BEFORE:
            left -= self._close_single(char)
        self._queue.put(char * left if left < len(run) else "")
        return left < len(run)

    def _close_single(self, char: str) -> bool:
        if _is_waiting(self._singles.get(char, [])):
            self._queue.close(self._singles[char].pop())
            return True
        if self._taken[char] % 2:
            self._taken[char] -= 1
            return True
        return False

    def _opens(self, run: str, after: str) -> bool:
        before = self._queue.last
        if not after or after.isspace() or is_in_word(before):
            return False
        if len(run) > 1:
            self._taken[run[0]] += len(run)
            return True
        if before in _NEVER_OPENS_AFTER or not (after.isalnum() or after in _OPENS_BEFORE):
            return False
        self._singles[run].append(self._queue.wait(run))
        return True

    _SPECIAL: ClassVar[dict[str, Callable[[Inline, str], None]]] = {
        "\\": _backslash,
        "*": _run,
        "_": _run,
        "~": _run,
        "`": _ticks,
        "[": _bracket,
        "]": _close_bracket,
        "!": _bang,
        "<": _angle,
        "h": _maybe_url,
        "H": _maybe_url,
        "w": _maybe_url,
        "W": _maybe_url,
        "\n": _newline,
    }


def _is_waiting(marks: list[Held]) -> bool:
    """Whether the last of them still waits for its partner; those that no longer do are forgotten."""
    while marks and not marks[-1].open:
        marks.pop()
    return bool(marks)
