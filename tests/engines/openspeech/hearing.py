"""What the tests of API v3 share: a writer and a listener that a test leads step by step, and what the journal tells."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any

import pytest

from wyoming_server.engines.base import Engine, EngineEvent, Utterance
from wyoming_server.engines.openspeech.engine import OpenSpeechEngine
from wyoming_server.models import Mark, MarkKind, VoiceSettings, Waiting

from ...simulators.openspeech import OpenSpeechSimulator, simulator
from ...simulators.speech.journal import What
from ...standstill import awake
from ...writing import Writer, written
from ..cases import new_engine
from .speaking import BIG, KEYS, SECOND

ENGLISH = "The kettle is boiling now. Somebody should take it off the stove. "
CHINESE = "今天的天气真的很好，我们一起去公园散步吧。"
LONG = ENGLISH * 75
"""5,000 characters."""
HOW = Utterance(voice=SECOND)
FIRST = Utterance(voice=BIG)
"""A voice 1.0: of another resource id."""


def how(voice: str = SECOND, **settings: Any) -> Utterance:
    return Utterance(voice=voice, settings=VoiceSettings.parse(settings))


@asynccontextmanager
async def speaking(
    *, engine: dict[str, Any] | None = None, **options: Any
) -> AsyncIterator[tuple[OpenSpeechSimulator, OpenSpeechEngine]]:
    """The simulator with these `options`, and an engine at it; `engine`: its own."""
    async with simulator(**options) as service:
        made = new_engine("openspeech", **{"url": service.url, **KEYS, **(engine or {})})
        assert isinstance(made, OpenSpeechEngine)
        async with made:
            yield service, made


@dataclass
class Heard:
    """What a listener has been given so far."""

    events: list[tuple[float, EngineEvent]] = field(default_factory=list)
    """With the time that each came."""

    @property
    def audio(self) -> bytes:
        return b"".join(event for _, event in self.events if isinstance(event, bytes))

    @property
    def marks(self) -> list[Mark]:
        return [event for _, event in self.events if isinstance(event, Mark)]

    @property
    def places(self) -> list[int]:
        return [event.position for _, event in self.events if isinstance(event, Waiting)]

    def texts(self, kind: MarkKind = MarkKind.SENTENCE_START) -> list[str]:
        return [mark.text for mark in self.marks if mark.kind is kind]

    def spare(self, rate: int) -> Iterator[float]:
        """With each audio but the first: seconds of audio that a listener in real time still had."""
        dry_at = 0.0
        for time, event in self.events:
            if isinstance(event, bytes):
                if dry_at:
                    yield dry_at - time
                dry_at = max(dry_at, time) + len(event) / (2 * rate)


class Listener:
    """A task that hears a reply, and says when something has come."""

    def __init__(self, engine: Engine, text: AsyncIterator[str] | Writer[str], utterance: Utterance = HOW) -> None:
        self.heard = Heard()
        self.sounded = asyncio.Event()
        """Audio came."""
        self.moved = asyncio.Event()
        """Anything came."""
        self.task = asyncio.create_task(self._hear(engine, text, utterance))

    async def _hear(self, engine: Engine, text: AsyncIterator[str] | Writer[str], utterance: Utterance) -> None:
        # an utterance of its own: by that, turns know a reply
        async with aclosing(engine.speak(aiter(text), replace(utterance))) as events:
            async for event in events:
                self.heard.events.append((monotonic(), event))
                self.moved.set()
                if isinstance(event, bytes):
                    self.sounded.set()

    async def until_audio(self) -> None:
        async with asyncio.timeout(10):
            await self.sounded.wait()

    async def stop(self) -> float:
        """Interrupt it; how long that took, but for a machine that stood still."""
        begun = awake()
        self.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await self.task
        return awake() - begun

    async def end(self) -> Heard:
        async with asyncio.timeout(20):
            await self.task
        return self.heard


async def hear(engine: Engine, *parts: str, utterance: Utterance = HOW) -> Heard:
    return await Listener(engine, written(*parts), utterance).end()


def order(service: OpenSpeechSimulator, *kinds: What) -> list[str]:
    """What happened of these kinds, in order."""
    return [entry.what for entry in service.journal if entry.what in kinds]


def texts(service: OpenSpeechSimulator) -> list[str]:
    """What was sent, message by message."""
    return [entry.detail["text"] for entry in service.all("text")]


def sessions(service: OpenSpeechSimulator) -> list[str]:
    """The text of each session."""
    found: dict[str, str] = {}
    for entry in service.all("text"):
        found[entry.detail["session"]] = found.get(entry.detail["session"], "") + entry.detail["text"]
    return list(found.values())


async def until_free(engine: Engine) -> float:
    """Seconds until a turn is free, but for a machine that stood still: of an engine that has only one."""
    begun = awake()
    assert engine.turns is not None
    assert engine.turns.limit == 1
    async with asyncio.timeout(5):
        with engine.turns.ask(object()) as turn:
            async for _ in turn.waiting():
                pass
    return awake() - begun
