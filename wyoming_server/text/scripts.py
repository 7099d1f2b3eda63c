"""Which language a text is written in, as far as its letters alone tell: scripts that one language is likelier than all others.

Latin letters tell nothing. A voice whose own language is written in the script is right about it.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple


class Script(NamedTuple):
    """A range of letters, and the languages written in it, the likeliest first."""

    first: int
    last: int
    languages: tuple[str, ...]


_SCRIPTS = (
    Script(0x3040, 0x30FF, ("ja",)),
    Script(0xAC00, 0xD7AF, ("ko",)),
    Script(0x1100, 0x11FF, ("ko",)),
    Script(0x4E00, 0x9FFF, ("zh", "cmn", "yue", "hak", "ja", "ko")),
    Script(0x3400, 0x4DBF, ("zh", "cmn", "yue", "hak", "ja", "ko")),
    Script(0x0370, 0x03FF, ("el", "grc")),
    Script(0x0400, 0x052F, ("ru", "uk", "be", "bg", "mk", "sr", "kk", "ky", "tt", "ba", "cv", "mn", "tg")),
    Script(0x0530, 0x058F, ("hy", "hyw")),
    Script(0x0590, 0x05FF, ("he", "yi")),
    Script(0x0600, 0x06FF, ("ar", "fa", "ur", "ug", "sd", "ps", "ckb")),
    Script(0x0900, 0x097F, ("hi", "mr", "ne", "sa", "kok", "bpy")),
    Script(0x0980, 0x09FF, ("bn", "as", "bpy")),
    Script(0x0A00, 0x0A7F, ("pa",)),
    Script(0x0A80, 0x0AFF, ("gu",)),
    Script(0x0B80, 0x0BFF, ("ta",)),
    Script(0x0C00, 0x0C7F, ("te",)),
    Script(0x0C80, 0x0CFF, ("kn",)),
    Script(0x0D00, 0x0D7F, ("ml",)),
    Script(0x0E00, 0x0E7F, ("th",)),
    Script(0x10A0, 0x10FF, ("ka",)),
    Script(0x1200, 0x137F, ("am", "ti")),
)
LOOKED_AT = 1000
"""Characters that are enough to tell."""
_JAPANESE = "ja"


def language_of(text: str, language: str) -> str:
    """The language to speak it in, where `language` is its voice's tag: that one, unless most letters are of another script."""
    found: Counter[tuple[str, ...]] = Counter()
    for char in text[:LOOKED_AT]:
        if char.isalpha():
            found[_languages(char)] += 1
    if (_JAPANESE,) in found and language.partition("-")[0] != "zh":
        return language if _main(language) == _JAPANESE else _JAPANESE  # it is written with Chinese characters too
    languages = max(found, key=found.__getitem__, default=())
    return language if not languages or _main(language) in languages else languages[0]


def _languages(char: str) -> tuple[str, ...]:
    place = ord(char)
    return next((script.languages for script in _SCRIPTS if script.first <= place <= script.last), ())


def _main(language: str) -> str:
    return language.replace("_", "-").partition("-")[0].lower()
