"""Marks → the messages about sentences: their begin, their words as subtitles, their end."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from ...models import Mark, MarkKind
from ...protocols.flowing_events import SentenceBegin, SentenceEnd, ServerEvent, Subtitles, Word

MILLISECONDS = 1000


class Sentences:
    """Those of one session. `subtitles`: whether the client wants to know when each word is spoken."""

    def __init__(self, task_id: str, session_id: str, *, subtitles: bool) -> None:
        self.count = 0
        self._task_id = task_id
        self._session_id = session_id
        self._subtitles = subtitles
        self._begin: Mark | None = None
        self._words: list[Mark] = []

    def messages(self, mark: Mark) -> Iterator[ServerEvent]:
        """What one mark has to tell."""
        if mark.kind is MarkKind.SENTENCE_START:
            self.count += 1
            self._begin, self._words = mark, []
            yield SentenceBegin(task_id=self._task_id, session_id=self._session_id, index=self.count)
        elif mark.kind is MarkKind.WORD:
            self._words.append(mark)
        elif self._begin is not None:
            words = tuple(self._timed(self._begin, mark)) if self._subtitles else ()
            if words:
                yield Subtitles(task_id=self._task_id, index=self.count, words=words)
            yield SentenceEnd(task_id=self._task_id, session_id=self._session_id, index=self.count, words=words)
            self._begin = None

    def _timed(self, begin: Mark, end: Mark) -> Iterator[Word]:
        """The engine's words, each until the next begins; where it tells none, the sentence, measured by its audio."""
        if not self._words:
            yield Word(
                text=begin.text,
                begin_time=_milliseconds(begin.time),
                end_time=_milliseconds(end.time),
                begin_index=0,
                end_index=begin.end - begin.start,
                sentence=True,
            )
            return
        for word, after in pairwise([*self._words, end]):
            yield Word(
                text=word.text,
                begin_time=_milliseconds(word.time),
                end_time=_milliseconds(max(word.time, after.time)),
                begin_index=word.start - begin.start,
                end_index=word.end - begin.start,
            )


def _milliseconds(seconds: float) -> int:
    return round(MILLISECONDS * seconds)
