"""Voices in a row: where one fails, the next goes on with what has not been heard whole.

A voice that fails before its first audio has said nothing: none of its marks is told, and its Begun only where it is the first,
since a listener likes to know early. Behind a notice, another Begun says who goes on. Only the last one fails aloud.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from functools import partial
from typing import Protocol

from ...errors import (
    CredentialsRefused,
    EngineBusy,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    HeraldError,
    QuotaExceeded,
    VoiceRefused,
)
from ...models import Notice, SynthesisRequest, TextFormat, Voice, Waiting
from ...text.ssml import SsmlText
from ..making import Begun, Making, SourceEvent, TookBy
from ..spoken import reads_speakable
from .attempt import Attempt
from .race import Race
from .tape import Tape, taped

_LOGGER = logging.getLogger(__name__)

TAKEN_OVER = frozenset(
    cls.code
    for cls in (CredentialsRefused, QuotaExceeded, VoiceRefused, EngineTimeout, EngineUnavailable, EngineBusy, EngineError)
)
"""Codes of failures behind which another voice speaks. What is wrong with the request itself would be wrong with any voice."""

TakenOver = Callable[[SynthesisRequest, Voice], SynthesisRequest]
"""The request as another voice is asked it. Raises HeraldError where that one cannot be asked."""


class Understudies(Protocol):
    """Who speaks in a voice's place."""

    def understudies(self, voice: Voice) -> Sequence[str]:
        """Their names, the first first; nobody is no error."""

    def understudy(self, name: str, voice: Voice, text: str) -> Voice:
        """Who that is, for so much of the text as is known. Raises HeraldError."""


class Nobody:
    """Speaks in no voice's place."""

    def understudies(self, voice: Voice) -> Sequence[str]:
        return ()

    def understudy(self, name: str, voice: Voice, text: str) -> Voice:
        raise NotImplementedError


class Fallback:
    """As a Making, but that it tells who has taken what."""

    def __init__(self, inner: Making, understudies: Understudies, taken_over: TakenOver) -> None:
        self.inner = inner
        self.understudies = understudies
        self.taken_over = taken_over

    def events(self, request: SynthesisRequest, text: AsyncIterable[str], took: TookBy) -> AsyncGenerator[SourceEvent, None]:
        names = self.understudies.understudies(request.voice) if request.fallback else ()
        if not names:
            return self.inner.events(replace(request, alone=True), text, partial(took, request.voice.engine))
        return self._chained(request, names, text, took)

    async def _chained(
        self, request: SynthesisRequest, names: Sequence[str], text: AsyncIterable[str], took: TookBy
    ) -> AsyncGenerator[SourceEvent, None]:
        async with AsyncExitStack() as stack:
            tape = await stack.enter_async_context(taped(text, speakable=reads_speakable(request)))
            reply = _Reply(self, request, names, took, stack)
            async with aclosing(reply.events(tape)) as events:
                async for event in events:
                    yield event


class _Reply:
    """One, whoever speaks it. `stack` ends with it."""

    def __init__(
        self, chain: Fallback, request: SynthesisRequest, names: Sequence[str], took: TookBy, stack: AsyncExitStack
    ) -> None:
        self._chain = chain
        self._request = request
        self._names = deque(names)
        self._took = took
        self._stack = stack
        self._is_clean = reads_speakable(request)
        """What only an eye can use is not on the tape."""
        self._has_begun = False
        """A Begun was told."""
        self._was_heard = False
        self._failures: list[tuple[str, HeraldError]] = []
        """Voices, since somebody was last heard, and why they were not."""
        self._asked = {_identity(request.voice)}

    async def events(self, tape: Tape) -> AsyncGenerator[SourceEvent, None]:
        attempt = Attempt(self._chain.inner, _of_tape(self._request), tape)
        race = self._race(attempt)
        told = attempt.events(self._took) if race is None else race.events()
        while True:
            try:
                async with aclosing(told) as events:
                    async for event in events:
                        yield self._seen(event)
                following = None
            except HeraldError as error:
                following = await self._after(attempt if race is None else race.winner, error, race)
            if following is None:
                break
            attempt, race, told = following, None, self._later(following)

    def _seen(self, event: SourceEvent) -> SourceEvent:
        if isinstance(event, Begun):
            self._has_begun = True
        elif isinstance(event, bytes):
            self._was_heard = True
        return event

    # One voice's try

    def _race(self, attempt: Attempt) -> Race | None:
        """Of the first one and the next, if that is wanted."""
        if (late := self._request.voice.hedge) is None:
            return None
        return Race(attempt, self._took, after=late, other=self._next, lost=self._failed, behind=self._behind_notice)

    async def _later(self, attempt: Attempt) -> AsyncGenerator[SourceEvent, None]:
        """Nothing before it is heard, but its place in line."""
        early: list[SourceEvent] = []
        async with aclosing(attempt.events(self._took)) as events:
            async for event in events:
                if attempt.is_heard:
                    for told in self._behind_notice(attempt, early):
                        yield told
                    early.clear()
                    yield event
                elif not isinstance(event, Waiting):
                    early.append(event)
                elif self._has_begun:
                    yield event
        if not self._has_begun:  # there was nothing to say
            for told in self._behind_notice(attempt, early):
                yield told

    def _behind_notice(self, attempt: Attempt, early: Sequence[SourceEvent]) -> Iterator[SourceEvent]:
        """What came before the audio, if it was not told yet, and in front of it why somebody else speaks."""
        if early:
            voice, failures = attempt.request.voice.name, self._failures
            told = " ".join(f"The voice {name} failed: {error}" for name, error in failures)
            notice = Notice(code=failures[0][1].code, text=f"{told} The voice {voice} speaks instead.", voice=voice)
            _LOGGER.warning("%s", notice.text)
            self._failures = []
            yield notice
            yield from early

    # Who comes next

    async def _after(self, attempt: Attempt, error: HeraldError, race: Race | None) -> Attempt | None:
        """Who goes on behind a failure; `None`: nothing is left to be said. Raises it where nobody can."""
        if error.code not in TAKEN_OVER:
            raise error
        if race is not None and race.spared is not None:
            self._ask_again(race.spared)
        self._failed(attempt, error)
        if attempt.is_heard and attempt.has_said_all:
            _LOGGER.warning("The voice %s failed behind its last sentence: %s", attempt.request.voice.name, error)
            return None
        following = await self._next(attempt)
        if following is None:
            raise error if self._was_heard else self._failures[0][1]
        return following

    def _ask_again(self, spared: Attempt) -> None:
        """Whoever was only too late, and is the next one again."""
        voice = spared.request.voice
        self._names.appendleft(voice.name)
        self._asked.discard(_identity(voice))

    def _failed(self, attempt: Attempt, error: HeraldError) -> None:
        self._failures.append((attempt.request.voice.name, error))

    async def _next(self, attempt: Attempt) -> Attempt | None:
        """Whoever can go on where this one is, and has not been asked; `None`: nobody."""
        asked = replace(self._request, text_format=attempt.request.text_format)
        while self._names:
            name = self._names.popleft()
            try:
                voice = self._chain.understudies.understudy(name, self._request.voice, attempt.tape.text)
                request = self._chain.taken_over(asked, voice)
            except HeraldError as error:
                _LOGGER.warning("The fallback %s of the voice %s cannot speak: %s", name, self._request.voice.name, error)
                continue
            if _identity(voice) not in self._asked:
                self._asked.add(_identity(voice))
                return await self._going_on(attempt, replace(request, alone=not self._names))
        return None

    async def _going_on(self, before: Attempt, request: SynthesisRequest) -> Attempt:
        """On the same tape, unless the next voice needs another text."""
        place, offset = before.place, before.offset
        if before.request.text_format is TextFormat.SSML and (place or request.text_format is TextFormat.TEXT):
            text: AsyncIterable[str] = _words(before.tape.reading(place))
            request, self._is_clean = replace(request, text_format=TextFormat.TEXT), True
            tape = await self._stack.enter_async_context(taped(text, speakable=False))
        elif reads_speakable(request) and not self._is_clean:
            self._is_clean = True
            tape = await self._stack.enter_async_context(taped(before.tape.reading(place), speakable=True))
        else:
            return Attempt(self._chain.inner, _of_tape(request), before.tape, start=place, offset=offset)
        return Attempt(self._chain.inner, _of_tape(request), tape, offset=offset + place)


def _identity(voice: Voice) -> tuple[object, ...]:
    """What makes two voices the same to ask."""
    return voice.engine, voice.engine_voice, voice.converter and (voice.converter.converter, voice.converter.speaker)


def _of_tape(request: SynthesisRequest) -> SynthesisRequest:
    """The tape holds what is spoken: it is not made so twice."""
    return replace(request, speakable_text=False)


async def _words(ssml: AsyncIterable[str]) -> AsyncGenerator[str, None]:
    words = SsmlText()
    async for fragment in ssml:
        if text := words.push(fragment):
            yield text
    if rest := words.flush():
        yield rest
