"""A reply that was made before is heard again; what may not be heard again never is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wyoming_server.channel import Channel
from wyoming_server.engines.base import EngineEvent, Utterance
from wyoming_server.engines.tone import ToneEngine
from wyoming_server.errors import BadSetting, EngineError, HeraldError
from wyoming_server.models import (
    AudioFormat,
    Capabilities,
    ConverterChoice,
    FormatWish,
    Mark,
    Notice,
    ReplyStart,
    TextFormat,
    VoiceSettings,
)
from wyoming_server.progress import Progress

from ...converters.cases import new_converter
from ...engines.cases import new_engine
from ..converting import TONE, pcm, text_of
from ..test_synthesis import VOICE as PLAYER
from ..test_synthesis import Player
from .keeping import SPOKEN_ONCE, TEXT, Kitchen, kitchen, stored


async def test_the_same_is_heard_again_with_its_marks_and_the_engine_is_not_asked(tmp_path: Path) -> None:
    async with kitchen(tmp_path) as room:
        first, again = await room.heard(), await room.heard()
        assert pcm(again) == pcm(first)
        assert marks(again) == marks(first) != []
        assert again[0] == first[0]
        assert room.tally == SPOKEN_ONCE
    async with kitchen(tmp_path) as room:  # another process, another day
        assert pcm(await room.heard()) == pcm(first)
        assert room.tally == {}
        assert (room.store.counts.hits, room.store.counts.misses) == (1, 0)


async def test_what_is_heard_again_costs_nothing(tmp_path: Path) -> None:
    async with kitchen(tmp_path) as room:
        progress = Progress()
        await room.heard(progress=progress)
        assert progress.characters == len(TEXT)
        progress = Progress()
        await room.heard(progress=progress)
        assert (progress.characters, progress.voice, progress.engine) == (0, "t", "tone")
        assert progress.audio_seconds > 0


@pytest.mark.parametrize("wish", [FormatWish(rate=8_000), FormatWish(rate=16_000, channels=2), FormatWish(rate=48_000)])
async def test_each_hears_it_in_a_format_and_at_a_volume_and_a_speed_of_its_own(tmp_path: Path, wish: FormatWish) -> None:
    async with kitchen(tmp_path / "one") as room, kitchen(tmp_path / "other") as fresh:
        await room.heard()
        wishes: list[dict[str, Any]] = [{}, {"volume": 25}, {"speed": 2}]
        for options in wishes:
            assert pcm(await room.heard(wish=wish, **options)) == pcm(await fresh.heard(wish=wish, cache=False, **options))
        assert room.tally == SPOKEN_ONCE


async def test_at_one_moment_each_hears_it_at_a_volume_of_its_own(tmp_path: Path) -> None:
    async with kitchen(tmp_path) as room:
        loud, half = await asyncio.gather(room.heard(), room.heard(volume=25))
        assert np.abs(samples(half) - samples(loud) / 2).max() <= 1
        assert room.tally == SPOKEN_ONCE


@pytest.mark.parametrize(
    "other",
    [
        {"text": "One sentence. And another!"},
        {"frequency": 880},
        {"voice": replace(TONE, engine_voice="other")},
        {"voice": replace(TONE, languages=("de-DE",))},
        {"voice": replace(TONE, settings=VoiceSettings(extras={"frequency": 880}))},
        {"converter": "gain/half"},
        {"voice": replace(TONE, converter=ConverterChoice(converter="gain", speaker="loud"))},
    ],
)
async def test_whatever_shapes_the_sound_makes_it_another(tmp_path: Path, other: dict[str, Any]) -> None:
    async with kitchen(tmp_path, new_converter("gain")) as room:
        await room.heard()
        await room.heard(**other)
        assert room.store.counts.misses == 2
        assert (await room.store.entries())[0].voice == "t"


async def test_a_changed_engine_never_replays(tmp_path: Path) -> None:
    async with kitchen(tmp_path) as room:
        await room.heard()
    async with kitchen(tmp_path, frequency=880) as room:
        await room.heard()
        assert room.tally == SPOKEN_ONCE
    async with kitchen(tmp_path, concurrency=3) as room:  # which nobody hears
        await room.heard()
        assert room.tally == {}


async def test_a_text_that_is_spoken_alike_is_the_same(tmp_path: Path) -> None:
    async with kitchen(tmp_path) as room:
        await room.heard()
        await room.heard("**One** sentence. And another.", voice=replace(TONE, even_loudness=False))
        assert room.tally == SPOKEN_ONCE


async def test_what_a_voice_said_is_forgotten_under_its_own_name(tmp_path: Path) -> None:
    """Even where another of the same sound had said it first."""
    async with kitchen(tmp_path) as room:
        alias = replace(TONE, name="alias")
        await room.heard()
        await room.heard(voice=alias)
        assert await room.store.clear(voice="alias") == 1
        await room.heard(voice=alias)
        assert room.tally == {"started": 6, "finished": 6}


class Updated(ToneEngine):
    """One whose service is updated."""

    version = "1"

    def sound_of(self, voice_id: str) -> str:
        return self.version


async def test_what_was_being_made_while_its_maker_changed_is_not_kept(tmp_path: Path) -> None:
    async with stored(tmp_path) as store:
        engine = Updated("tone", new_engine("tone", per_character=0.02).options)
        room = Kitchen(store, engine)
        speech = room.synthesizer.speak(room.synthesizer.request(TONE, {}), text_of([TEXT]))
        async with aclosing(speech):
            async for event in speech:
                if isinstance(event, bytes):
                    engine.version = "2"
        await store.written()
        assert not await store.entries()
        await room.heard()
        assert len(await store.entries()) == 1


@pytest.mark.parametrize("off", [{"cache": False}, {"voice": replace(TONE, cache=False)}])
async def test_a_voice_or_a_call_may_do_without(tmp_path: Path, off: dict[str, Any]) -> None:
    async with kitchen(tmp_path) as room:
        await room.heard(**off)
        assert not await room.store.entries()
        await room.heard()
        await room.heard(**off)
        assert room.tally == {"started": 6, "finished": 6}
        assert room.store.counts.hits == 0


@pytest.mark.parametrize("name", ["cache", "fallback", "speakable_text"])
@pytest.mark.parametrize("value", ["no", 1, {}, ""])
async def test_the_option_is_true_or_false(tmp_path: Path, name: str, value: Any) -> None:
    async with kitchen(tmp_path) as room:
        with pytest.raises(BadSetting, match=f"{name} is true or false, not"):
            await room.heard(**{name: value})


# Text


async def test_a_text_that_is_still_being_written_is_not_kept(tmp_path: Path) -> None:
    async with kitchen(tmp_path) as room:
        text: Channel[str] = Channel()
        text.push("One sentence. And ")
        hearing = asyncio.create_task(room.heard(text))
        await started(room)
        text.push("another.")
        text.end()
        whole = await hearing
        assert not await room.store.entries()
        assert pcm(await room.heard()) == pcm(whole)
        assert room.store.counts.misses == 1


async def test_a_stream_that_has_ended_is_a_whole_text(tmp_path: Path) -> None:
    async with kitchen(tmp_path) as room:
        await room.heard()
        text: Channel[str] = Channel()
        for part in ("One ", "sentence. ", "And another."):
            text.push(part)
        text.end()
        await room.heard(text)
        await room.heard(text_of(["One sentence.", "", " And another."]))
        assert room.store.counts.hits == 2


async def test_a_text_that_breaks_off_fails_as_it_would_without_a_cache(tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[str]:
        yield "One sentence. "
        raise HeraldError

    async with kitchen(tmp_path) as room:
        with pytest.raises(HeraldError):
            await room.heard(broken())
        assert not await room.store.entries()


async def test_a_long_text_is_spoken_and_not_kept(tmp_path: Path) -> None:
    async with kitchen(tmp_path) as room:
        text = "Words and words. " * 12
        events = await room.heard(text_of(text[start : start + 30] for start in range(0, len(text), 30)))
        assert len(pcm(events)) == len(pcm(await room.heard(text)))
        assert not await room.store.entries()
        assert room.store.counts.misses == 0


@pytest.mark.parametrize("text", ["", " \n", "***"])
async def test_a_text_with_nothing_to_say_is_not_kept(tmp_path: Path, text: str) -> None:
    async with kitchen(tmp_path) as room:
        assert pcm(await room.heard(text))
        assert not await room.store.entries()


async def test_a_text_that_is_read_as_it_is_has_its_own_entry(tmp_path: Path) -> None:
    engine = Player()
    async with stored(tmp_path) as store:
        room = Kitchen(store, engine)
        await room.heard("**One**", voice=PLAYER)
        await room.heard("**One**", voice=replace(PLAYER, speakable_text=False))
        assert engine.given == ["One", "**One**"]
        await room.heard("**One**", voice=replace(PLAYER, speakable_text=False))
        await room.heard("**One**", voice=PLAYER, speakable_text=False)
        await room.heard("**One**", voice=replace(PLAYER, speakable_text=False), speakable_text=True)
        assert len(engine.given) == 2


# What is cut short


async def test_an_interrupted_reply_is_not_kept(tmp_path: Path) -> None:
    async with kitchen(tmp_path, pace=1) as room:
        async with aclosing(room.synthesizer.speak(room.synthesizer.request(TONE, {}), text_of([TEXT]))) as events:
            async for event in events:
                if isinstance(event, bytes):
                    break
        await room.store.written()
        assert not await room.store.entries()
        assert room.tally["cancelled"] == room.tally["started"] > 0


async def test_a_failed_reply_is_not_kept_and_fails_for_everybody(tmp_path: Path) -> None:
    async with kitchen(tmp_path) as room:
        both = await asyncio.gather(*(room.heard(fail_at=0.1, pace=2) for _ in range(2)), return_exceptions=True)
        assert [type(error) for error in both] == [EngineError, EngineError]
        assert room.tally["failed"] == 1
        assert not await room.store.entries()


async def test_a_reply_whose_converter_was_bypassed_is_not_kept(tmp_path: Path) -> None:
    async with kitchen(tmp_path, new_converter("gain")) as room:
        events = await room.heard(converter={"type": "gain", "speaker": "half", "fail_at": 0})
        assert any(isinstance(event, Notice) for event in events)
        assert not await room.store.entries()


async def test_a_converted_reply_is_heard_again_as_it_was(tmp_path: Path) -> None:
    async with kitchen(tmp_path, new_converter("gain")) as room:
        first, again = await room.heard(converter="gain/half"), await room.heard(converter="gain/half")
        assert pcm(first) == pcm(again)
        assert room.tally == SPOKEN_ONCE


# At one moment


async def test_requests_at_one_moment_are_synthesised_once(tmp_path: Path) -> None:
    async with kitchen(tmp_path, pace=20) as room:
        heard = await asyncio.gather(*(room.heard() for _ in range(10)))
        assert len({pcm(events) for events in heard}) == 1
        assert all(marks(events) == marks(heard[0]) for events in heard)
        assert room.tally == SPOKEN_ONCE
        counts = room.store.counts
        assert (counts.misses, counts.shared, counts.hits, counts.stored) == (1, 9, 0, 1)


@pytest.mark.parametrize("leaver", [0, 1])
async def test_one_who_leaves_does_not_stop_the_other(tmp_path: Path, leaver: int) -> None:
    async with kitchen(tmp_path, pace=10) as room:
        progress = [Progress(), Progress()]
        both = [asyncio.create_task(room.heard(progress=one)) for one in progress]
        await started(room)
        both[leaver].cancel()
        whole = await both[1 - leaver]
        assert room.tally == SPOKEN_ONCE
        assert pcm(await room.heard()) == pcm(whole)
        assert room.store.counts.hits == 1
        assert sum(one.characters for one in progress) == len(TEXT)
        with pytest.raises(asyncio.CancelledError):
            await both[leaver]


async def test_the_last_who_leaves_stops_the_engine(tmp_path: Path) -> None:
    async with kitchen(tmp_path, pace=1) as room:
        both = [asyncio.create_task(room.heard()) for _ in range(2)]
        await started(room)
        for one in both:
            one.cancel()
        await asyncio.wait(both)
        assert room.tally["cancelled"] == room.tally["started"] > 0


async def test_a_shared_reply_is_kept_and_heard_again(tmp_path: Path) -> None:
    async with kitchen(tmp_path) as room:
        await asyncio.gather(*(room.heard(share="dinner", volume=volume) for volume in (50, 25)))
        await room.heard(share="supper")
        assert room.tally == SPOKEN_ONCE
        assert room.store.counts.hits == 1


# The engine's rate and volume


class Choosy(Player):
    """Makes 24 kHz, or 48 where that is wanted, and a volume of its own."""

    capabilities = Capabilities(settings=frozenset({"volume"}), text_formats=frozenset(TextFormat))

    def native_format(self, utterance: Utterance) -> AudioFormat:
        return AudioFormat(rate=48_000 if (utterance.rate or 0) > 24_000 else 24_000)

    async def speak_sentence(self, text: str, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        self.given.append(f"{utterance.rate} {utterance.settings.volume}")
        yield bytes([1, 1] * (self.native_format(utterance).rate // 2))


async def test_only_who_wants_more_than_the_engines_own_rate_gets_another_entry(tmp_path: Path) -> None:
    engine = Choosy()
    async with stored(tmp_path) as store:
        room = Kitchen(store, engine)
        for rate in (None, 8_000, 24_000, 44_100, 44_100, None):
            start = (await room.heard(voice=PLAYER, wish=FormatWish(rate=rate)))[0]
            assert isinstance(start, ReplyStart)
            assert start.format.rate == (rate or 24_000)
        assert engine.given == ["None None"] * 2 + ["44100 None"] * 2


async def test_a_volume_that_the_engine_makes_is_part_of_the_sound(tmp_path: Path) -> None:
    engine = Choosy()
    async with stored(tmp_path) as store:
        room = Kitchen(store, engine)
        for volume in (25, 50, 25):
            await room.heard("One.", voice=PLAYER, volume=volume)
        assert engine.given == ["None 25.0", "None 50.0"]


async def test_ssml_and_the_same_as_text_are_two(tmp_path: Path) -> None:
    engine = Choosy()
    async with stored(tmp_path) as store:
        room = Kitchen(store, engine)
        for text_format in TextFormat:
            await room.heard("One.", voice=PLAYER, text_format=text_format)
        assert len(await store.entries()) == 2


async def test_the_loudness_of_a_voice_is_learned_from_the_engine_alone(tmp_path: Path) -> None:
    engine = Player()
    async with stored(tmp_path) as store:
        room = Kitchen(store, engine)
        first = await room.heard(voice=PLAYER)
        learned = room.loudness.gain("player/p")
        await room.heard(voice=PLAYER)
        assert room.loudness.gain("player/p") == learned
        assert len(pcm(await room.heard(voice=PLAYER))) == len(pcm(first))


def marks(events: list[Any]) -> list[Mark]:
    return [event for event in events if isinstance(event, Mark)]


def samples(events: list[Any]) -> Any:
    return np.frombuffer(pcm(events), "<i2").astype(float)


async def started(room: Kitchen) -> None:
    async with asyncio.timeout(5):
        while not room.tally["started"]:  # noqa: ASYNC110  # the journal tells nobody
            await asyncio.sleep(0.001)
