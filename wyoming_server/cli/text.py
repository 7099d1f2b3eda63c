"""Where the text of `herald say` comes from: the command line, or standard input as it arrives."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from ..errors import RequestError
from .descriptors import read_text

STDIN = "-"


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A text to be spoken, once."""

    fragments: AsyncGenerator[str, None]
    length: int | None
    """Characters; `None`: nobody knows yet."""


def text_source(words: Sequence[str]) -> Source:
    """The words as one text; standard input for `-`, and where there are none. Raises RequestError where that is empty-handed."""
    if list(words) not in ([], [STDIN]):
        text = " ".join(words).encode(errors="replace").decode()
        return Source(fragments=_whole(text), length=len(text))
    if not words and sys.stdin.isatty():
        msg = 'There is no text. Try: herald say "Dinner is ready."'
        raise RequestError(msg)
    return Source(fragments=read_text(sys.stdin.fileno()), length=None)


async def _whole(text: str) -> AsyncGenerator[str, None]:
    yield text
