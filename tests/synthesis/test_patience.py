"""The whole time for which an engine is waited for: what counts, and what does not, however long a reply is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextlib import aclosing

import pytest

from wyoming_server.config import EngineConfig
from wyoming_server.errors import EngineTimeout
from wyoming_server.models import AudioFormat, Capabilities, SynthesisRequest, Voice, VoiceSettings, Waiting
from wyoming_server.synthesis.making import Begun, SourceEvent, Took
from wyoming_server.synthesis.patience import Patience
from wyoming_server.synthesis.shaping import Source

VOICE = Voice(name="a", engine="a", engine_voice="a", languages=("en",))
REQUEST = SynthesisRequest(voice=VOICE)
AUDIO = AudioFormat(rate=8_000)
BEGUN = Begun(
    source=Source(name="a", engine="a", format=AUDIO, settings=VoiceSettings(), can=Capabilities(), live=False),
    conversion=None,
    request=REQUEST,
)
LIMIT = 0.2


class Maker:
    """Does what its script says, and notes that it was closed."""

    def __init__(self, script: Callable[[AsyncIterable[str]], AsyncGenerator[SourceEvent, None]]) -> None:
        self._script = script
        self.closed = asyncio.Event()

    async def events(self, request: SynthesisRequest, text: AsyncIterable[str], took: Took) -> AsyncGenerator[SourceEvent, None]:
        try:
            yield BEGUN
            async with aclosing(self._script(text)) as events:
                async for event in events:
                    yield event
        finally:
            self.closed.set()


def patient(script: Callable[[AsyncIterable[str]], AsyncGenerator[SourceEvent, None]]) -> tuple[Maker, Patience]:
    maker = Maker(script)
    return maker, Patience(maker, {"a": EngineConfig(name="a", type="tone", total_timeout=LIMIT)})


async def words(*fragments: str, every: float = 0) -> AsyncGenerator[str, None]:
    for fragment in fragments:
        await asyncio.sleep(every)
        yield fragment


async def said(patience: Patience, text: AsyncIterable[str], *, listening: float = 0) -> list[SourceEvent]:
    found = []
    async with aclosing(patience.events(REQUEST, text, lambda _: None)) as events:
        async for event in events:
            found.append(event)
            await asyncio.sleep(listening)
    return found


async def test_an_engine_that_hangs_is_given_up_in_words_and_closed() -> None:
    async def hangs(text: AsyncIterable[str]) -> AsyncGenerator[SourceEvent, None]:
        yield b"\0\0"
        await asyncio.Event().wait()

    maker, patience = patient(hangs)
    with pytest.raises(EngineTimeout, match=r"The engine a was waited for 0\.2 s longer than .* \(total_timeout\)\."):
        await said(patience, words("Hello."))
    assert maker.closed.is_set()


async def test_one_that_dawdles_over_every_piece_is_given_up_too() -> None:
    async def dawdles(text: AsyncIterable[str]) -> AsyncGenerator[SourceEvent, None]:
        while True:
            await asyncio.sleep(LIMIT / 10)
            yield b"\0\0"

    _, patience = patient(dawdles)
    with pytest.raises(EngineTimeout):
        await said(patience, words("Hello."))


async def test_one_that_is_as_fast_as_its_audio_is_played_may_take_any_time() -> None:
    async def paced(text: AsyncIterable[str]) -> AsyncGenerator[SourceEvent, None]:
        for _ in range(8):
            await asyncio.sleep(LIMIT / 2)
            yield AUDIO.silence(LIMIT / 2)

    _, patience = patient(paced)
    assert len(await said(patience, words("Hello."))) == 9


async def test_a_listener_who_takes_his_time_costs_the_engine_none() -> None:
    async def quick(text: AsyncIterable[str]) -> AsyncGenerator[SourceEvent, None]:
        for _ in range(4):
            yield b"\0\0"

    _, patience = patient(quick)
    assert len(await said(patience, words("Hello."), listening=LIMIT / 2)) == 5


async def test_a_writer_who_takes_his_time_costs_the_engine_none() -> None:
    async def reads(text: AsyncIterable[str]) -> AsyncGenerator[SourceEvent, None]:
        async for fragment in text:
            yield fragment.encode()

    _, patience = patient(reads)
    assert len(await said(patience, words(*"abcd", every=LIMIT / 2))) == 5


async def test_the_line_before_the_engine_costs_it_nothing() -> None:
    async def in_line(text: AsyncIterable[str]) -> AsyncGenerator[SourceEvent, None]:
        for position in (3, 2, 1):
            yield Waiting(position=position)
            await asyncio.sleep(LIMIT / 2)
        yield b"\0\0"

    _, patience = patient(in_line)
    assert len(await said(patience, words("Hello."))) == 5


async def test_behind_the_line_its_time_runs() -> None:
    async def in_line(text: AsyncIterable[str]) -> AsyncGenerator[SourceEvent, None]:
        yield Waiting(position=1)
        yield b"\0\0"
        await asyncio.Event().wait()

    _, patience = patient(in_line)
    with pytest.raises(EngineTimeout):
        await said(patience, words("Hello."))


async def test_a_text_that_has_ended_leaves_all_time_to_the_engine() -> None:
    async def reads(text: AsyncIterable[str]) -> AsyncGenerator[SourceEvent, None]:
        async for _ in text:
            pass
        await asyncio.Event().wait()
        yield b""

    _, patience = patient(reads)
    with pytest.raises(EngineTimeout):
        await said(patience, words("Hello."))


async def test_a_cancellation_is_no_timeout() -> None:
    async def hangs(text: AsyncIterable[str]) -> AsyncGenerator[SourceEvent, None]:
        yield b"\0\0"
        await asyncio.Event().wait()

    maker, patience = patient(hangs)
    task = asyncio.create_task(said(patience, words("Hello.")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert maker.closed.is_set()


async def test_a_defect_that_looks_like_a_timeout_stays_what_it_is() -> None:
    async def breaks(text: AsyncIterable[str]) -> AsyncGenerator[SourceEvent, None]:
        yield b"\0\0"
        raise TimeoutError

    _, patience = patient(breaks)
    with pytest.raises(TimeoutError):
        await said(patience, words("Hello."))
