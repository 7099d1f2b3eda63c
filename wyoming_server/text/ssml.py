"""The words of SSML, for a voice that takes none: without tags, entities read, paragraphs and sentences on lines of their own.

Knows as much of XML as that takes: nothing is expanded but characters, and what is not well formed is read as it stands.
"""

from __future__ import annotations

import html
import re

_ENDS_LINE = frozenset({"p", "s", "paragraph", "sentence"})
_UNSPOKEN = frozenset({"metadata", "desc", "sub"})
"""Elements whose content nobody says; of `sub` its alias is."""
ENTITY_MAX = 12
"""Characters of the longest that is waited for."""

_TAG = re.compile(r"<!--.*?-->|<\?.*?\?>|<(?P<close>/?)(?P<name>[A-Za-z][\w:.-]*)(?P<rest>[^<>]*)>", re.DOTALL)
_ALIAS = re.compile(r"""\balias\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_OPEN_TAG = re.compile(r"<!--(?!.*-->).*\Z|<[!?/A-Za-z][^<>]*\Z|<\Z", re.DOTALL)
_OPEN_ENTITY = re.compile(rf"&#?\w{{0,{ENTITY_MAX}}}\Z")


class SsmlText:
    """SSML in fragments in, its words out. Kept back at most: a tag or an entity that has begun."""

    def __init__(self) -> None:
        self._buffer = ""
        self._skipped = ""
        """The element whose content is left out now."""

    def push(self, fragment: str) -> str:
        """Go on with `fragment`; what is now known to be words."""
        text = self._buffer + fragment
        held = _OPEN_TAG.search(text) or _OPEN_ENTITY.search(text)
        place = held.start() if held else len(text)
        self._buffer = text[place:]
        return self._words(text[:place])

    def flush(self) -> str:
        """The text ends here."""
        rest, self._buffer = self._buffer, ""
        return self._words(rest)

    def _words(self, text: str) -> str:
        words: list[str] = []
        place = 0
        for tag in _TAG.finditer(text):
            words += self._spoken(text[place : tag.start()])
            words += self._tag(tag)
            place = tag.end()
        return "".join([*words, *self._spoken(text[place:])])

    def _spoken(self, text: str) -> list[str]:
        return [] if self._skipped else [html.unescape(text)]

    def _tag(self, tag: re.Match[str]) -> list[str]:
        """What is heard of a tag itself."""
        name, is_close = (tag["name"] or "").lower(), bool(tag["close"])
        if self._skipped:
            self._skipped = "" if is_close and name == self._skipped else self._skipped
            return []
        if name in _UNSPOKEN and not is_close and not tag["rest"].rstrip().endswith("/"):
            self._skipped = name
            alias = _ALIAS.search(tag["rest"]) if name == "sub" else None
            return [html.unescape(alias[1] or alias[2] or "")] if alias else []
        if name in _ENDS_LINE:
            return ["\n"]
        return [" "] if name == "break" else []
