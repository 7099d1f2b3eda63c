"""One voice's try at a text, or at the rest of one: what it tells, and how much of the text has been heard whole."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from functools import partial

from ...models import Mark, MarkKind, SynthesisRequest, TextFormat
from ...text.sentences import SentenceSplitter, is_speakable
from ..making import Making, SourceEvent, TookBy
from .tape import Tape

WHOLE = 1_000_000
"""Of a sentence's text before its first piece may end at a comma: more than any has."""


class Attempt:
    """`request` is spoken from the place `start` of `tape` on; the place 0 of the tape stands at `offset` of the whole text."""

    def __init__(self, making: Making, request: SynthesisRequest, tape: Tape, *, start: int = 0, offset: int = 0) -> None:
        self.request = request
        self.tape = tape
        self.offset = offset
        self.is_heard = False
        """There was audio."""
        self._making = making
        self._start = start
        self._whole = start
        """Up to where whole sentences were heard."""
        self._word = start
        """Where the last word stands of which something was heard."""
        self._held: list[Mark] = []

    @property
    def place(self) -> int:
        """Of the tape: where another one is to go on, at the first sentence that was not heard whole."""
        if not self.is_heard:
            return self._start
        if self.request.text_format is TextFormat.SSML:
            return self._whole
        # A mark may span several sentences, of which the words tell more.
        splitter = SentenceSplitter(first_min=WHOLE)
        found = [*splitter.push(self.tape.text[self._whole :]), *splitter.flush()]
        begun = [self._whole + sentence.start for sentence in found]
        return max((start for start in begun if start <= self._word), default=self._whole)

    @property
    def has_said_all(self) -> bool:
        """Nothing is left to be said."""
        return self.tape.is_whole and not is_speakable(self.tape.text[self.place :])

    async def events(self, took: TookBy) -> AsyncGenerator[SourceEvent, None]:
        """Marks are of the whole text, and come behind the first audio: of a try that is not heard nobody hears."""
        mine = partial(took, self.request.voice.engine)
        async with aclosing(self._making.events(self.request, self.tape.reading(self._start), mine)) as events:
            async for event in events:
                if isinstance(event, Mark):
                    mark = self._noted(event)
                    if self.is_heard:
                        yield mark
                    else:
                        self._held.append(mark)
                elif isinstance(event, bytes):
                    if not self.is_heard:
                        self.is_heard = True
                        for mark in self._held:
                            yield mark
                    yield event
                else:
                    yield event

    def _noted(self, mark: Mark) -> Mark:
        if mark.kind is MarkKind.SENTENCE_END:
            self._whole = max(self._whole, self._start + mark.end)
            self._word = max(self._word, self._whole)
        elif mark.kind is MarkKind.WORD:
            self._word = max(self._word, self._start + mark.start)
        moved = self.offset + self._start
        return replace(mark, start=mark.start + moved, end=mark.end + moved) if moved else mark
