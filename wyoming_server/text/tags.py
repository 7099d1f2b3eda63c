"""Reads HTML tags, which language models mix into their Markdown. Nothing here knows what is inside an element."""

from __future__ import annotations

import re
from typing import ClassVar

from .pieces import GAP, HOLD
from .readers import Found, Reader


class TagReader(Reader):
    """An HTML tag or comment, or `<https://…>`, from the opening bracket on. Only names of HTML: `<your name>` stays."""

    _INLINE = "a abbr b bdi bdo big cite code del dfn em font i img ins kbd mark q s samp small span strong sub sup tt u var wbr"
    _BLOCK = (
        "blockquote body br center dd details div dl dt figcaption figure footer h1 h2 h3 h4 h5 h6 head header hr html li main "
        "nav ol p pre section summary table tbody td tfoot th thead tr ul"
    )
    _NAMES = frozenset((_INLINE + " " + _BLOCK).split())
    _SPOKEN: ClassVar[dict[str, Found]] = {**dict.fromkeys(_BLOCK.split(), Found((GAP, "\n", GAP))), "img": Found((GAP,))}
    """What stands for a tag, where it is not nothing: the border of a sentence, a gap."""
    _ATTRIBUTE = r"""\s+[\w:@-]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'>]+))"""
    _START = re.compile(r"</?([a-z][a-z0-9]{0,9})", re.IGNORECASE)
    _TAG = re.compile(rf"</?[a-z0-9]+(?:{_ATTRIBUTE})*\s*/?>", re.IGNORECASE)
    _NO_TAG = re.compile(r"</?[a-z0-9]+(?:[^a-z0-9\s/>:]|\s+[^\s=>/]+\s+[^\s=])", re.IGNORECASE)
    """Words after a bracket: `a <b and c`."""
    _LONG_TAG = re.compile(r"<[a-z0-9]+\s+[\w:@-]+\s*=", re.IGNORECASE)
    _COMMENT = "<!--"
    _LINK = re.compile(r"<(https?://[^\s<>]*)>", re.IGNORECASE)

    def __init__(self) -> None:
        super().__init__("<")
        self._drop = False
        """It is a very long tag, read to its end without keeping it."""

    def read(self, char: str) -> Found | None:
        if self._drop:
            return {">": Found((GAP,)), "\n": Found(again="\n")}.get(char)
        text = self.text + char
        if char in "<\n" or not self._may_be_tag(text):
            return Found(("<",), again=text[1:])
        self.text = text
        if char == ">" and (not text.startswith(self._COMMENT) or text.endswith("-->")):
            return self._whole()
        if len(text) < HOLD:
            return None
        self._drop = self._LONG_TAG.match(text) is not None
        return None if self._drop else self.finish()

    def finish(self) -> Found:
        return Found() if self._drop else Found(("<",), again=self.text[1:])

    def _may_be_tag(self, text: str) -> bool:
        if text.startswith(self._COMMENT) or self._COMMENT.startswith(text) or text == "</":
            return True
        start = self._START.match(text)
        if not start:
            return False
        if start.end() == len(text) or text.lower().startswith(("<http:", "<https:")):
            return True
        return start[1].lower() in self._NAMES and not self._NO_TAG.match(text)

    def _whole(self) -> Found:
        """All up to the closing bracket is there."""
        if self.text.startswith(self._COMMENT):
            return Found((GAP,))
        link = self._LINK.fullmatch(self.text)
        if link:
            return Found(again=link[1])
        start = self._START.match(self.text)
        name = start[1].lower() if start else ""
        if name not in self._NAMES or not self._TAG.fullmatch(self.text):
            return Found(("<",), again=self.text[1:])
        return self._SPOKEN.get(name, Found())
