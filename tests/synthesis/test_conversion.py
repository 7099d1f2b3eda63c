"""The voice-conversion stage alone: an engine's events go in, the same come out in another voice, to the last sample."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing

import pytest

from wyoming_server.converters.gain import GainConverter
from wyoming_server.engines.base import EngineEvent
from wyoming_server.errors import BadSetting, CredentialsRefused, EngineError, EngineTimeout, TextTimeout
from wyoming_server.models import AudioFormat, Notice, OnFailure, Waiting
from wyoming_server.synthesis.conversion import QUEUED_EVENTS, ConvertedEvent, VoiceConversion

from ..converters.cases import new_converter
from ..converters.speech import cut
from .converting import ENGINE, Scripted, engine, mark, pcm, stage, through, tone

STEREO_16 = {"rate": 16_000, "channels": 2}
pytestmark = pytest.mark.usefixtures("nothing_is_left")

REFUSED = CredentialsRefused("The token is wrong.")


def gain(**options: object) -> GainConverter:
    converter = new_converter("gain", **options)
    assert isinstance(converter, GainConverter)
    return converter


async def refuses(pcm: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
    raise REFUSED
    yield b""


async def refuses_the_second(pcm: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
    """It fails over its second piece, with nothing told, and leaves the speech as it is."""
    seen = 0
    async for _ in pcm:
        seen += 1
        if seen == 2:
            raise REFUSED
    yield b""


async def breaks_off(pcm: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
    """It fails over its second piece, once the first is told."""
    async for piece in pcm:
        yield piece
        raise REFUSED


async def collect(conversion: VoiceConversion, told: list[ConvertedEvent], *events: bytes | EngineError) -> None:
    """What is told before an error counts, too."""
    async for event in conversion.events(engine(*events)):
        told += [event]


# The order of events


async def test_what_goes_in_comes_out_in_its_order() -> None:
    events: list[EngineEvent] = [Waiting(position=1), tone(0.1), mark(0.1), tone(0.1, start=0.1), mark(0.2)]
    assert await through(stage(gain()), *events) == events


async def test_marks_come_with_the_audio_they_are_in() -> None:
    """A converter that makes one piece of ten: each mark is told no later than the piece that it is heard in."""

    async def in_one(pcm: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
        whole = b"".join([piece async for piece in pcm])
        for piece in cut(whole, ENGINE.size(0.5)):
            yield piece

    events: list[EngineEvent] = []
    for tenth in range(10):
        events += [mark(tenth / 10), tone(0.1, start=tenth / 10)]
    told = await through(stage(Scripted(in_one)), *events, mark(1))
    kinds = ["audio" if isinstance(event, bytes) else getattr(event, "time", None) for event in told]
    assert kinds == [0, 0.1, 0.2, 0.3, 0.4, "audio", 0.5, 0.6, 0.7, 0.8, 0.9, "audio", 1]
    assert pcm(told) == tone(1)


async def test_marks_wait_for_a_late_converter_and_places_in_line_do_not() -> None:
    heard_all = asyncio.Event()
    conversion = stage(gain(hold=10))
    async with aclosing(conversion.events(engine(mark(0), tone(0.1), Waiting(position=2), heard_all, tone(0.1)))) as events:
        assert await anext(events) == Waiting(position=2)
        heard_all.set()
        assert [event if not isinstance(event, bytes) else len(event) for event in [event async for event in events]] == [
            mark(0),
            len(tone(0.2)),
        ]


async def test_without_any_audio_there_are_still_its_marks() -> None:
    assert await through(stage(gain()), mark(0), Waiting(position=1), mark(0)) == [Waiting(position=1), mark(0), mark(0)]
    assert await through(stage(gain())) == []


# The audio


@pytest.mark.parametrize("frames", [1, 2, 147, 2205, 22_051])
@pytest.mark.parametrize("options", [{}, {"hold": 0.2}])
async def test_not_a_sample_is_lost(frames: int, options: dict[str, float]) -> None:
    speech = tone(2)[: 2 * frames]
    told = await through(stage(gain(**options)), *cut(speech, 882))
    assert pcm(told) == speech


@pytest.mark.parametrize("size", [2, 442, 4410])
async def test_at_another_format_it_is_the_whole_speech_in_whole_frames(size: int) -> None:
    speech = tone(0.25)[: 2 * 5000]
    conversion = stage(gain(**STEREO_16))
    told = await through(conversion, *cut(speech, size))
    assert conversion.target == AudioFormat(rate=16_000, channels=2)
    assert all(len(piece) % conversion.target.frame_size == 0 for piece in told if isinstance(piece, bytes))
    assert abs(len(pcm(told)) // 4 - 5000 * 16_000 / 22_050) <= 1
    assert pcm(told) == pcm(await through(stage(gain(**STEREO_16)), speech))


async def test_the_converter_begins_before_there_is_any_speech() -> None:
    converter, thought = gain(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        reply = group.create_task(through(stage(converter), thought, tone(0.1)))
        for _ in range(10):
            await asyncio.sleep(0)
        assert [event.what for event in converter.journal] == ["started"]
        thought.set()
    assert pcm(await reply) == tone(0.1)


async def test_a_converter_that_holds_everything_back_stops_nobody() -> None:
    speech = tone(2)
    pieces = cut(speech, 2 * 441)
    assert len(pieces) > 4 * QUEUED_EVENTS
    assert pcm(await through(stage(gain(hold=1000)), *pieces)) == speech


async def test_whoever_listens_slowly_holds_up_engine_and_converter() -> None:
    given = 0

    async def endless() -> AsyncGenerator[bytes, None]:
        nonlocal given
        while True:
            given += 1
            yield tone(0.02)

    async with aclosing(stage(gain()).events(endless())) as events:
        await anext(events)
        for _ in range(500):
            await asyncio.sleep(0)
        assert given <= 2 * QUEUED_EVENTS + 10


# The converter fails


@pytest.mark.parametrize("play", [refuses, refuses_the_second])
async def test_a_converter_that_was_not_heard_is_passed_by_from_the_very_start(play: object) -> None:
    converter = Scripted(play)  # type: ignore[arg-type]  # one of two
    told = await through(stage(converter), mark(0), tone(0.1), mark(0.1), tone(0.1, start=0.1), mark(0.2))
    notice = Notice(code="credentials_refused", text="The voice is not converted: The token is wrong.")
    assert told == [notice, mark(0), tone(0.1), mark(0.1), tone(0.1, start=0.1), mark(0.2)]


async def test_passing_by_goes_on_with_an_engine_that_still_speaks() -> None:
    rest = asyncio.Event()
    async with aclosing(stage(Scripted(refuses)).events(engine(tone(0.1), rest, Waiting(position=1), tone(0.1)))) as events:
        assert isinstance(await anext(events), Notice)
        assert await anext(events) == tone(0.1)
        rest.set()
        assert [event async for event in events] == [Waiting(position=1), tone(0.1)]


@pytest.mark.parametrize("options", [{"fail_at": 0}, {"fail_at": 0, **STEREO_16}, {"rate": 48_000, "fail_at": 0}])
async def test_the_engines_own_voice_comes_in_the_format_that_was_promised(options: dict[str, float]) -> None:
    failing, good = stage(gain(**options)), stage(gain(**{**options, "fail_at": None}))
    speech = cut(tone(0.5), 882)
    notice, *told = await through(failing, *speech)
    assert isinstance(notice, Notice)
    assert failing.target == good.target
    assert pcm(told) == pcm(await through(good, *speech))


async def test_where_it_must_not_be_passed_by_its_failure_ends_the_reply() -> None:
    conversion = stage(gain(fail_at=0, fail_with="engine_timeout"), on_failure=OnFailure.FAIL)
    with pytest.raises(EngineTimeout, match="converter gain failed"):
        await through(conversion, tone(0.1))


@pytest.mark.parametrize("policy", OnFailure)
async def test_a_failure_after_first_audio_comes_behind_that_audio(policy: OnFailure) -> None:
    told: list[ConvertedEvent] = []
    with pytest.raises(CredentialsRefused):
        await collect(stage(Scripted(breaks_off), on_failure=policy), told, tone(0.1), tone(0.1))
    assert told == [tone(0.1)]


async def test_a_mistake_in_the_speech_is_not_the_converters_failure() -> None:
    """Only what an engine or a converter may fail with is passed by."""
    for error in (TextTimeout(), BadSetting("No."), ZeroDivisionError()):
        with pytest.raises(type(error)):
            await through(stage(gain(hold=10)), tone(0.1), error)


# The engine fails


@pytest.mark.parametrize("options", [{}, {"hold": 10}, STEREO_16])
@pytest.mark.parametrize("speech", [(), (tone(0.1), tone(0.1))])
async def test_an_engines_failure_is_not_taken_for_the_converters(options: dict[str, int], speech: tuple[bytes, ...]) -> None:
    converter = gain(**options)
    error = EngineError("The engine stumbled.")
    told: list[ConvertedEvent] = []
    with pytest.raises(EngineError) as raised:
        await collect(stage(converter), told, *speech, error)
    assert raised.value is error
    assert not any(isinstance(event, Notice) for event in told)
    assert [event.what for event in converter.journal] == ["started", "failed"]


async def test_an_engine_that_fails_while_the_converter_connects_is_told_at_once() -> None:
    """As `sami` does it: the connection is made by one task, while another takes the speech."""

    async def connects(pcm: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
        connecting = asyncio.create_task(asyncio.Event().wait())
        try:
            async for piece in pcm:
                await connecting
                yield piece
        finally:
            connecting.cancel()
            await asyncio.wait([connecting])

    with pytest.raises(EngineError, match="stumbled"):
        await through(stage(Scripted(connects)), EngineError("The engine stumbled."))


async def test_an_engine_that_fails_after_its_converter_ends_the_reply_behind_its_audio() -> None:
    told: list[ConvertedEvent] = []
    with pytest.raises(EngineError, match="stumbled"):
        await collect(stage(Scripted(refuses_the_second)), told, *[tone(0.1)] * 3, EngineError("The engine stumbled."))
    assert isinstance(told[0], Notice)
    assert pcm(told) == tone(0.1) * 3


# The end


@pytest.mark.parametrize("play", [refuses_the_second, breaks_off])
async def test_speech_that_a_converter_left_as_it_was_is_closed(play: object) -> None:
    """Nothing is left to the garbage collector: it would start a task for it at some time."""
    converter = Scripted(play)  # type: ignore[arg-type]  # one of two
    async with aclosing(stage(converter).events(engine(*[tone(0.1)] * 3))) as events:
        await anext(events)
    assert isinstance(converter.given, AsyncGenerator)
    with pytest.raises(StopAsyncIteration):
        await anext(converter.given)


async def test_closing_it_closes_the_engine_and_the_converter_first() -> None:
    ended: list[str] = []

    async def speaking() -> AsyncGenerator[bytes, None]:
        try:
            while True:
                yield tone(0.1)
                await asyncio.sleep(0)
        finally:
            await asyncio.sleep(0)  # whoever is told upstream
            ended.append("engine")

    async def converting(pcm: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
        try:
            async for piece in pcm:
                yield piece
        finally:
            await asyncio.sleep(0)
            ended.append("converter")

    events = stage(Scripted(converting)).events(speaking())
    await anext(events)
    await events.aclose()
    assert sorted(ended) == ["converter", "engine"]


async def test_closing_it_before_it_has_begun_starts_nothing() -> None:
    converter = gain()
    events = stage(converter).events(engine(tone(0.1)))
    await events.aclose()
    assert not converter.journal
