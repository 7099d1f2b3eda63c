"""The missing ability of most engines: text in fragments. Splits it, and asks for the next sentence while one plays.

Look-ahead is bounded twice: at most one sentence is in flight beyond the one being heard, and none is asked for while the audio
already made is further ahead of real time than the engine's `look_ahead`. So an interrupt finds little paid work ahead. An engine
that takes turns gives one to each sentence, from its request to its last audio.

A sentence that its listener waits for already is read by him, one that is asked for ahead by a task: between the two each event
would wait for all else that is due. Where turns are taken tasks read all: a slow listener would keep his turn from others.
"""

from __future__ import annotations

import asyncio
import logging
from abc import abstractmethod
from collections.abc import AsyncGenerator, AsyncIterable, Coroutine, Mapping
from contextlib import aclosing
from time import monotonic
from typing import Any, ClassVar

from ..channel import Channel
from ..errors import EngineUnavailable, Unspeakable
from ..models import PAUSE, Sentence, TextFormat, Waiting
from ..text.sentences import SentenceSplitter, is_speakable
from .base import Engine, EngineEvent, Utterance
from .marks import Marker
from .pulled import Pulled
from .turns import Turn

_LOGGER = logging.getLogger(__name__)

QUEUED_EVENTS = 8
"""Events that wait between a sentence's synthesis and its listener."""


class SentenceEngine(Engine):
    """An engine that is given one whole sentence at a time."""

    sentence_limit: ClassVar[int] = 300
    """Code points that it takes in one request."""

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        super().__init__(name, options)
        self._replies: set[_Reply] = set()

    async def _speak(self, text: AsyncIterable[str], utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        reply = _Reply(self, text, utterance)
        self._replies.add(reply)
        try:
            async with aclosing(reply.events()) as events:
                async for event in events:
                    yield event
        finally:
            await reply.cancel()
            self._replies.discard(reply)

    async def _close(self) -> None:
        await asyncio.gather(*(reply.cancel() for reply in self._replies))

    @abstractmethod
    def speak_sentence(self, text: str, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        """One sentence: PCM, and word marks whose time and place count from the sentence's start.

        Raises Unspeakable where there is nothing to say: the sentence is left out and the reply goes on.
        """

    def pause_after(self, utterance: Utterance) -> float:
        """Seconds of silence between two sentences."""
        return 0.0


class _Part:
    """One sentence, and where its listener finds its events: the synthesis itself, or a bounded channel."""

    def __init__(self, sentence: Sentence) -> None:
        self.sentence = sentence
        self.pulled: Pulled[EngineEvent] | None = None
        self.events: Channel[EngineEvent] = Channel(QUEUED_EVENTS)
        self.heard = asyncio.Event()
        """Set with the first event, or at the end."""
        self._awaited = False
        self._place: Waiting | None = None

    def listen(self) -> AsyncIterable[EngineEvent]:
        """Its events, once the listener has come to it. Before, nobody hears of its place in line: it delays nothing yet."""
        if self.pulled is not None:
            return self.pulled
        self._awaited = True
        self._tell_place()
        return self.events

    async def stand_in_line(self, turn: Turn) -> None:
        async for place in turn.waiting():
            self._place = place
            self._tell_place()
        self._place = None

    def _tell_place(self) -> None:
        if self._awaited and self._place is not None:
            self.events.push(self._place)

    async def synthesise(self, engine: SentenceEngine, utterance: Utterance) -> None:
        """Into the channel."""
        async with aclosing(self.synthesis(engine, utterance)) as events:
            async for event in events:
                await self.events.put(event)

    async def synthesis(self, engine: SentenceEngine, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        try:
            async with aclosing(engine.speak_sentence(self.sentence.text, utterance)) as events:
                async for event in events:
                    self.heard.set()
                    yield event
        except Unspeakable:
            _LOGGER.warning(
                "%s: a sentence of %d characters has nothing to speak, left out", engine.name, len(self.sentence.text)
            )
        finally:
            self.heard.set()


class _Reply:
    """The sentences of one reply: a director starts them in order, the listener hears them in order."""

    def __init__(self, engine: SentenceEngine, text: AsyncIterable[str], utterance: Utterance) -> None:
        self._engine = engine
        self._text = text
        self._utterance = utterance
        self._parts: Channel[_Part] = Channel(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._pulled: Pulled[EngineEvent] | None = None
        self._closed = EngineUnavailable(f"The engine {engine.name} was closed.")
        self._format = engine.native_format(utterance)
        self._marker = Marker(self._format, pause=engine.pause_after(utterance))
        self._dry_at = 0.0
        """When a listener in real time will have heard all that was handed on."""

    async def events(self) -> AsyncGenerator[EngineEvent, None]:
        self._run(self._direct(), self._parts)
        async for part in self._parts:
            async with aclosing(self._marker.marked(part.sentence, part.listen())) as events:
                async for event in events:
                    if isinstance(event, bytes):
                        self._dry_at = max(self._dry_at, monotonic()) + self._format.seconds(len(event))
                    yield event

    async def cancel(self) -> None:
        """Stop every synthesis of this reply, and wait until each has told its upstream."""
        tasks = [*self._tasks]  # those that end leave the set
        for task in tasks:
            task.cancel()
        if self._pulled is not None:
            await self._pulled.aclose()
        if tasks:
            await asyncio.shield(asyncio.wait(tasks))

    async def _direct(self) -> None:
        """Start each sentence as soon as it is known, the one before is heard, and the look-ahead allows it."""
        async with aclosing(self._sentences()) as sentences:
            async for sentence in sentences:
                part = _Part(sentence)
                if self._parts.awaited and self._engine.turns is None:
                    await self._wait_for_real_time()
                    self._pulled = part.pulled = Pulled(part.synthesis(self._engine, self._utterance), closed=self._closed)
                    await self._parts.put(part)
                else:
                    await self._parts.put(part)
                    self._run(self._ask_ahead(part), part.events)
                await part.heard.wait()

    async def _ask_ahead(self, part: _Part) -> None:
        await self._wait_for_real_time()
        if (turns := self._engine.turns) is None:
            await part.synthesise(self._engine, self._utterance)
            return
        with turns.ask(self._utterance, self._utterance.client) as turn:
            await part.stand_in_line(turn)
            await part.synthesise(self._engine, self._utterance)

    async def _sentences(self) -> AsyncGenerator[Sentence, None]:
        if self._utterance.text_format is TextFormat.SSML:
            yield Sentence(text="".join([fragment async for fragment in self._text]), start=0)
            return
        splitter = SentenceSplitter(hard_limit=self._engine.sentence_limit)
        async for fragment in self._text:
            for sentence in splitter.flush() if fragment == PAUSE else splitter.push(fragment):
                if is_speakable(sentence.text):
                    yield sentence
        for sentence in splitter.flush():
            if is_speakable(sentence.text):
                yield sentence

    async def _wait_for_real_time(self) -> None:
        limit = self._engine.capabilities.look_ahead
        if limit is None:
            return
        # Time itself is waited for, and more audio makes the wait longer.
        while (ahead := self._dry_at - monotonic()) > limit:  # noqa: ASYNC110
            await asyncio.sleep(ahead - limit)

    def _run(self, work: Coroutine[Any, Any, None], channel: Channel[Any]) -> None:
        """Do `work` in a task whose end ends `channel`; it lives no longer than this reply (see `cancel`)."""
        task = asyncio.create_task(work)
        channel.end_with(task, cancelled=self._closed)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
