"""Engines that limit what they do at once: each sentence waits for its turn, and its listener is told where it stands."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any, ClassVar

import pytest
import voluptuous as vol

from wyoming_server.engines.base import EngineEvent, Utterance
from wyoming_server.engines.tone import ToneEngine
from wyoming_server.errors import EngineError, EngineUnavailable
from wyoming_server.models import Mark, MarkKind, VoiceSettings, Waiting

pytestmark = pytest.mark.usefixtures("nothing_is_left")

ONE_AT_A_TIME = {"concurrency": 1, "per_character": 0.001}


class GatedEngine(ToneEngine):
    """A sentence sounds at once and ends when its gate is opened."""

    type: ClassVar[str] = "gated"

    def __init__(self, name: str = "gated", **options: Any) -> None:
        super().__init__(name, vol.Schema(dict(self.options_schema))({**ONE_AT_A_TIME, **options}))
        self.asked: list[str] = []
        self.gates: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    async def speak_sentence(self, text: str, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        self.asked.append(text)
        async with aclosing(super().speak_sentence(text, utterance)) as events:
            async for event in events:
                yield event
        await self.gates[text].wait()


class AccountEngine(GatedEngine):
    """Shares its turns with those of the same account."""

    def __init__(self, name: str, account: str, **options: Any) -> None:
        super().__init__(name, **options)
        self._key = account

    def _account(self) -> str:
        return self._key


async def text_of(*parts: str) -> AsyncIterator[str]:
    for part in parts:
        yield part


def speak(engine: ToneEngine, text: str, **extras: Any) -> AsyncGenerator[EngineEvent, None]:
    return engine.speak(text_of(text), Utterance(voice="tone", settings=VoiceSettings(extras=extras)))


async def settle() -> None:
    """Let the event loop do what is due."""
    for _ in range(20):
        await asyncio.sleep(0)


def told(events: list[EngineEvent]) -> Iterator[int | str]:
    """Places in line, and sentences by their text, in order."""
    for event in events:
        if isinstance(event, Waiting):
            yield event.position
        elif isinstance(event, Mark) and event.kind is MarkKind.SENTENCE_START:
            yield event.text


async def rest(events: AsyncGenerator[EngineEvent, None]) -> list[int | str]:
    return list(told([event async for event in events]))


async def test_a_second_reply_is_told_its_place_before_its_first_sentence() -> None:
    engine = GatedEngine()
    async with aclosing(speak(engine, "One.")) as first, aclosing(speak(engine, "Two.")) as second:
        assert isinstance(await anext(first), Mark)
        assert await anext(second) == Waiting(position=1)
        assert engine.asked == ["One."]
        for gate in ("One.", "Two."):
            engine.gates[gate].set()
        assert await rest(first) == []
        assert await rest(second) == ["Two."]
    assert engine.asked == ["One.", "Two."]


async def test_a_long_reply_does_not_keep_another_from_its_first_sentence() -> None:
    engine = GatedEngine()
    async with aclosing(speak(engine, "One. Two. Three.")) as long, aclosing(speak(engine, "Other.")) as other:
        await anext(long)
        await settle()  # it stands in line for its second sentence
        assert await anext(other) == Waiting(position=1)
        engine.gates["One."].set()
        hearing = asyncio.create_task(rest(long))
        assert isinstance(await anext(other), Mark)
        await settle()
        assert engine.asked == ["One.", "Other."]
        for gate in ("Other.", "Two.", "Three."):
            engine.gates[gate].set()
        assert await rest(other) == []
        assert await hearing == [1, "Two.", "Three."]


async def test_the_places_of_many_are_told_in_order() -> None:
    engine = GatedEngine()
    replies = [speak(engine, text) for text in ("One.", "Two.", "Three.", "Four.")]
    await anext(replies[0])
    assert [await anext(reply) for reply in replies[1:]] == [Waiting(position=place) for place in (1, 2, 3)]
    for gate in ("One.", "Two.", "Three.", "Four."):
        engine.gates[gate].set()
    heard = await asyncio.gather(*(rest(reply) for reply in replies))
    assert heard == [[], ["Two."], [1, "Three."], [2, 1, "Four."]]


async def test_a_place_that_delays_nothing_is_not_told() -> None:
    engine = GatedEngine()
    async with aclosing(speak(engine, "One. Two.")) as reply:
        await anext(reply)
        await settle()
        for gate in ("One.", "Two."):
            engine.gates[gate].set()
        assert await rest(reply) == ["Two."]


async def test_an_interrupt_in_line_leaves_the_line() -> None:
    engine = GatedEngine()
    async with aclosing(speak(engine, "One.")) as first, aclosing(speak(engine, "Three.")) as third:
        await anext(first)
        async with aclosing(speak(engine, "Two.")) as second:
            await anext(second)
            assert await anext(third) == Waiting(position=2)
        assert await anext(third) == Waiting(position=1)
        for gate in ("One.", "Three."):
            engine.gates[gate].set()
        await rest(first)
        assert await rest(third) == ["Three."]
    assert engine.asked == ["One.", "Three."]


async def test_an_interrupt_mid_sentence_frees_its_turn_when_the_engine_has_ended_it() -> None:
    engine = GatedEngine()
    async with aclosing(speak(engine, "Two.")) as second:
        async with aclosing(speak(engine, "One.", stall_at=0.002)) as first:
            await anext(first)
            await anext(second)
        engine.gates["Two."].set()
        assert await rest(second) == ["Two."]
    assert [event.what for event in engine.journal] == ["started", "cancelled", "started", "finished"]


async def test_an_error_frees_the_turn() -> None:
    engine = GatedEngine()
    async with aclosing(speak(engine, "One.", fail_at=0.002)) as first, aclosing(speak(engine, "Two.")) as second:
        await anext(first)
        engine.gates["Two."].set()
        with pytest.raises(EngineError):
            await rest(first)
        assert await rest(second) == ["Two."]


async def test_closing_the_engine_ends_those_in_line_in_words() -> None:
    engine = GatedEngine()
    async with aclosing(speak(engine, "One.")) as first, aclosing(speak(engine, "Two.")) as second:
        await anext(first)
        await anext(second)
        await engine.aclose()
        with pytest.raises(EngineUnavailable):
            await rest(second)
    assert engine.asked == ["One."]


async def test_fragments_take_turns_too() -> None:
    engine = GatedEngine(streaming_text=True)
    async with aclosing(speak(engine, "One")) as first, aclosing(speak(engine, "Two")) as second:
        await anext(first)
        assert await anext(second) == Waiting(position=1)
        await first.aclose()
        engine.gates["Two"].set()
        assert await rest(second) == ["Two"]


async def test_engines_with_one_account_are_one_line() -> None:
    one, same, other = AccountEngine("one", "a"), AccountEngine("two", "a", concurrency=5), AccountEngine("three", "b")
    async with (
        aclosing(speak(one, "One.")) as first,
        aclosing(speak(same, "Two.")) as second,
        aclosing(speak(other, "!A")) as third,
    ):
        await anext(first)
        assert await anext(second) == Waiting(position=1)
        assert isinstance(await anext(third), Mark)


@pytest.mark.parametrize("streaming_text", [False, True])
async def test_without_a_limit_nobody_waits(streaming_text: bool) -> None:
    engine = GatedEngine(concurrency=None, streaming_text=streaming_text)
    assert engine.turns is None
    replies = [speak(engine, f"Number {number}.") for number in range(20)]
    for reply in replies:
        assert isinstance(await anext(reply), Mark)
    for reply in replies:
        await reply.aclose()


@pytest.mark.parametrize("limit", [0, 1001, "2"])
def test_a_limit_is_1_to_1000(limit: object) -> None:
    with pytest.raises(vol.Invalid):
        GatedEngine(concurrency=limit)
