"""What every engine owes its callers, run on every registered engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing

import pytest

from wyoming_server.engines.base import DONE_BY_HERALD, Engine, Utterance
from wyoming_server.engines.registry import ENGINES
from wyoming_server.errors import BadSetting, EngineUnavailable
from wyoming_server.models import Mark, MarkKind, TextFormat, VoiceSettings

from .cases import CASES

SENTENCES = [
    "The kettle is boiling now. ",
    "Somebody should take it off the stove, before the whole kitchen is full of steam. ",
    "Thank you.",
]
TEXT = "".join(SENTENCES)
LONG = TEXT * 20

pytestmark = pytest.mark.usefixtures("no_process_is_left")


@pytest.fixture(params=CASES)
async def engine(request: pytest.FixtureRequest, no_process_is_left: None) -> AsyncIterator[Engine]:
    async with CASES[request.param]() as engine:
        yield engine


async def fragments(parts: Iterable[str]) -> AsyncIterator[str]:
    for part in parts:
        yield part


async def first_voice(engine: Engine) -> Utterance:
    voices = await engine.voices()
    voice = next((voice for voice in voices if voice.language.startswith("en")), voices[0])
    return Utterance(voice=voice.engine_voice, language=voice.language)


async def spoken(engine: Engine, parts: Iterable[str], utterance: Utterance | None = None) -> tuple[bytes, list[Mark]]:
    """All audio and all marks of one reply."""
    audio, marks = bytearray(), []
    async for event in engine.speak(fragments(parts), utterance or await first_voice(engine)):
        if isinstance(event, Mark):
            marks.append(event)
        elif isinstance(event, bytes):
            audio += event
    return bytes(audio), marks


def about_equal(one: bytes, other: bytes) -> bool:
    """The same speech: some engines' output differs by a few samples from call to call."""
    return len(one) > 0 and abs(len(one) - len(other)) <= 0.02 * len(one)


def test_every_registered_engine_has_a_case() -> None:
    assert {name.partition(" ")[0] for name in CASES} == set(ENGINES)


async def test_its_voices_have_names_of_their_own_and_languages(engine: Engine) -> None:
    voices = await engine.voices()
    assert voices
    assert len({voice.engine_voice for voice in voices}) == len(voices)
    assert all(voice.languages for voice in voices)
    assert {voice.engine for voice in voices} == {engine.name}
    assert await engine.voices() == voices


async def test_text_becomes_whole_frames_of_the_format_it_promised(engine: Engine) -> None:
    audio, _ = await spoken(engine, [TEXT])
    native = engine.native_format(await first_voice(engine))
    assert len(audio) % native.frame_size == 0
    assert native.seconds(len(audio)) > 0.5
    assert any(audio)


async def test_marks_tie_the_audio_to_the_text_in_order(engine: Engine) -> None:
    audio, marks = await spoken(engine, [TEXT])
    length = engine.native_format(await first_voice(engine)).seconds(len(audio))
    starts = [mark for mark in marks if mark.kind is MarkKind.SENTENCE_START]
    ends = [mark for mark in marks if mark.kind is MarkKind.SENTENCE_END]
    assert starts
    assert len(starts) == len(ends)
    assert [mark.time for mark in marks] == sorted(mark.time for mark in marks)
    assert starts[0].time == 0
    assert ends[-1].time == pytest.approx(length, abs=0.001)
    assert all(TEXT[mark.start : mark.end] == mark.text for mark in starts + ends)
    assert "".join(mark.text for mark in starts).replace(" ", "") == TEXT.replace(" ", "")
    assert all(TEXT[mark.start : mark.end].strip() for mark in marks)


async def test_fragments_sound_like_the_whole_text(engine: Engine) -> None:
    whole, _ = await spoken(engine, [TEXT])
    in_words, _ = await spoken(engine, [f"{word} " for word in TEXT.split()])
    assert about_equal(whole, in_words)


@pytest.mark.parametrize("parts", [[], [""], ["  \n"], ["... !"], ["—"]])
async def test_text_with_nothing_to_say_is_no_error(engine: Engine, parts: list[str]) -> None:
    audio, _ = await spoken(engine, parts)
    assert len(audio) < engine.native_format(await first_voice(engine)).size(0.5)


async def test_a_cancel_before_the_first_audio_leaves_it_ready(engine: Engine) -> None:
    expected, _ = await spoken(engine, [TEXT])
    for steps in range(8):
        task = asyncio.create_task(spoken(engine, [LONG]))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    audio, _ = await spoken(engine, [TEXT])
    assert about_equal(expected, audio)


async def test_closing_it_mid_audio_leaves_it_ready(engine: Engine) -> None:
    expected, _ = await spoken(engine, [TEXT])
    async with aclosing(engine.speak(fragments([LONG]), await first_voice(engine))) as events:
        async for event in events:
            if isinstance(event, bytes):
                break
    audio, _ = await spoken(engine, [TEXT])
    assert about_equal(expected, audio)


async def test_closing_it_after_the_end_is_nothing(engine: Engine) -> None:
    events = engine.speak(fragments([SENTENCES[0]]), await first_voice(engine))
    assert [event async for event in events]
    await events.aclose()


async def test_text_that_fails_ends_the_reply_with_that_error(engine: Engine) -> None:
    class NoMoreTextError(Exception):
        pass

    async def failing() -> AsyncIterator[str]:
        yield TEXT
        raise NoMoreTextError

    with pytest.raises(NoMoreTextError):
        async for _ in engine.speak(failing(), await first_voice(engine)):
            pass


async def test_many_at_once_each_get_their_own_speech(engine: Engine) -> None:
    alone = [await spoken(engine, [text]) for text in SENTENCES]
    together = await asyncio.gather(*(spoken(engine, [text]) for text in SENTENCES * 4))
    for index, (audio, marks) in enumerate(together):
        expected, expected_marks = alone[index % len(SENTENCES)]
        assert about_equal(expected, audio)
        assert [mark.text for mark in marks] == [mark.text for mark in expected_marks]


async def test_closing_the_engine_ends_a_reply_in_words(engine: Engine) -> None:
    events = engine.speak(fragments([LONG]), await first_voice(engine))
    assert await anext(events)
    await engine.aclose()
    with pytest.raises(EngineUnavailable):
        async for _ in events:
            pass


async def test_a_closed_engine_refuses_in_words(engine: Engine) -> None:
    utterance = await first_voice(engine)
    await engine.aclose()
    await engine.aclose()
    with pytest.raises(EngineUnavailable):
        await spoken(engine, [TEXT], utterance)


async def test_it_takes_what_it_says_it_takes_and_refuses_the_rest(engine: Engine) -> None:
    voice = (await first_voice(engine)).voice
    can = engine.capabilities_of(voice, VoiceSettings())
    some = {"speed": 1.5, "pitch": 2.0, "volume": 60.0, "emotion": "happy", "emotion_scale": 2.0, "instructions": "Whisper."}
    for name, value in some.items():
        settings = VoiceSettings.parse({name: value})
        if name in can.settings | DONE_BY_HERALD:
            engine.check_request(settings, TextFormat.TEXT, voice)
        else:
            with pytest.raises(BadSetting, match=name):
                engine.check_request(settings, TextFormat.TEXT, voice)
    with pytest.raises(BadSetting, match="no_such_setting"):
        engine.check_request(VoiceSettings.parse({"no_such_setting": 1}), TextFormat.TEXT, voice)
