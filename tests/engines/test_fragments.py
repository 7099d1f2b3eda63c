"""Text on its way to an engine that takes fragments: all of it, in order, cut at sentences, and no faster than it is spoken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic, perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_server.channel import Channel
from wyoming_server.engines import fragments as module
from wyoming_server.engines.fragments import PIECE_MAX, Fragments, cut, fragments, seconds
from wyoming_server.errors import EngineUnavailable
from wyoming_server.models import PAUSE, Sentence

from ..standstill import awake

SENTENCE = "The kettle is boiling now, take it off. "
CHINESE = "今天的天气真的很好。"


async def parts_of(*parts: str) -> AsyncIterator[str]:
    for part in parts:
        yield part


@asynccontextmanager
async def feeding(*parts: str, look_ahead: float = 60, speed: float | None = None) -> AsyncGenerator[Fragments, None]:
    async with fragments(parts_of(*parts), look_ahead=look_ahead, speed=speed) as feed:
        yield feed


def nobody() -> bool:
    return False


def somebody() -> bool:
    return True


async def session(feed: Fragments, *, spoken: bool = True) -> list[str]:
    """All pieces of one session, spoken as they are sent."""
    sent = []
    while (piece := await feed.piece(nobody)) is not None and await feed.room(nobody):
        sent.append(piece.text)
        feed.sent()
        if spoken:
            feed.heard(seconds(piece.text))
    return sent


async def sent_without_waiting(feed: Fragments) -> list[str]:
    """What may be sent before anything is heard."""
    sent: list[str] = []
    try:
        async with asyncio.timeout(0.05):
            while (piece := await feed.piece(nobody)) is not None and await feed.room(nobody):
                sent.append(piece.text)
                feed.sent()
    except TimeoutError:
        pass
    return sent


# Pieces


@given(st.text(alphabet=[*"ab .!。好\n", "…", '"'], max_size=600))
def test_cutting_loses_nothing(text: str) -> None:
    pieces = list(cut(text, 7))
    assert "".join(piece.text for piece in pieces) == text
    assert [piece.start for piece in pieces] == [7 + sum(len(one.text) for one in pieces[:index]) for index in range(len(pieces))]
    assert len(pieces) == 1 or all(piece.text for piece in pieces)


def test_a_long_fragment_is_cut_where_its_sentences_end() -> None:
    assert [piece.text for piece in cut(SENTENCE * 3, 0)] == [SENTENCE] * 3
    assert [piece.text for piece in cut(CHINESE * 3, 0)] == [CHINESE] * 3
    assert [piece.text for piece in cut("One. Two.", 0)] == ["One. Two."]
    assert all(len(piece.text) <= PIECE_MAX + 1 for piece in cut("word " * 1_000, 0))


def test_cutting_a_long_text_takes_time_in_proportion() -> None:
    def took(text: str) -> float:
        begun = perf_counter()
        assert sum(1 for _ in cut(text, 0)) > 100
        return perf_counter() - begun

    short, long = (min(took(SENTENCE * count) for _ in range(3)) for count in (250, 2_500))
    assert long < 25 * short


@given(st.lists(st.text(alphabet="ab .!。好\n", max_size=30), max_size=30))
async def test_every_character_is_sent_once_and_in_order(parts: list[str]) -> None:
    sent: list[str] = []
    async with feeding(*parts) as feed:
        while await feed.speakable():
            sent += await session(feed)
            feed.session_over()
    text, said = "".join(parts), "".join(sent)  # an empty part is a PAUSE
    # only what nobody can say may be left out, before a pause
    assert [char for char in said if char.isalnum()] == [char for char in text if char.isalnum()]
    rest = iter(text)
    assert all(char in rest for char in said)


async def test_places_count_in_the_whole_text() -> None:
    parts = ["… ", "One. ", PAUSE, "— ", SENTENCE * 2, PAUSE, "Two."]
    text = "".join(parts)
    async with feeding(*parts) as feed:
        while await feed.speakable():
            while (piece := await feed.piece(nobody)) is not None:
                assert text[piece.start : piece.end] == piece.text
                feed.sent()
            feed.session_over()
        assert not await feed.speakable()


async def test_unspeakable_text_without_an_end_takes_no_memory() -> None:
    async with feeding(*["  … "] * 10_000, "Hello") as feed:
        assert await feed.speakable()
        sent = await session(feed)
        assert sent[-1] == "Hello"
        assert len("".join(sent)) <= PIECE_MAX + len("Hello")


# Sessions


@given(st.lists(st.text(alphabet="ab .!。\n", min_size=1, max_size=30), min_size=1, max_size=8), st.booleans())
async def test_taken_apart_every_sentence_is_sent_again_by_itself(parts: list[str], pause: bool) -> None:
    async with feeding(*parts, *[PAUSE][:pause], "End") as feed:
        if not await feed.speakable():
            return
        sent = "".join(await session(feed, spoken=False))
        if not feed.take_apart():
            return
        again = []
        while await feed.speakable():
            again.append("".join(await session(feed, spoken=False)))
            assert not feed.take_apart() or not pause
            feed.session_over()
        assert len(again) > 1 + pause
        assert "".join("".join(again).split()).startswith("".join(sent.split()))


async def test_what_is_given_back_is_sent_before_all_else() -> None:
    async with feeding("One. ", "Two. ", PAUSE, "Three.") as feed:
        assert await feed.speakable()
        await session(feed)
        feed.give_back(Sentence(text="Two. ", start=5))
        feed.session_over()
        assert [(await feed.speakable(), await session(feed)) for _ in range(2)] == [(True, ["Two. "]), (True, ["Three."])]


async def test_a_pause_ends_a_session() -> None:
    async with feeding("One, ", "two ", PAUSE, PAUSE, "three") as feed:
        found = []
        while await feed.speakable():
            found.append(await session(feed))
            feed.session_over()
        assert found == [["One, ", "two "], ["three"]]


async def test_a_session_that_came_to_nothing_is_sent_again_with_its_pause() -> None:
    async with feeding("One ", "two ", PAUSE, "three") as feed:
        for _ in range(3):
            assert await feed.speakable()
            feed.rewind()
            assert await session(feed, spoken=False) == ["One ", "two "]
        feed.session_over()
        assert await feed.speakable()
        assert await session(feed) == ["three"]


async def test_what_was_heard_is_never_sent_again() -> None:
    async with feeding("One ", "two") as feed:
        assert await feed.speakable()
        assert await session(feed) == ["One ", "two"]
        feed.rewind()
        assert not await feed.speakable()


async def test_a_piece_that_is_waited_for_in_vain_is_not_lost() -> None:
    text: Channel[str] = Channel()
    async with fragments(text, look_ahead=60, speed=None) as feed:
        text.push("One. ")
        assert await feed.speakable()
        await feed.piece(nobody)
        feed.sent()
        for _ in range(3):
            waiting = asyncio.create_task(feed.piece(nobody))
            await asyncio.sleep(0)
            text.push("Two. ")
            waiting.cancel()
            await asyncio.wait([waiting])
        text.end()
        assert [await _sent(feed) for _ in range(4)] == ["Two. "] * 3 + [None]


async def _sent(feed: Fragments) -> str | None:
    piece = await feed.piece(nobody)
    if piece is not None:
        feed.sent()
    return piece.text if piece is not None else None


# Held back


async def test_between_sentences_only_some_seconds_of_text_are_sent() -> None:
    async with feeding(SENTENCE * 20) as feed:
        assert await sent_without_waiting(feed) == [SENTENCE, SENTENCE]  # 2.6 s each
        feed.heard(1.0)
        assert await sent_without_waiting(feed) == [SENTENCE]


async def test_a_faster_voice_is_sent_more() -> None:
    async with feeding(SENTENCE * 20, speed=2.0) as feed:
        assert await sent_without_waiting(feed) == [SENTENCE] * 4


async def test_within_a_sentence_nothing_is_held_back() -> None:
    sentence = "好" * 80 + "。"
    async with feeding(*sentence * 3) as feed:
        assert "".join(await sent_without_waiting(feed)) == sentence


async def test_a_sentence_that_never_ends_is_held_back_all_the_same() -> None:
    async with feeding(*"好" * 1_000) as feed:
        assert "".join(await sent_without_waiting(feed)) == "好" * PIECE_MAX


async def test_what_the_engine_tells_of_its_progress_counts_more_than_the_guess() -> None:
    async with feeding(SENTENCE * 20) as feed:
        assert len(await sent_without_waiting(feed)) == 2
        feed.heard(0.5)
        feed.unspoken(SENTENCE)  # so 0.5 s is all that a sentence takes
        assert len(await sent_without_waiting(feed)) == 10


async def test_what_a_session_took_corrects_the_guess_for_the_next() -> None:
    async with feeding("好" * 30, PAUSE, CHINESE * 30) as feed:
        assert await feed.speakable()
        await sent_without_waiting(feed)
        feed.heard(30 * 0.05)
        feed.session_over()
        assert await feed.speakable()
        assert len(await sent_without_waiting(feed)) == 10


async def test_an_engine_that_is_quiet_is_to_speak_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUIET", 0.05)
    monkeypatch.setattr(module, "STEP", 0.01)
    async with feeding(SENTENCE * 4) as feed:
        assert await feed.speakable()
        assert len(await session(feed, spoken=False)) == 2
        feed.session_over()
        assert await feed.speakable()
        assert len(await session(feed, spoken=False)) == 2


async def test_nothing_is_sent_while_the_audio_is_too_far_ahead() -> None:
    async with feeding(SENTENCE, SENTENCE, look_ahead=0.5) as feed:
        assert await feed.speakable()
        assert await sent_without_waiting(feed) == [SENTENCE, SENTENCE]
        feed.session_over()
    async with feeding(SENTENCE, SENTENCE, PAUSE, SENTENCE, look_ahead=0.5) as feed:
        assert await feed.speakable()
        await _sent(feed)
        feed.heard(0.7)
        begun, begun_awake = monotonic(), awake()
        assert await feed.piece(nobody)
        assert await feed.room(nobody)
        feed.sent()
        assert monotonic() - begun > 0.15
        assert awake() - begun_awake < 0.3
        feed.heard(0.2)
        assert await feed.piece(nobody) is None
        feed.session_over()
        assert await feed.speakable()
        assert monotonic() - begun > 0.35
        assert awake() - begun_awake < 0.5


# Others


async def test_it_makes_way_between_sentences_and_nowhere_else() -> None:
    async with feeding("One, ", "two. ", "Three. ") as feed:
        assert await feed.speakable()
        sent = []
        while (piece := await feed.piece(somebody)) is not None and await feed.room(somebody):
            sent.append(piece.text)
            feed.sent()
        assert sent == ["One, ", "two. "]
        feed.session_over()
        assert await feed.speakable()
        assert await session(feed) == ["Three. "]


async def test_it_makes_way_while_the_writer_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STEP", 0.01)
    waiting = False
    text: Channel[str] = Channel()
    text.push("One. ")
    async with fragments(text, look_ahead=60, speed=None) as feed:
        assert await feed.speakable()
        await _sent(feed)
        piece = asyncio.create_task(feed.piece(lambda: waiting))
        await asyncio.sleep(0.03)
        assert not piece.done()
        waiting = True
        assert await asyncio.wait_for(piece, 5) is None


# The end


@pytest.mark.parametrize("error", [KeyError("x"), TimeoutError(), EngineUnavailable("gone")])
async def test_the_writers_error_comes_behind_his_text(error: Exception) -> None:
    async def failing() -> AsyncIterator[str]:
        yield "One. "
        raise error

    async with fragments(failing(), look_ahead=60, speed=None) as feed:
        assert await feed.speakable()
        assert await _sent(feed) == "One. "
        for _ in range(2):
            with pytest.raises(type(error)):
                await feed.piece(nobody)
        with pytest.raises(type(error)):
            await feed.speakable()


async def test_closing_it_wakes_whoever_waits() -> None:
    text: Channel[str] = Channel()
    async with fragments(text, look_ahead=0.5, speed=None) as feed:
        waiting = asyncio.create_task(feed.speakable())
        await asyncio.sleep(0)
        feed.close(EngineUnavailable("closed"))
        with pytest.raises(EngineUnavailable, match="closed"):
            await asyncio.wait_for(waiting, 5)
    async with feeding("One. ", look_ahead=0.5) as feed:
        feed.heard(60)
        waiting = asyncio.create_task(feed.speakable())
        await asyncio.sleep(0.01)
        assert not waiting.done()
        feed.close(EngineUnavailable("closed"))
        assert await asyncio.wait_for(waiting, 5)


async def test_leaving_it_leaves_the_writer() -> None:
    left = asyncio.Event()

    async def endless() -> AsyncIterator[str]:
        try:
            while True:
                yield "One. "
        finally:
            left.set()

    text = endless()
    async with fragments(text, look_ahead=60, speed=None) as feed:
        assert await feed.speakable()
    assert len(asyncio.all_tasks()) == 1
