"""The figures of `herald say` and `herald convert`: how soon the first audio came, and how fast the rest."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from time import perf_counter
from typing import TypeVar

TEXT_SHARE = 0.1
"""Of the speaker's time; when it waited longer than that for text, a real-time factor would tell how fast somebody types."""

Given = TypeVar("Given", str, bytes)
"""Text, or speech to be converted."""


class Timing:
    """One reply as its listener sees it. What the listener itself takes, for example to play the audio, does not count."""

    def __init__(self) -> None:
        self._begin = self._since = perf_counter()
        self._first_audio: float | None = None
        self._busy = 0.0
        self._text_wait = 0.0
        self.seconds = 0.0
        """Of audio."""

    async def text(self, fragments: AsyncGenerator[Given, None]) -> AsyncGenerator[Given, None]:
        """The same text or speech, watched: time begins with its first fragment."""
        asked: float | None = None
        async with aclosing(fragments):
            async for fragment in fragments:
                if asked is None:
                    self._begin = self._since = perf_counter()
                else:
                    self._text_wait += perf_counter() - asked
                yield fragment
                asked = perf_counter()

    def came(self, seconds: float) -> None:
        """The speaker gave `seconds` of audio."""
        now = perf_counter()
        self._busy += now - self._since
        self.seconds += seconds
        if self._first_audio is None:
            self._first_audio = now - self._begin

    def taken(self) -> None:
        """The listener is ready for more."""
        self._since = perf_counter()

    def summary(self, voice: str | None, *, kind: str = "voice") -> str:
        """first audio 12 ms · 3.2 s of audio in 0.05 s · real-time factor 0.016 · voice en-GB"""
        parts = [f"first audio {(self._first_audio or 0) * 1000:.0f} ms", f"{self.seconds:.1f} s of audio in {self._busy:.2f} s"]
        if self.seconds and self._text_wait < TEXT_SHARE * self._busy:
            parts.append(f"real-time factor {self._busy / self.seconds:.2g}")
        if voice:
            parts.append(f"{kind} {voice}")
        return " · ".join(parts)
