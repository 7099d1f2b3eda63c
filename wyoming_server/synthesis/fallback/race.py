"""Two voices at once: the second is asked where the first is late, whoever is heard first speaks, and the other is cancelled.

Late is counted from the moment at which there is a first sentence to speak, the line before the engine included. Both are read by
tasks that end with the generator.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing

from ...ahead import ended
from ...channel import Channel
from ...errors import EngineTimeout, HeraldError
from ...models import PAUSE
from ...text.sentences import SentenceSplitter, is_speakable
from ..making import SourceEvent, TookBy
from .attempt import Attempt
from .tape import Tape

QUEUED = 8
"""Events that wait for the listener, once there is audio."""


class Race:
    """`after`: seconds. `other` makes the second try; `lost` is told why the first one is not heard, or either failed.

    `behind` puts before what the second one has said before it was heard what there is to know of that.
    """

    def __init__(  # noqa: PLR0913  # what ties it to the reply
        self,
        first: Attempt,
        took: TookBy,
        *,
        after: float,
        other: Callable[[Attempt], Awaitable[Attempt | None]],
        lost: Callable[[Attempt, HeraldError], None],
        behind: Callable[[Attempt, Sequence[SourceEvent]], Iterator[SourceEvent]],
    ) -> None:
        self.winner = first
        self.spared: Attempt | None = None
        """Who was asked beside the winner, and has not failed."""
        self._first = first
        self._took = took
        self._after = after
        self._other = other
        self._lost = lost
        self._behind = behind
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def events(self) -> AsyncGenerator[SourceEvent, None]:
        """Raises what the winner raises, or the last of those who failed."""
        try:
            first = self._run(self._first)
            timer = self._run_timer()
            second: _Runner | None = None
            while not _is_decided(first, second):
                await self._news.wait()
                self._news.clear()
                for event in first.taken():
                    yield event
                if timer.done() and second is None and first.is_open and (other := await self._other(self._first)) is not None:
                    second = self._run(other)
            winner = self._decide(first, second)
            for event in self._early(winner):
                yield event
            async for event in winner.rest:
                yield event
        finally:
            await self._stop()

    def _early(self, winner: _Runner) -> Iterable[SourceEvent]:
        """What the winner has told before it was heard; nothing where it never was, and is not the one who was asked first."""
        early = winner.taken()
        if winner.attempt is self._first:
            return early
        return self._behind(winner.attempt, early) if winner.speaks else ()

    def _decide(self, first: _Runner, second: _Runner | None) -> _Runner:
        """Who speaks, or else fails for all. The other one is cancelled, and not waited for yet."""
        winner = first if second is None or first.speaks else second
        self.winner = winner.attempt
        if winner is first:
            self.spared = second.attempt if second is not None and second.is_open else None
        else:
            late = EngineTimeout(f"Nothing was heard of it {self._after:g} s after it had its first sentence.")
            self._lost(first.attempt, first.error or late)
        for task in self._tasks:
            if task is not winner.task:
                task.cancel()
        return winner

    def _run(self, attempt: Attempt) -> _Runner:
        runner = _Runner(attempt, self._took, self._news)
        self._tasks.append(runner.task)
        return runner

    def _run_timer(self) -> asyncio.Task[None]:
        timer = asyncio.create_task(self._late())
        timer.add_done_callback(lambda _: self._news.set())
        self._tasks.append(timer)
        return timer

    async def _late(self) -> None:
        await _first_sentence(self._first.tape)
        await asyncio.sleep(self._after)

    async def _stop(self) -> None:
        await ended(*self._tasks)
        for task in self._tasks:
            if not task.cancelled():
                task.exception()  # nobody may have looked at it


class _Runner:
    """One of the two, read by a task."""

    def __init__(self, attempt: Attempt, took: TookBy, news: asyncio.Event) -> None:
        self.attempt = attempt
        self.rest: Channel[SourceEvent] = Channel(QUEUED)
        """What is told from its first audio on."""
        self._early: deque[SourceEvent] = deque()
        self._took = took
        self._news = news
        self.task = asyncio.create_task(self._run())
        self.task.add_done_callback(lambda _: news.set())
        self.rest.end_with(self.task, cancelled=HeraldError())  # nobody but the race ends it

    @property
    def is_open(self) -> bool:
        """Nobody knows yet whether it speaks."""
        return not (self.attempt.is_heard or self.task.done())

    @property
    def speaks(self) -> bool:
        """It is heard, or had nothing to say."""
        return self.attempt.is_heard or (self.task.done() and self.error is None)

    @property
    def error(self) -> HeraldError | None:
        """Why it failed."""
        error = self.task.exception() if self.task.done() and not self.task.cancelled() else None
        return error if isinstance(error, HeraldError) else None

    def taken(self) -> list[SourceEvent]:
        """What it has told before its first audio, once."""
        early = [*self._early]
        self._early.clear()
        return early

    async def _run(self) -> None:
        async with aclosing(self.attempt.events(self._took)) as events:
            async for event in events:
                self._news.set()
                if self.attempt.is_heard:
                    await self.rest.put(event)
                else:
                    self._early.append(event)


def _is_decided(first: _Runner, second: _Runner | None) -> bool:
    """Somebody speaks, or everybody who was asked has failed."""
    if second is None:
        return not first.is_open
    return first.speaks or second.speaks or not (first.is_open or second.is_open)


async def _first_sentence(tape: Tape) -> None:
    """Returns once there is something to speak."""
    splitter = SentenceSplitter()
    async for fragment in tape.reading():
        found = splitter.flush() if fragment == PAUSE else splitter.push(fragment)
        if any(is_speakable(sentence.text) for sentence in found):
            return
