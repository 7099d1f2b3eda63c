"""Marks for an engine that splits the text by itself: what it tells of its sentences and words, tied to the text it was sent."""

from __future__ import annotations

import unicodedata
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ..models import AudioFormat, Mark, MarkKind, Sentence
from .fragments import seconds, sentences

SENTENCE_MAX = 300
"""Code points of a sentence whose end is guessed."""
WORDS_MAX = 5_000
"""Words that wait for their audio; more are left out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """A word, or a character, as an engine tells it."""

    text: str
    begin: float
    """Seconds; since what, the engine's adapter knows."""


class Places:
    """The sentences of one reply, as its engine tells their begin and end; one is made up for audio without.

    A sentence is marked with its first audio: one without audio gets no mark, nor does audio without a text. Times never go back.
    """

    def __init__(self, audio: AudioFormat) -> None:
        self._format = audio
        self._bytes = 0
        self._text = ""
        self._begin = 0
        """Place of `_text` in the reply's text: what has been spoken is forgotten."""
        self._told: str | None = None
        self._guessed = False
        """Where a sentence of this text ends was not told, or not in its own words."""
        self._open: Mark | None = None
        self._words: deque[tuple[float, str]] = deque()
        """Seconds of the reply's audio, and a word that is not marked yet."""
        self._place = 0
        """Behind the last word of the open sentence."""
        self._time = 0.0
        """Of the last mark."""

    @property
    def seconds(self) -> float:
        """Audio of the reply so far."""
        return self._format.seconds(self._bytes)

    @property
    def sentence_begin(self) -> float:
        """Seconds of audio before the sentence that is being spoken."""
        return self._open.time if self._open is not None else self.seconds

    @property
    def unspoken(self) -> str:
        """What was sent behind the sentence that is being spoken."""
        return self._text[self._open.end - self._begin :] if self._open is not None else self._text

    @property
    def rest(self) -> Sentence | None:
        """What was sent behind the last sentence that was heard to its end; `None` where that was guessed."""
        return None if self._guessed or self._open is not None else Sentence(text=self._text, start=self._begin)

    @property
    def text(self) -> str:
        """What was sent and has not been spoken to the end of its sentence."""
        return self._text

    def sent(self, piece: Sentence) -> None:
        """Text that the engine has been given."""
        if not self._text:
            self._begin = piece.start
        self._text += piece.text

    def begins(self, text: str) -> Iterator[Mark]:
        """The engine begins a sentence; the marks of what that ends."""
        yield from self.ends()
        self._told = text

    def heard(self, pcm: bytes) -> Iterator[Mark]:
        """Audio of the sentence; a mark if it is its first, and those of the words that begin in it."""
        if self._open is not None and self._told is None and self._is_long_enough(self._open):
            yield from self.ends()
        if self._open is None:
            start, end = self._sentence(self._told)
            if start < end:
                self._open = self._mark(MarkKind.SENTENCE_START, start, end)
                self._place = start
                yield self._open
        self._bytes += len(pcm)
        yield from self._due()

    def words(self, words: Iterable[Word], since: float) -> Iterator[Mark]:
        """Words of the sentence, in order; their time counts from `since` (s). Words that are not in the text are left out."""
        for word in words:
            if word.text and len(self._words) < WORDS_MAX:
                self._words.append((since + word.begin, word.text))
        yield from self._due()

    def ends(self) -> Iterator[Mark]:
        """The sentence has been spoken, or all of them."""
        yield from self._due(last=True)
        self._words.clear()
        self._told = None
        if self._open is not None:
            start, end = self._open.start, self._open.end
            yield self._mark(MarkKind.SENTENCE_END, start, end)
            self._text, self._begin = self._text[end - self._begin :], end
            self._open = None

    def forget(self) -> None:
        """The engine has done with all that it was sent."""
        self._text, self._told, self._guessed = "", None, False
        self._words.clear()

    def _due(self, *, last: bool = False) -> Iterator[Mark]:
        """Words whose audio has come; all of them, if it is the `last` chance."""
        while self._open is not None and self._words and (last or self._words[0][0] <= self.seconds):
            time, text = self._words.popleft()
            found = self._text.find(text, self._place - self._begin, self._open.end - self._begin)
            if found >= 0:
                start = found + self._begin
                self._place = start + len(text)
                yield self._mark(MarkKind.WORD, start, self._place, time)

    def _is_long_enough(self, made_up: Mark) -> bool:
        """Nobody tells where sentences end: it has taken its time, and there is more text."""
        return self.seconds - made_up.time >= seconds(made_up.text) and not self.unspoken.isspace() and bool(self.unspoken)

    def _mark(self, kind: MarkKind, start: int, end: int, time: float | None = None) -> Mark:
        """Now, or at a `time` that is no later and no earlier than the mark before."""
        self._time = self.seconds if time is None else min(max(time, self._time), self.seconds)
        return Mark(kind=kind, time=self._time, start=start, end=end, text=self._text[start - self._begin : end - self._begin])

    def _sentence(self, told: str | None) -> tuple[int, int]:
        """Where the sentence stands: all that there is, where it isn't told."""
        text = self._text
        start, end = len(text) - len(text.lstrip()), len(text.rstrip())
        found = _found(text, start, told.strip()) if told is not None else None
        self._guessed = self._guessed or (found is None and start < end)
        if told is not None:
            start, end = found or (start, _guessed_end(text, start, told))
        return self._begin + start, self._begin + end


def _found(text: str, start: int, told: str) -> tuple[int, int] | None:
    """Where `told` stands: at `start`, though white space, or else punctuation, may differ, or anywhere after it."""
    if not told:
        return None
    later = text.find(told, start)
    end = _after(text, start, _solid(told), str.isspace) or _after(text, start, _letters(told), lambda char: not char.isalnum())
    if end is None and later >= 0:
        start, end = later, later + len(told)
    return (start, _with_punctuation(text, end)) if end is not None else None


def _after(text: str, at: int, wanted: str, skipped: Callable[[str], bool]) -> int | None:
    """The place in `text` after the characters `wanted`, from `at` on; some may stand in between. `None`: they aren't there."""
    for char in wanted:
        while at < len(text) and text[at] != char and skipped(text[at]):
            at += 1
        if at >= len(text) or text[at] != char:
            return None
        at += 1
    return at if wanted else None


def _solid(text: str) -> str:
    return "".join(text.split())


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))


def _with_punctuation(text: str, at: int) -> int:
    """The place behind what ends the sentence that is whole at `at`."""
    while at < len(text) and not text[at].isalnum() and not text[at].isspace() and unicodedata.category(text[at]) not in _OPENING:
        at += 1
    return at


_OPENING = ("Ps", "Pi")
"""Categories of brackets and quotation marks that begin something new."""


def _guessed_end(text: str, start: int, told: str) -> int:
    """Behind as many sentences as were told: the engine has changed their words."""
    ends = [start + sentence.end for sentence in sentences(text[start:], SENTENCE_MAX)]
    count = max(1, len(sentences(told, SENTENCE_MAX)))
    return ends[min(count, len(ends)) - 1] if ends else start
