"""The text of a reply on its way to an engine that takes fragments: in pieces, no faster than needed, again after a failed start.

Such an engine splits sentences by itself and speaks faster than real time, so whatever it is sent is paid for. It gets what the
writer writes at once, but at the end of a sentence it gets more only while it has no more than a few seconds of text to speak
and the audio already made is not further ahead of real time than `look_ahead`: an interrupt then finds little paid work ahead.
Within a sentence nothing is held back: engines wait for its end.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from time import monotonic

from ..channel import Channel
from ..errors import EngineUnavailable
from ..models import PAUSE, Sentence
from ..text.sentences import SentenceSplitter, ends_sentence, is_speakable

PIECE_MAX = 200
"""Code points of one piece, and of a sentence of which nothing is held back."""
PIECE_SECONDS = 2.0
"""A fragment that takes longer to say, by a guess, is cut where its sentences end."""
WAITING_PIECES = 16
"""Pieces that are read ahead from the writer."""
UNSPOKEN = 5.0
"""Seconds of text that an engine may have in hand, by a guess of how long it takes to say."""
QUIET = 1.0
"""Seconds without audio, while some is expected, after which the guess was too high, or the engine waits for the end."""
STEP = 0.2
"""Seconds after which somebody who waits for text, or for its time, looks again whether others want his turn."""
STALLED = 2.0
"""Seconds without text after which a turn that others want is not kept for the rest of a sentence."""
WIDE_SECONDS, NARROW_SECONDS = 0.22, 0.065
"""Of a character at normal speed: Chinese, Japanese or Korean, and any other. What is heard of a reply corrects them."""
_WIDE_FROM = "\u2e80"
_LEARN_FROM = 1.0
"""Seconds, by the guess, that must have been spoken to correct it."""
_RATIOS = (0.1, 5.0)
"""Of what was heard to what was guessed."""
_TAIL = 80
"""Code points that tell whether a sentence has ended."""


class Fragments:
    """Use `fragments`. What is sent between two calls of `session_over` or `rewind` is a session."""

    def __init__(self, *, look_ahead: float, speed: float) -> None:
        self._look_ahead = look_ahead
        self._ratio = 1 / speed
        """Seconds of audio of a second by the guess."""
        self._pieces: Channel[Sentence] = Channel(WAITING_PIECES)
        self._next: deque[Sentence] = deque()
        self._sent: list[Sentence] = []
        """Of a session without audio so far: all of it may be asked for again."""
        self._dry_at = 0.0
        """When a listener in real time will have heard all audio so far."""
        self._moved_at = 0.0
        """When something was last sent or heard."""
        self._audio = asyncio.Event()
        self._closed = False
        self._begin()

    def _begin(self) -> None:
        self._sent.clear()
        self._tail = ""
        self._pause: list[Sentence] = []
        """Where the session ends, if the writer has paused there."""
        self._between = False
        """Behind a sentence, or in one that is too long to wait for its end: here a session may end."""
        self._run = 0
        """Code points since then."""
        self._guess = self._heard = self._unspoken = 0.0
        """Seconds: what was sent, by the plain guess; what was heard; what was sent and not spoken yet, corrected."""

    # Before a session

    async def speakable(self) -> bool:
        """Wait for text that can be spoken, and for its time. False: there is no more of it."""
        held: deque[Sentence] = deque()
        size = 0
        while True:
            try:
                piece = self._next.popleft() if self._next else await anext(self._pieces)
            except StopAsyncIteration:
                return False
            if piece.text == PAUSE:
                continue
            held.append(piece)
            size += len(piece.text)
            if is_speakable(piece.text):
                break
            while size > PIECE_MAX:
                size -= len(held.popleft().text)
        self._next.extendleft(reversed(held))
        while (ahead := self._ahead) > 0 and not self._closed:
            await self._audio_within(ahead)  # none comes: it is the time that is waited for
        return True

    def rewind(self) -> None:
        """The session came to nothing: another one is given the same pieces."""
        self._next.extendleft(reversed(self._sent))
        self._begin()

    def give_back(self, rest: Sentence) -> None:
        """The session ended before it spoke this, the end of what it was sent: another one is given it."""
        self._sent = [*cut(rest.text, rest.start), *self._pause]
        self.rewind()

    def take_apart(self, rest: Sentence | None = None) -> bool:
        """What was sent, or of a session that was heard the `rest`, is given to others: each sentence to one of its own.

        False, and nothing is done, where it is but one sentence.
        """
        pieces = [rest] if rest is not None else [piece for piece in self._sent if piece.text != PAUSE]
        text = "".join(piece.text for piece in pieces)
        found = [*_at_borders(text, pieces[0].start if pieces else 0, sentences(text, PIECE_MAX))]
        if sum(is_speakable(sentence.text) for sentence in found) <= 1:
            return False
        pauses = ([Sentence(text=PAUSE, start=sentence.end)] for sentence in found[:-1])
        self._sent = [piece for sentence, end in zip(found, [*pauses, self._pause], strict=True) for piece in (sentence, *end)]
        self.rewind()
        return True

    # While a session is sent its text

    async def piece(self, give_way: Callable[[], bool]) -> Sentence | None:
        """Wait for the next piece. `None`: what was sent should be spoken now. Raises the writer's error."""
        since = monotonic()
        while not self._next:
            if (self._between or monotonic() - since > STALLED) and give_way():
                return None
            try:
                await self._come(STEP)
            except StopAsyncIteration:
                return None
        if self._next[0].text == PAUSE:
            self._pause = [self._next.popleft()]
            self._sent += self._pause
            return None
        return self._next[0]

    async def room(self, give_way: Callable[[], bool]) -> bool:
        """Wait until the engine may be sent that piece. False: it is for another session, this one should end here."""
        while self._between:
            ahead = self._ahead
            if give_way():
                return False
            if ahead <= 0 and self._unspoken <= UNSPOKEN:
                break
            if ahead <= 0 and monotonic() - self._moved_at > QUIET:
                return False
            await self._audio_within(min(ahead, STEP) if ahead > 0 else STEP)
        return True

    def sent(self) -> None:
        """That piece goes to the engine."""
        piece = self._next.popleft()
        self._sent.append(piece)
        guess = seconds(piece.text)
        self._guess += guess
        self._unspoken += guess * self._ratio
        self._moved_at = monotonic()
        self._tail = (self._tail + piece.text)[-_TAIL:]
        self._run += len(piece.text)
        self._between = self._run >= PIECE_MAX or ends_sentence(self._tail)
        if self._between:
            self._run = 0

    # While it is heard

    def heard(self, seconds_of_audio: float) -> None:
        """Audio came: nothing of this session is ever asked for again."""
        self._sent.clear()
        self._heard += seconds_of_audio
        self._unspoken = max(0.0, self._unspoken - seconds_of_audio)
        self._moved_at = monotonic()
        self._dry_at = max(self._dry_at, self._moved_at) + seconds_of_audio
        self._audio.set()

    def unspoken(self, text: str) -> None:
        """The engine tells how much of what it was sent it has not spoken yet."""
        rest = seconds(text)
        self._learn(self._guess - rest)
        self._unspoken = rest * self._ratio
        self._audio.set()

    def session_over(self) -> None:
        """What was sent is spoken."""
        self._learn(self._guess)
        self._begin()

    def close(self, error: Exception) -> None:
        """No more text is taken: whoever waits for some, or will, gets the error."""
        self._closed = True
        self._pieces.end(error)
        self._audio.set()

    @property
    def _ahead(self) -> float:
        """Seconds by which the audio is too far ahead of real time."""
        return self._dry_at - monotonic() - self._look_ahead

    def _learn(self, spoken: float) -> None:
        """So much by the guess has made all that was heard."""
        if spoken >= _LEARN_FROM and self._heard:
            low, high = _RATIOS
            self._ratio = min(max(self._heard / spoken, low), high)

    async def _come(self, limit: float | None) -> None:
        try:
            async with asyncio.timeout(limit) as waiting:
                self._next.append(await anext(self._pieces))
        except TimeoutError:
            if not waiting.expired():  # it is the writer's own
                raise

    async def _audio_within(self, limit: float) -> None:
        self._audio.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await self._audio.wait()

    async def _read(self, text: AsyncIterable[str]) -> None:
        start = 0
        async for fragment in text:
            for piece in cut(fragment, start):
                await self._pieces.put(piece)
            start += len(fragment)


@asynccontextmanager
async def fragments(text: AsyncIterable[str], *, look_ahead: float, speed: float | None) -> AsyncGenerator[Fragments, None]:
    """Reads `text` while the block runs. `speed`: the factor by which it will be spoken faster."""
    feed = Fragments(look_ahead=look_ahead, speed=speed or 1.0)
    reading = asyncio.create_task(feed._read(text))  # noqa: SLF001  # its other half
    feed._pieces.end_with(reading, cancelled=EngineUnavailable("The text was broken off by its writer."))  # noqa: SLF001
    try:
        yield feed
    finally:
        reading.cancel()
        await asyncio.wait([reading])


def cut(fragment: str, start: int) -> Iterator[Sentence]:
    """The fragment, every character of it, in pieces that end where sentences do; `start`: its place in the text."""
    if len(fragment) <= PIECE_MAX and seconds(fragment) <= PIECE_SECONDS:
        yield Sentence(text=fragment, start=start)
        return
    yield from _at_borders(fragment, start, sentences(fragment, PIECE_MAX))


def _at_borders(text: str, start: int, found: Sequence[Sentence]) -> Iterator[Sentence]:
    """The text, with all that stands between the sentences that were `found` in it; `start`: its place."""
    for begin, end in pairwise([0, *(sentence.start for sentence in found[1:]), len(text)]):
        yield Sentence(text=text[begin:end], start=start + begin)


def sentences(text: str, longest: int) -> list[Sentence]:
    """Of a whole text; none is longer than so many code points."""
    splitter = SentenceSplitter(first_min=10 * longest, soft_limit=longest, hard_limit=longest)
    return [*splitter.push(text), *splitter.flush()]


def seconds(text: str) -> float:
    """A rough guess of how long it takes to say."""
    wide = sum(char >= _WIDE_FROM for char in text)
    return wide * WIDE_SECONDS + (len(text) - wide) * NARROW_SECONDS
