"""What an engine may take: the length of one text, and characters a day and a month. Stands before whatever asks the engine.

What an engine took is what counts, of interrupted and failed replies too, but for those that its service refused before there was
a sound. A text that is known is refused before it starts if it does not fit; one that is still being written ends behind the last
sentence that fits.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Iterator
from contextlib import aclosing
from types import TracebackType
from typing import Self

from ..errors import (
    CredentialsRefused,
    EngineBusy,
    EngineUnavailable,
    HeraldError,
    QuotaExceeded,
    TextTooLong,
    VoiceRefused,
)
from ..models import PAUSE, SynthesisRequest, TextFormat
from ..text.sentences import SentenceSplitter
from .cache.whole import looked_at
from .making import Begun, Making, SourceEvent, Took
from .spending import Promise, Spending
from .spoken import reads_speakable, spoken_at_once

KNOWN_MAX = 1_000_000
"""Characters of a text that are looked at before anything is given: as long as a text may be."""
NEAR = 600
"""Characters before a limit from which on an engine is given whole sentences only: two of the longest."""


UNTAKEN = frozenset(cls.code for cls in (EngineUnavailable, EngineBusy, CredentialsRefused, QuotaExceeded, VoiceRefused))
"""Codes of failures that say that the service made nothing of the text, unless there was audio."""


class Budget:
    """A Making."""

    def __init__(self, inner: Making, spending: Spending) -> None:
        self._inner = inner
        self._spending = spending

    async def events(self, request: SynthesisRequest, text: AsyncIterable[str], took: Took) -> AsyncGenerator[SourceEvent, None]:
        """Raises QuotaExceeded and TextTooLong, in words with the numbers, beside what the inner one raises."""
        engine = request.voice.engine
        promise = Promise(engine)
        bill = _Bill(self._spending, promise)

        def counted(characters: int) -> None:
            bill.add(characters)
            took(characters)

        making = self._limited(request, text, counted, promise) if self._is_limited(engine) else None
        with bill:
            async with aclosing(making or self._inner.events(request, text, counted)) as events:
                async for event in events:
                    bill.see(event)
                    yield event

    async def _limited(
        self, request: SynthesisRequest, text: AsyncIterable[str], took: Took, promise: Promise
    ) -> AsyncGenerator[SourceEvent, None]:
        spending = self._spending
        await spending.counters.refresh()
        async with looked_at(text, KNOWN_MAX, moment=0) as look:
            reply = _Reply(spending, request, promise, look.whole)
            spending.promises.add(promise)
            try:
                async with (
                    aclosing(reply.given(look.text)) as given,
                    aclosing(self._inner.events(request, given, took)) as events,
                ):
                    async for event in events:
                        yield event
            finally:
                spending.promises.discard(promise)
        if reply.refusal is not None:
            raise reply.refusal

    def _is_limited(self, engine: str) -> bool:
        limits = self._spending.limits.get(engine)
        return limits is not None and (limits.max_text is not None or any(self._spending.allowances(engine)))


class _Bill:
    """What one reply took. It counts from the first audio on; whatever there was before counts then, or at the end."""

    def __init__(self, spending: Spending, promise: Promise) -> None:
        self._spending = spending
        self._promise = promise
        self._begun: Begun | None = None
        self._was_heard = False
        self._open = 0
        """Characters that do not count yet, and are still promised."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None) -> None:
        by_converter = self._begun is not None and self._begun.converter_failed  # which had audio of the engine
        if by_converter or not (isinstance(exc, HeraldError) and exc.code in UNTAKEN):
            self._count()

    def see(self, event: SourceEvent) -> None:
        if isinstance(event, Begun):
            self._begun = event
        elif isinstance(event, bytes):
            self._was_heard = True
            self._count()

    def add(self, characters: int) -> None:
        self._open += characters
        if self._was_heard:
            self._count()

    def _count(self) -> None:
        if self._open:
            characters, self._open = self._open, 0
            self._promise.taken += characters
            self._spending.took(self._promise.engine, characters)


class _Reply:
    """What one engine is given of one text."""

    def __init__(self, spending: Spending, request: SynthesisRequest, promise: Promise, known: str | None) -> None:
        """`known`: the text, if it is whole. Raises QuotaExceeded and TextTooLong for what is seen before anything is given."""
        self.refusal: QuotaExceeded | None = None
        """Why there was no more."""
        self._spending = spending
        self._promise = promise
        self._engine = promise.engine
        self._is_plain = request.text_format is TextFormat.TEXT
        self._is_cleaned = reads_speakable(request)
        self._length = 0
        """Of the text, as far as it has come."""
        self._is_known = known is not None
        if known is None:
            self._check_room(1)
        else:
            self._count(known)
            promise.given = self._fitting(known)

    def _fitting(self, text: str) -> int:
        """How many characters of the whole text the engine will take. Raises QuotaExceeded."""
        length = len(text)
        if self._is_cleaned and length > self._spending.room(self._engine):
            length = sum(map(len, spoken_at_once([text], speakable=True)))
        self._check_room(length)
        return length

    async def given(self, text: AsyncIterable[str]) -> AsyncGenerator[str, None]:
        """The text, as far as it fits."""
        if self._is_known:
            async for fragment in text:
                yield fragment
            return
        last = _LastSentences()
        async for fragment in text:
            self._count(fragment)
            for piece in self._pieces(fragment, last):
                yield piece
            if self.refusal is not None:
                return
        for piece in last.rest():
            if not self._fits(piece):
                return
            yield piece

    def _pieces(self, fragment: str, last: _LastSentences) -> Iterator[str]:
        """Whatever may be given now: as it comes while there is plenty of room, then whole sentences."""
        if not self._is_plain:
            self._check_room(len(fragment))  # nobody knows where to cut it; nothing of it is spoken before all of it is here
        has_room = not last.began and self._spending.room(self._engine) - len(fragment) > NEAR
        if has_room or not self._is_plain:
            self._promise.given += len(fragment)
            yield fragment
            return
        for piece in last.rest() if fragment == PAUSE else last.push(fragment):
            if not self._fits(piece):
                return
            yield piece
        if fragment == PAUSE:
            yield PAUSE

    def _fits(self, piece: str) -> bool:
        self.refusal = self._spending.refusal(self._engine, len(piece))
        if self.refusal is None:
            self._promise.given += len(piece)
        return self.refusal is None

    def _check_room(self, characters: int) -> None:
        if (refusal := self._spending.refusal(self._engine, characters)) is not None:
            raise refusal

    def _count(self, text: str) -> None:
        self._length += len(text)
        limits = self._spending.limits.get(self._engine)
        if limits is not None and (limit := limits.max_text) is not None and self._length > limit:
            so_far = "" if self._is_known else " so far"
            msg = f"The text has {self._length} characters{so_far}; the engine {self._engine} takes {limit} at once (max_text)."
            raise TextTooLong(msg)


class _LastSentences:
    """Text in fragments in, whole sentences out, with all that stands between them."""

    def __init__(self) -> None:
        self.began = False
        self._splitter = SentenceSplitter(first_min=NEAR)
        self._text = ""
        """What is not out yet."""
        self._begin = 0
        """Where that begins."""

    def push(self, fragment: str) -> Iterator[str]:
        self.began = True
        self._text += fragment
        for sentence in self._splitter.push(fragment):
            yield self._up_to(sentence.end)

    def rest(self) -> Iterator[str]:
        """The writer pauses, or has ended."""
        for sentence in self._splitter.flush():
            yield self._up_to(sentence.end)
        if self._text:
            yield self._up_to(self._begin + len(self._text))

    def _up_to(self, place: int) -> str:
        piece, self._text = self._text[: place - self._begin], self._text[place - self._begin :]
        self._begin = place
        return piece
