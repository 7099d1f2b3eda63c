"""A request's text as it is spoken: without what only an eye can use, where the voice is not to read that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Iterator

from ..models import PAUSE, SynthesisRequest, TextFormat
from ..text.speakable import SpeakableText

SLICE = 500
"""Code points of text that are looked at in one go."""


def reads_speakable(request: SynthesisRequest) -> bool:
    """Whether its text is read without what only an eye can use."""
    own = request.voice.speakable_text
    wanted = own if request.speakable_text is None else request.speakable_text
    return wanted and request.text_format is TextFormat.TEXT


async def spoken_text(text: AsyncIterable[str], *, speakable: bool) -> AsyncGenerator[str, None]:
    """The text in slices, without what only an eye can use if it is to be `speakable`.

    Slices, so that the first sentence of a long text need not wait for the last, nor other replies for any of it.
    """
    cleaner = _cleaner(speakable=speakable)
    looked_at = 0
    async for fragment in text:
        for start in range(0, len(fragment), SLICE):
            piece = fragment[start : start + SLICE]
            if cleaned := cleaner.push(piece):
                yield cleaned
            looked_at += len(piece)
            if looked_at > SLICE:
                looked_at = 0
                await asyncio.sleep(0)
        if fragment == PAUSE:
            if cleaned := cleaner.flush():
                yield cleaned
            yield PAUSE
    if cleaned := cleaner.flush():
        yield cleaned


def spoken_at_once(fragments: Iterable[str], *, speakable: bool) -> Iterator[str]:
    """The same of a whole text that is short."""
    cleaner = _cleaner(speakable=speakable)
    for fragment in fragments:
        if cleaned := cleaner.push(fragment) if fragment != PAUSE else cleaner.flush():
            yield cleaned
        if fragment == PAUSE:
            yield PAUSE
    if cleaned := cleaner.flush():
        yield cleaned


def _cleaner(*, speakable: bool) -> SpeakableText | _AsItIs:
    return SpeakableText() if speakable else _AsItIs()


class _AsItIs:
    """For voices that read everything."""

    def push(self, text: str) -> str:
        return text

    def flush(self) -> str:
        return ""
