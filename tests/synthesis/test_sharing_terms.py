"""What those who share a synthesis must have in common, what of it they may not, and what it may take."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wyoming_server.channel import Channel
from wyoming_server.engines.base import EngineEvent, Utterance
from wyoming_server.engines.tone import ToneEngine
from wyoming_server.errors import BadSetting, Busy, ShareConflict, TextTimeout, TooLarge
from wyoming_server.models import Capabilities, FormatWish, TextFormat, Voice
from wyoming_server.synthesis.chimes import ChimeStore
from wyoming_server.synthesis.loudness import LoudnessStore
from wyoming_server.synthesis.sharing.shares import Limits

from ..converters.cases import new_converter
from ..engines.cases import new_engine
from .converting import TONE, text_of
from .sharing import SPOKEN_ONCE, TEXT, WISHES, House, alone, failures, no_task_is_left, rest, tone_house
from .test_chimes import digest, stored, wav
from .test_synthesis import VOICE, Player

# What must be the same


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"speed": 2}, "another settings"),
        ({"frequency": 880}, "another settings"),
        ({"converter": "gain/half"}, "another converter"),
        ({"voice": Voice(name="x", engine="tone", engine_voice="other", languages=("en-US",))}, "another voice"),
        (
            {"voice": Voice(name="x", engine="tone", engine_voice="tone", languages=("de",)), "speed": 2},
            "voice and another settings",
        ),
        (
            {"voice": Voice(name="x", engine="tone", engine_voice="tone", languages=("en-US",), speakable_text=False)},
            "another text format",
        ),
        ({"speakable_text": False}, "another text format"),
    ],
)
async def test_who_wants_something_else_is_refused_and_nobody_is_disturbed(other: dict[str, Any], words: str) -> None:
    house = House(new_engine("tone", per_character=0.05), new_converter("gain"))
    first = house.room()
    await first.audio()
    with pytest.raises(ShareConflict, match=f"The share 'dinner' has another .*{words.removeprefix('another ')}"):
        await house.room(**other).rest()
    await first.rest()
    assert first.heard == await alone()


async def test_the_same_voice_under_another_name_is_the_same_and_the_volume_is_each_rooms_own() -> None:
    house = tone_house()
    alias = Voice(name="alias", engine="tone", engine_voice="tone", languages=("en-US",), description="Also known as")
    rooms = [house.room(), house.room(voice=alias, volume=25), house.room(volume=0)]
    await rest(*rooms)
    loud, half, silent = (np.frombuffer(room.pcm, "<i2") for room in rooms)
    assert np.abs(half - loud / 2).max() <= 1
    assert not silent.any()
    assert house.tally == SPOKEN_ONCE


async def test_a_volume_that_the_engine_could_make_is_made_by_herald_for_each_room() -> None:
    given: list[Utterance] = []

    class Volumes(Player):
        capabilities = Capabilities(settings=frozenset({"volume"}))

        async def speak_sentence(self, text: str, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
            given.append(utterance)
            async for event in super().speak_sentence(text, utterance):
                yield event

    house = House(Volumes())
    rooms = [house.room(voice=VOICE, text="One.", wish=FormatWish(rate=48_000), volume=volume) for volume in (10, 100)]
    await rest(*rooms)
    quiet, loud = (np.abs(np.frombuffer(room.pcm, "<i2")).max() for room in rooms)
    assert loud / quiet == pytest.approx(10, rel=0.02)
    assert [(one.settings.volume, one.rate) for one in given] == [(None, None)]


async def test_a_text_format_is_part_of_it() -> None:
    class Both(Player):
        capabilities = Capabilities(text_formats=frozenset(TextFormat))

    house = House(Both())
    first = house.room(voice=VOICE, text="One.")
    await first.some()
    request = house.synthesizer.request(VOICE, {"share": "dinner"}, text_format=TextFormat.SSML)
    with pytest.raises(ShareConflict, match="another text format"):
        await anext(house.synthesizer.speak(request, text_of(["One."])))
    await first.rest()


@pytest.mark.parametrize("text", ["Another text.", "One sentence.", TEXT + " More."])
async def test_another_text_is_refused_before_anything_is_heard(text: str) -> None:
    house = tone_house()
    for moment in ("while it is spoken", "when it is whole"):
        first = house.room()
        await first.audio()
        if moment == "when it is whole":
            await first.rest()
        other = house.room(text=text)
        with pytest.raises(ShareConflict, match="speaks another text"):
            await other.rest()
        assert other.heard == []
        await first.rest()
    assert house.tally == SPOKEN_ONCE


@pytest.mark.parametrize("share", [5, "x" * 257, "a\nb", ["a"], True])
def test_an_id_is_a_line_of_characters(share: Any) -> None:
    with pytest.raises(BadSetting, match="share is an id of 1 to 256 printable characters"):
        tone_house().request(share)


@pytest.mark.parametrize("share", ["x" * 256, "晚饭", "a b"])
def test_an_id_may_be_anything_printable(share: str) -> None:
    assert tone_house().request(share).share == share


# Text that is still being written


async def fed(channel: Channel[str], *fragments: str) -> None:
    for fragment in fragments:
        channel.push(fragment)
        for _ in range(20):
            await asyncio.sleep(0)


async def test_the_first_one_writes_and_the_others_hear_at_once() -> None:
    house, text, same = tone_house(), Channel[str](), Channel[str]()
    writer, listener, follower = house.room(text=text), house.room(text=""), house.room(text=same)
    for room in (writer, listener, follower):
        await room.some()
    await fed(text, "One sentence. ", "And")
    for room in (writer, listener, follower):
        await room.audio()
    await fed(text, " another.")
    text.end()
    await rest(writer, listener)
    assert writer.heard == listener.heard == await alone()
    following = asyncio.create_task(follower.rest())
    await fed(same, TEXT[:5], TEXT[5:])
    assert not following.done()  # its own text is still being written
    same.end()
    await following
    assert follower.heard == writer.heard


async def test_when_the_writer_leaves_the_next_one_goes_on_with_the_same_text() -> None:
    house, text, same = tone_house(), Channel[str](), Channel[str]()
    writer, follower, listener = house.room(text=text), house.room(text=same), house.room(text="")
    for room in (writer, follower, listener):
        await room.some()
    await fed(text, "One sentence. And ")
    await fed(same, "One sent")
    await writer.audio()
    await writer.leave()
    await fed(same, "ence. And another.")
    same.end()
    await rest(follower, listener)
    assert follower.heard == listener.heard == await alone()


async def test_when_nobody_is_left_who_writes_the_others_hear_what_was_written() -> None:
    house, text = tone_house(), Channel[str]()
    writer, listener = house.room(text=text), house.room(text="")
    await writer.some()
    await listener.some()
    await fed(text, "One sentence. And")
    await writer.leave()
    await listener.rest()
    assert listener.pcm == b"".join(event for event in await alone("One sentence. And") if isinstance(event, bytes))


async def test_a_text_that_does_not_go_on_fails_for_its_own_room_alone() -> None:
    async def stuck() -> AsyncIterator[str]:
        yield "One sentence. "
        raise TextTimeout("It was left open.")

    house = tone_house()
    rooms = [house.room(text=stuck()), house.room(), house.room(text=stuck())]
    errors = await failures(*rooms)
    assert [type(error).__name__ for error in errors] == ["TextTimeout", "NoneType", "TextTimeout"]
    assert rooms[1].heard == await alone()


# What it may take


async def test_nothing_is_made_far_ahead_of_the_fastest_and_the_slowest_holds_nobody_up() -> None:
    house = tone_house(Limits(ahead=4))
    fast, slow = house.room(), house.room()
    await slow.some()
    await fast.some(3)
    before = fast.format.size(0.02) * 2
    for _ in range(200):
        await asyncio.sleep(0)
    assert house.shares.size <= before + 8 * fast.format.size(0.02)
    assert "finished" not in house.told
    await fast.rest()
    assert house.tally == SPOKEN_ONCE
    assert len(slow.heard) == 1
    await slow.rest()
    assert slow.heard == fast.heard


async def test_when_the_fastest_leaves_the_next_one_is_waited_for() -> None:
    house = tone_house(Limits(ahead=2))
    fast, slow = house.room(), house.room()
    await slow.some()
    await fast.some(10)
    await fast.leave()
    await slow.rest()
    assert slow.heard == await alone()


async def test_there_are_only_so_many_and_those_that_are_only_kept_make_room() -> None:
    house = tone_house(Limits(shares=2))
    await house.room("kept").rest()
    one, two = house.room("one"), house.room("two")
    await one.some()
    await two.some()
    assert len(house.shares) == 2
    with pytest.raises(Busy, match="2 replies are shared already, and 2 are allowed"):
        await house.room("three").some()
    await house.room("one").rest()
    await one.rest()
    await house.room("three").rest()
    await two.rest()
    assert no_task_is_left()


async def test_one_that_grows_too_large_fails_in_words() -> None:
    house = tone_house(Limits(share_size=10_000))
    rooms = [house.room(text="One sentence."), house.room(text="One sentence.")]
    errors = await failures(*rooms)
    assert [type(error) for error in errors] == [TooLarge] * 2
    assert "may have 10000 bytes; this one has 10" in str(errors[0])
    assert {len(room.pcm) <= 10_000 for room in rooms} == {True}
    assert house.told == ["started", "cancelled"]
    assert house.shares.size == 0


async def test_all_together_may_take_so_much_and_those_that_are_only_kept_make_room() -> None:
    house = tone_house(Limits(total_size=150_000))
    await house.room("kept").rest()
    kept = house.shares.size
    assert 50_000 < kept < 75_000
    one, two = house.room("one"), house.room("two")
    await one.rest()
    await two.rest()
    assert house.shares.size == 2 * kept
    third, fourth = house.room("three"), house.room("four")
    await third.some()
    await fourth.some()
    assert await failures(third, fourth) == [None, None]
    assert house.shares.size <= 150_000


async def test_where_there_is_no_room_at_all_the_one_that_grows_fails() -> None:
    house = tone_house(Limits(total_size=100_000))
    slow = house.room("one")
    await slow.some()
    await house.room("one").rest()
    (error,) = await failures(house.room("two"))
    assert isinstance(error, Busy)
    assert "and 100000 are allowed" in str(error)
    await slow.rest()
    assert slow.heard == await alone()


# What is told of it


async def test_characters_are_counted_once_and_audio_for_every_room() -> None:
    house = tone_house()
    rooms = [house.room(), house.room(wish=WISHES[1])]
    await rest(*rooms)
    assert [room.progress.characters for room in rooms] == [len(TEXT), 0]
    for room in rooms:
        assert room.progress.audio_seconds == pytest.approx(room.format.seconds(len(room.pcm)))
        assert (room.progress.engine, room.progress.first_audio is not None) == ("tone", True)
    assert [(room.progress.asked, room.progress.shared) for room in rooms] == [(True, False), (True, True)]


async def test_when_the_first_leaves_the_next_one_is_counted_for() -> None:
    house, text = tone_house(), Channel[str]()
    first, second = house.room(text=text), house.room(text="")
    await first.some()
    await second.some()
    await fed(text, "One sentence. ")
    same = house.room(text=TEXT)
    await same.some()
    await first.leave()
    await rest(second, same)
    assert [room.progress.characters for room in (first, second, same)] == [13, 13, 0]


async def test_its_loudness_is_learned_once() -> None:
    once, shared = House(Player()), House(Player())
    await once.room("", voice=VOICE).rest()
    await rest(*(shared.room(voice=VOICE) for _ in range(3)))
    assert kept(shared.loudness) == kept(once.loudness)


def kept(loudness: LoudnessStore) -> Sequence[Any]:
    return [*loudness._voices.items()]  # noqa: SLF001  # nothing else tells for how long it was heard


async def test_each_room_may_have_its_own_chime(tmp_path: Path) -> None:
    store: ChimeStore = await stored(tmp_path, wav(), wav(frequency=500))
    house = House(new_engine("tone", per_character=0.05), chimes=store)
    chimes = [digest(wav()), digest(wav(frequency=500)), "none"]
    rooms = [house.room(chime=chime) for chime in chimes]
    await rest(*rooms)
    plain = rooms[2].pcm
    for room, chime in zip(rooms[:2], chimes, strict=False):
        assert room.pcm == await store.pcm(chime, room.format) + plain
    assert house.tally == SPOKEN_ONCE
    assert no_task_is_left()


async def test_one_that_leaves_during_its_chime_leaves_alone_and_the_last_one_cancels(tmp_path: Path) -> None:
    engine = new_engine("tone", delay=3600)
    assert isinstance(engine, ToneEngine)
    house = House(engine, chimes=await stored(tmp_path, wav()))
    first, second = house.room(chime=digest(wav())), house.room()
    await first.some(2)
    await second.some()
    await first.leave()
    assert house.told == ["started"]
    await second.leave()
    assert house.told == ["started", "cancelled"]
    assert (TONE.engine, no_task_is_left()) == ("tone", True)
