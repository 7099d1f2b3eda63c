"""A chime before a reply: joined to the sample, while the engine thinks; and gone with it when it is interrupted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from wyoming_server.engines.base import Engine, EngineEvent, Utterance
from wyoming_server.engines.tone import ToneEngine
from wyoming_server.errors import BadSetting, EngineError, UnknownChime
from wyoming_server.models import AudioFormat, FormatWish, Mark, ReplyStart, Voice
from wyoming_server.progress import Progress
from wyoming_server.roster import Roster
from wyoming_server.synthesis import ReplyEvent, Synthesizer
from wyoming_server.synthesis.chimes import ChimeStore
from wyoming_server.synthesis.loudness import LoudnessStore

from ..engines.cases import new_engine
from .converting import TONE, pcm, text_of
from .test_chimes import SECONDS, digest, stored, wav
from .test_synthesis import VOICE, Player, collect

NATIVE = FormatWish()


def synthesizer(store: ChimeStore, engine: Engine, loudness: LoudnessStore | None = None) -> Synthesizer:
    return Synthesizer(Roster.of({engine.name: engine}), loudness or LoudnessStore(), Roster.of({}), store)


async def reply(
    synth: Synthesizer, voice: Voice, *, wish: FormatWish = NATIVE, progress: Progress | None = None, **options: Any
) -> list[ReplyEvent]:
    request = synth.request(voice, options, wish=wish)
    return [event async for event in synth.speak(request, text_of(["One sentence. And two."]), progress)]


def format_of(events: list[ReplyEvent]) -> AudioFormat:
    start = events[0]
    assert isinstance(start, ReplyStart)
    return start.format


def no_task_is_left() -> bool:
    return asyncio.all_tasks() == {asyncio.current_task()}


WISHES = [FormatWish(), FormatWish(rate=16_000), FormatWish(rate=44_100, channels=2), FormatWish(rate=32_000, channels=2)]


@pytest.mark.parametrize("wish", WISHES)
@pytest.mark.parametrize("voice", [TONE, VOICE], ids=["tone", "speech behind silence"])
async def test_the_speech_is_right_behind_the_chime_to_the_sample(voice: Voice, wish: FormatWish, tmp_path: Path) -> None:
    engine = Player() if voice is VOICE else new_engine("tone", per_character=0.01)
    store = await stored(tmp_path, wav())
    synth = synthesizer(store, engine)
    plain = await reply(synth, voice, wish=wish)
    chimed = await reply(synth, voice, wish=wish, chime=digest(wav()).upper())
    audio = format_of(chimed)
    assert format_of(plain) == audio
    assert pcm(chimed) == await store.pcm(digest(wav()), audio) + pcm(plain)
    assert no_task_is_left()


async def test_marks_count_from_the_chimes_first_frame(tmp_path: Path) -> None:
    synth = synthesizer(await stored(tmp_path, wav()), Player())
    plain, chimed = await reply(synth, VOICE), await reply(synth, VOICE, chime=digest(wav()))
    times = [[event.time for event in events if isinstance(event, Mark)] for events in (plain, chimed)]
    assert times[1] == pytest.approx([time + SECONDS for time in times[0]])
    assert times[1]


async def test_the_chime_is_counted(tmp_path: Path) -> None:
    progress = Progress()
    synth = synthesizer(await stored(tmp_path, wav()), new_engine("tone", per_character=0.01))
    events = await reply(synth, TONE, chime=digest(wav()), progress=progress)
    assert progress.audio_seconds == pytest.approx(format_of(events).seconds(len(pcm(events))))


class Gated(ToneEngine):
    """Says when it is asked, and speaks when it is let."""

    def __init__(self) -> None:
        made = new_engine("tone", per_character=0.01)
        super().__init__(made.name, made.options)
        self.asked, self.gate = asyncio.Event(), asyncio.Event()

    async def speak_sentence(self, text: str, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        self.asked.set()
        await self.gate.wait()
        async with aclosing(super().speak_sentence(text, utterance)) as events:
            async for event in events:
                yield event


async def test_the_engine_thinks_while_the_chime_is_heard(tmp_path: Path) -> None:
    engine = Gated()
    synth = synthesizer(await stored(tmp_path, wav()), engine)
    request = synth.request(TONE, {"chime": digest(wav())})
    async with asyncio.timeout(5), aclosing(synth.speak(request, text_of(["Hello there."]))) as events:
        assert isinstance(await anext(events), ReplyStart)
        first = await anext(events)
        await engine.asked.wait()  # nobody has read any further
        assert isinstance(first, bytes)
        assert not engine.gate.is_set()
        engine.gate.set()
        rest = [event async for event in events]
    assert len(first + pcm(rest)) == AudioFormat(rate=22_050).size(SECONDS) + AudioFormat(rate=22_050).size(0.12)


async def test_the_first_audio_is_the_engines_whether_it_is_made_before_the_chime_is_heard_or_after(tmp_path: Path) -> None:
    engine, progress, speaks = Gated(), Progress(), asyncio.Event()
    progress.on_first_audio = speaks.set
    synth = synthesizer(await stored(tmp_path, wav()), engine)
    request = synth.request(TONE, {"chime": digest(wav())})
    async with asyncio.timeout(5), aclosing(synth.speak(request, text_of(["Hello there."]), progress)) as events:
        await anext(events)
        await anext(events)
        assert (progress.asked, progress.first_audio, progress.audio_seconds > 0) == (True, None, True)
        engine.gate.set()
        await speaks.wait()  # nobody has read any further
        at = progress.first_audio
        assert [event async for event in events]
    assert progress.first_audio == at


async def test_an_interrupt_while_the_chime_is_heard_cancels_the_engine(tmp_path: Path) -> None:
    engine = new_engine("tone", delay=3600)
    assert isinstance(engine, ToneEngine)
    synth = synthesizer(await stored(tmp_path, wav()), engine)
    request = synth.request(TONE, {"chime": digest(wav())})
    events = synth.speak(request, text_of(["Hello."]))
    await anext(events)
    await anext(events)
    while not engine.journal:  # noqa: ASYNC110  # it tells nobody
        await asyncio.sleep(0)
    await events.aclose()
    assert [event.what for event in engine.journal] == ["started", "cancelled"]
    assert no_task_is_left()


async def test_a_reader_that_is_cancelled_at_any_moment_leaves_nothing_behind(tmp_path: Path) -> None:
    store = await stored(tmp_path, wav())
    await store.pcm(digest(wav()), AudioFormat(rate=22_050))
    for turns in range(60):
        engine = new_engine("tone", per_character=0.01, stall_at=0.05)
        assert isinstance(engine, ToneEngine)
        reading = asyncio.create_task(reply(synthesizer(store, engine), TONE, chime=digest(wav())))
        for _ in range(turns):
            await asyncio.sleep(0)
        reading.cancel()
        await asyncio.wait([reading])
        told = [event.what for event in engine.journal]
        assert told.count("started") == told.count("cancelled")
        assert no_task_is_left()


async def test_a_failure_comes_after_the_chime(tmp_path: Path) -> None:
    store = await stored(tmp_path, wav())
    synth = synthesizer(store, new_engine("tone", fail_at=0))
    request = synth.request(TONE, {"chime": digest(wav())})
    audio: list[bytes] = []
    with pytest.raises(EngineError, match="as its script says"):
        await collect(synth.speak(request, text_of(["Hello."])), audio)
    assert b"".join(audio) == await store.pcm(digest(wav()), AudioFormat(rate=22_050))
    assert no_task_is_left()


async def test_the_calls_volume_is_for_the_chime_too_and_the_voices_gain_is_not(tmp_path: Path) -> None:
    store, loudness = await stored(tmp_path, wav()), LoudnessStore()
    synth, audio = synthesizer(store, Player(), loudness), AudioFormat(rate=24_000)
    for _ in range(3):
        await reply(synth, VOICE)
    assert loudness.gain("player/p") > 2
    size = audio.size(SECONDS)
    assert pcm(await reply(synth, VOICE, chime=digest(wav())))[:size] == await store.pcm(digest(wav()), audio)
    quiet = pcm(await reply(synth, VOICE, chime=digest(wav()), volume=25))[:size]
    assert quiet == await store.pcm(digest(wav()), audio, 25)


async def test_a_long_chime_is_handed_on_in_steps(tmp_path: Path) -> None:
    file = wav(AudioFormat(rate=8_000), 2.1)
    store = await stored(tmp_path, file)
    events = await reply(synthesizer(store, new_engine("tone", per_character=0.01)), TONE, chime=digest(file))
    sizes = [len(event) for event in events if isinstance(event, bytes)][:9]
    assert [format_of(events).seconds(size) for size in sizes] == pytest.approx([0.25] * 8 + [0.1], abs=1e-3)


@pytest.mark.parametrize("none", [None, "", "none", False])
async def test_no_chime_may_be_said_in_several_ways(none: Any, tmp_path: Path) -> None:
    synth = synthesizer(await stored(tmp_path, wav()), new_engine("tone"))
    assert synth.request(TONE, {"chime": none}).chime == ""


async def test_a_chime_that_is_not_there_is_refused_before_anything_is_spoken(tmp_path: Path) -> None:
    store, engine = await stored(tmp_path, wav()), new_engine("tone")
    assert isinstance(engine, ToneEngine)
    synth = synthesizer(store, engine)
    with pytest.raises(UnknownChime, match="There is no chime 'abc'"):
        synth.request(TONE, {"chime": "abc"})
    with pytest.raises(BadSetting, match="chime is the SHA-256 of a stored chime, in hex, or none, not 5"):
        synth.request(TONE, {"chime": 5})
    request = synth.request(TONE, {"chime": digest(wav())})
    await store.remove(digest(wav()))
    with pytest.raises(UnknownChime):
        await anext(synth.speak(request, text_of(["Hello."])))
    assert not engine.journal


async def test_a_chime_that_is_damaged_ends_the_reply_in_words_and_the_engine(tmp_path: Path) -> None:
    store, engine = await stored(tmp_path, wav()), new_engine("tone", delay=3600)
    (tmp_path / digest(wav())).write_bytes(b"")
    with pytest.raises(UnknownChime, match="damaged"):
        await reply(synthesizer(store, engine), TONE, chime=digest(wav()))
    assert no_task_is_left()


async def test_the_options_are_those_of_every_voice(tmp_path: Path) -> None:
    synth = synthesizer(ChimeStore(tmp_path), new_engine("tone"))
    assert synth.setting_names(TONE) >= {"chime", "share", "converter", "speed"}
