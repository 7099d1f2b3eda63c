"""Reads addresses: that of a Markdown link, which nobody hears, and the bare one, of which the host is spoken.

The host stays because a sentence that says "see …" is nothing without it, and a path is noise to a listener.
"""

from __future__ import annotations

import re

from .pieces import HOLD
from .readers import Found, Reader


class AddressReader(Reader):
    """What stands between the brackets of `[text](address "title")`, from the opening one on."""

    _ADDRESS = re.compile(r"""\(\s*[^\s]*(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)""")
    _LONG_ADDRESS = re.compile(r"\((?:[a-z]+:|/|\.)[^\s]*", re.IGNORECASE)

    def __init__(self) -> None:
        super().__init__("(")
        self._depth = 1
        self._drop = False
        """It is a very long address, read to its end without keeping it."""

    def read(self, char: str) -> Found | None:
        if self._drop:
            return self._dropped(char)
        if char in "\n[<":
            return self._no_address(char)
        self.text += char
        self._depth += (char == "(") - (char == ")")
        if self._depth == 0:
            return Found() if self._ADDRESS.fullmatch(self.text) else self._no_address()
        if len(self.text) >= HOLD:
            self._drop = self._LONG_ADDRESS.fullmatch(self.text) is not None
            return None if self._drop else self._no_address()
        return None

    def finish(self) -> Found:
        return Found() if self._drop else self._no_address()

    def _dropped(self, char: str) -> Found | None:
        self._depth += (char == "(") - (char == ")")
        if self._depth == 0:
            return Found()
        return Found(again=char) if char.isspace() else None

    def _no_address(self, char: str = "") -> Found:
        return Found(again=self.text + char, recognised=False)


class UrlReader(Reader):
    """A bare address that begins with https://, http:// or www."""

    _PREFIXES = ("https://", "http://", "www.")
    _HOST = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%:@+")
    _PATH = frozenset(_HOST | set("/?#&=!$'(),;"))
    _LOOSE = frozenset(".,;:!?'_~-")
    """At the end of an address they belong to the sentence."""
    _LOOSE_LIMIT = 16

    def __init__(self, first: str) -> None:
        super().__init__(first)
        self._read_part = self._prefix
        self._host = ""
        self._loose = ""
        self._depth = 0

    def read(self, char: str) -> Found | None:
        return self._read_part(char)

    def finish(self) -> Found:
        return self._read_part("") or Found()

    def _prefix(self, char: str) -> Found | None:
        text = self.text + char
        if not char or not any(prefix.startswith(text.lower()) for prefix in self._PREFIXES):
            return Found((self.text,), again=char, recognised=False)
        self.text = text
        if text.lower() in self._PREFIXES:
            self._read_part = self._in_host
        return None

    def _in_host(self, char: str) -> Found | None:
        if char and char in self._HOST and len(self._host) < HOLD:
            self._host += char
            return None
        host = self._host.rstrip("".join(self._LOOSE))
        if not host:
            return Found((self.text + self._host,), again=char, recognised=False)
        self._host, self._loose = host.rpartition("@")[2].removeprefix("www."), self._host[len(host) :]
        self._read_part = self._in_path
        return self._in_path(char) if char in ("/", "?", "#", "") else Found((self._host,), again=self._loose + char)

    def _in_path(self, char: str) -> Found | None:
        is_closing = char == ")" and self._depth == 0
        if not char or char not in self._PATH or is_closing or len(self._loose) > self._LOOSE_LIMIT:
            return Found((self._host,), again=self._loose + char)
        self._depth += (char == "(") - (char == ")")
        self._loose = self._loose + char if char in self._LOOSE else ""
        return None
