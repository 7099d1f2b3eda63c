"""API v1 on the wire: every form that an answer can take, every way in which one can fail, an interrupt at every moment."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from wyoming_server.errors import EngineError, EngineTimeout, EngineUnavailable, HeraldError, TextTooLong
from wyoming_server.models import TextFormat
from wyoming_server.protocols.openspeech_frame import Compression
from wyoming_server.protocols.openspeech_v1 import FrontEnd, ServerMessage
from wyoming_server.upstream import attempts

from ...simulators.openspeech import Style
from ...standstill import awake
from .speaking import (
    BIG,
    KEYS,
    SMALL,
    TEXT,
    Fault,
    Said,
    answering,
    audio,
    frames,
    listen,
    log_id,
    new_engine,
    pcm,
    requests,
    say,
    simulator,
    speaking,
    utterance,
)

pytestmark = pytest.mark.usefixtures("nothing_is_left")

AT_ONCE = 0.05
"""Seconds within which the service sees an interrupt."""


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "PAUSE", 0.01)


# Forms


@pytest.mark.parametrize(
    "style",
    [
        Style(),
        Style(gzip=True),
        Style(extension=bytes(8)),
        Style(extension=bytes(56), gzip=True),
        Style(last="flags 2"),
        Style(last="flags 2 without sequence"),
        Style(last="flags 2 without sequence", gzip=True),
        Style(empty_last=True),
        Style(empty_last=True, last="flags 2"),
        Style(empty_last=True, last="flags 2 without sequence"),
        Style(acknowledge=False),
    ],
    ids=str,
)
@pytest.mark.parametrize("cut", [{}, {"piece": 0}, {"split": 4_801}], ids=["in messages", "in one", "in odd bytes"])
async def test_the_speech_is_the_same_however_the_service_writes_it(style: Style, cut: dict[str, Any]) -> None:
    async with speaking(style=style, **cut) as (_, engine):
        assert (await say(engine)).audio == pcm()


@pytest.mark.parametrize("operation", ["submit", "query"])
async def test_both_operations_say_the_same(operation: str) -> None:
    async with speaking() as (service, engine):
        assert (await say(engine, how=utterance(operation=operation))).audio == pcm()
        assert service.counters.audio_messages == (1 if operation == "query" else service.counters.audio_messages)
        assert requests(service)[0]["request"]["operation"] == operation


async def test_a_query_brings_megabytes_in_one_message() -> None:
    text = "a " * 128
    async with speaking() as (service, engine):
        said = await say(engine, text, utterance(operation="query", speed=0.25))
    assert len(requests(service)) == 1
    assert len(said.audio) > 2 << 20


async def test_more_than_a_message_may_hold_is_refused_with_both_numbers() -> None:
    bomb = frames(audio(bytes((16 << 20) + 2), -1), compression=Compression.GZIP)
    async with answering(*bomb) as engine:
        with pytest.raises(EngineError, match=f"{16 << 20} bytes that are allowed.*voice {BIG}, API v1"):
            await say(engine)


async def test_an_unknown_answer_that_means_well_does_no_harm() -> None:
    async with speaking(Fault(kind="unknown event")) as (_, engine):
        assert (await say(engine)).audio == pcm()


async def test_a_service_that_never_closes_is_not_waited_for() -> None:
    async with answering(*frames(audio(b"ab" * 2400), audio(b"", -2))) as engine:
        async with asyncio.timeout(5):
            assert (await say(engine)).audio == b"ab" * 2400


async def test_no_audio_at_all_is_a_sentence_left_out(caplog: pytest.LogCaptureFixture) -> None:
    async with answering(*frames(audio(b"", -1))) as engine:
        said = await say(engine)
    assert not said.audio
    assert not said.marks
    assert "left out" in caplog.text


async def test_settings_are_heard() -> None:
    async with speaking() as (_, engine):
        fast = await say(engine, how=utterance(SMALL, speed=2))
        low = await say(engine, how=utterance(rate=8_000))
    assert fast.audio == pcm(speed=2)
    assert low.audio == pcm(rate=8_000)


async def test_ssml_goes_up_as_it_is() -> None:
    ssml = "<speak>The kettle. It is <break/> boiling.</speak>"
    async with speaking() as (service, engine):
        assert (await say(engine, ssml, utterance(text_format=TextFormat.SSML))).audio
    [request] = requests(service)
    assert (request["request"]["text"], request["request"]["text_type"]) == (ssml, "ssml")


@pytest.mark.parametrize("encoding", ["mp3", "ogg_opus"])
async def test_compressed_speech_is_the_same_speech(encoding: str) -> None:
    async with speaking() as (_, engine):
        how = utterance(encoding=encoding)
        rate = engine.native_format(how).rate
        said = np.frombuffer(bytes((await say(engine, how=how)).audio), "<i2").astype(float)
    expected = np.frombuffer(pcm(rate=rate), "<i2").astype(float)
    assert abs(len(said) - len(expected)) < 0.15 * rate
    ours, theirs = (np.abs(np.fft.rfft(sound, 1 << 18)) for sound in (said, expected))
    assert np.corrcoef(ours, theirs)[0, 1] > 0.95


async def test_compressed_speech_that_is_none_is_told() -> None:
    async with answering(*frames(audio(b"no audio at all" * 99), audio(b"", -2))) as engine:
        with pytest.raises(EngineError, match=r"cannot be decoded.*set `encoding`"):
            await say(engine, how=utterance(encoding="mp3"))


# Word marks


async def test_words_have_their_time_and_place() -> None:
    text = "One cup, and one more cup."
    async with speaking() as (_, engine):
        said = await say(engine, f"Well. {text}", utterance(timestamps=True))
    assert [mark.text for mark in said.words] == ["Well", "One", "cup", "and", "one", "more", "cup"]
    for mark in said.words:
        assert f"Well. {text}"[mark.start : mark.end] == mark.text
    begin = len("Well.") * 0.06
    assert [mark.time for mark in said.words[1:]] == pytest.approx([begin + text_at * 0.06 for text_at in (0, 4, 9, 13, 17, 22)])
    assert [mark.time for mark in said.marks] == sorted(mark.time for mark in said.marks)


async def test_a_word_is_told_right_before_its_audio() -> None:
    async with speaking(piece=0.2) as (_, engine):
        said = await say(engine, how=utterance(timestamps=True))
    assert len(said.words) == 5
    for mark, heard in zip(said.marks, said.heard, strict=True):
        assert heard / 48_000 <= mark.time + 1e-6
        assert mark.time <= heard / 48_000 + 0.25


async def test_words_that_the_text_does_not_have_get_no_mark() -> None:
    told = FrontEnd(
        payload={
            "words": [
                {"word": "twenty", "start_time": 0.0},
                {"word": "cups", "start_time": 0.05},
                {"word": "cups", "start_time": 99.0},
                {"word": 7},
                "oh",
            ]
        }
    )
    async with answering(*frames(audio(bytes(4_800)), told, audio(b"", -2))) as engine:
        said = await say(engine, "20 cups, cups.", utterance(timestamps=True))
    assert [(mark.text, mark.start, mark.time) for mark in said.words] == [("cups", 3, 0.05), ("cups", 9, 0.1)]


async def test_words_may_be_told_before_between_and_after_the_audio() -> None:
    def word(text: str, at: float) -> FrontEnd:
        return FrontEnd(payload={"words": [{"word": text, "start_time": at}]})

    messages: list[ServerMessage] = [
        word("One", 0),
        audio(bytes(4_800)),
        word("two", 0.1),
        audio(bytes(4_800), 2),
        word("three", 0.15),
        audio(b"", -3),
    ]
    async with answering(*frames(*messages)) as engine:
        said = await say(engine, "One two three.", utterance(timestamps=True))
    assert [(mark.text, mark.time) for mark in said.words] == [("One", 0), ("two", 0.1), ("three", pytest.approx(0.15))]


# What is too long


LONG = "One two three four five six seven, eight nine ten eleven twelve, thirteen fourteen fifteen, sixteen and seventeen."


@pytest.mark.parametrize("limit", [100, 60, 40])
async def test_a_sentence_that_is_too_long_is_spoken_in_parts(limit: int) -> None:
    async with speaking(text_limit=limit) as (service, engine):
        said = await say(engine, f"Well now. {LONG}", utterance(timestamps=True))
        parts = [request["request"]["text"] for request in requests(service)]
    assert all(len(part) <= limit for part in parts)
    assert " ".join(parts) == f"Well now. {LONG}"
    assert bytes(said.audio) == b"".join(pcm(part) for part in parts)
    assert said.sentences == ["Well now.", LONG]
    assert [mark.text for mark in said.words] == f"Well now. {LONG}".replace(",", "").replace(".", "").split()
    assert all(f"Well now. {LONG}"[mark.start : mark.end] == mark.text for mark in said.words)
    assert [mark.time for mark in said.marks] == sorted(mark.time for mark in said.marks)


async def test_chinese_is_split_too() -> None:
    text = "今天天气很好我们一起去公园散步吧然后去喝一杯茶看看湖上的鸭子和天空中的云彩最后慢慢走回家里。"
    async with speaking(text_limit=80) as (service, engine):
        said = await say(engine, text)
        parts = [request["request"]["text"] for request in requests(service)]
    assert "".join(parts) == text
    assert bytes(said.audio) == b"".join(pcm(part) for part in parts)


async def test_what_is_too_long_in_the_smallest_part_is_told() -> None:
    async with speaking(text_limit=10) as (service, engine):
        with pytest.raises(TextTooLong, match="use shorter sentences"):
            await say(engine, LONG)
    assert len(service.all("refused")) <= 4


async def test_ssml_is_not_split() -> None:
    async with speaking(text_limit=10) as (service, engine):
        with pytest.raises(TextTooLong):
            await say(engine, f"<speak>{LONG}</speak>", utterance(text_format=TextFormat.SSML))
    assert len(service.all("refused")) == 1


# What fails


@pytest.mark.parametrize("kind", ["random bytes", "truncated frame", "unknown type", "text frame", "close", "drop", "reset"])
async def test_what_breaks_once_before_audio_is_not_noticed(kind: Any) -> None:
    async with speaking(Fault(kind=kind)) as (service, engine):
        assert (await say(engine)).audio == pcm()
        assert len(service.all("request")) == 2


@pytest.mark.parametrize("kind", ["random bytes", "truncated frame", "unknown type", "text frame", "close", "drop", "reset"])
async def test_what_breaks_after_audio_is_told_and_not_tried_again(kind: Any) -> None:
    said = Said()
    async with speaking(Fault(kind=kind, on="audio", after=0.6)) as (service, engine):
        with pytest.raises(EngineError) as caught:
            await listen(said, engine)
        assert len(service.all("request")) == 1
    assert 0 < len(said.audio) < len(pcm())
    assert pcm().startswith(bytes(said.audio))
    for part in (f"voice {BIG}", "API v1", "cluster volcano_tts", f"log id {log_id(1)}"):
        assert part in str(caught.value)


async def test_a_last_message_that_never_comes_is_told() -> None:
    async with speaking(Fault(kind="close", on="finish")) as (_, engine):
        with pytest.raises(EngineUnavailable, match="The speech is not complete"):
            await say(engine)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(kind="stall", on="handshake", times=9), "did not accept a connection within 0.2 s"),
        (Fault(kind="stall", times=9), "sent no audio within 0.2 s"),
        (Fault(kind="stall", on="audio", times=9), "sent no audio within 0.2 s"),
        (Fault(kind="stall", on="audio", after=0.4), "sent no more audio within 0.3 s"),
        (Fault(kind="stall", on="finish"), "sent no more audio within 0.3 s"),
    ],
)
async def test_a_service_that_falls_silent_is_given_up_in_time(fault: Fault, words: str) -> None:
    begin = awake()
    async with speaking(fault, engine={"first_audio_timeout": 0.2, "gap_timeout": 0.3}) as (service, engine):
        with pytest.raises(EngineTimeout, match=words):
            await say(engine)
        assert len(service.all("handshake")) == 1
    assert awake() - begin < 2


async def test_a_service_that_is_not_there_is_told() -> None:
    async with simulator() as gone:
        pass
    async with new_engine("openspeech", url=gone.url, **KEYS) as engine:
        with pytest.raises(EngineUnavailable, match=f"OpenSpeech cannot be reached at {gone.url}"):
            await say(engine)


async def test_waiting_for_a_turn_is_not_time_that_the_service_has() -> None:
    options = {"concurrency": 1, "first_audio_timeout": 0.5}
    async with speaking(engine=options, pace=2) as (_, engine):
        replies = await asyncio.gather(*(say(engine) for _ in range(3)))
    assert all(said.audio == pcm() for said in replies)


# An interrupt


@pytest.mark.parametrize(
    ("fault", "until"),
    [
        (Fault(kind="stall", on="start"), "fault"),
        (Fault(kind="stall", on="audio"), "fault"),
        (Fault(kind="stall", on="audio", after=0.6), "fault"),
        (Fault(kind="stall", on="finish"), "fault"),
        (None, "audio"),
    ],
    ids=str,
)
async def test_the_service_sees_an_interrupt_at_once(fault: Fault | None, until: Any) -> None:
    async with speaking(*([fault] if fault else []), pace=20) as (service, engine):
        reply = asyncio.create_task(say(engine, f"{TEXT} Thank you."))
        await service.saw(until)
        begin = awake()
        reply.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reply
        await service.saw("closed")
        assert awake() - begin < AT_ONCE
        assert service.counters.connections == 0
        made = service.counters.characters
        assert (await say(engine)).audio == pcm()
        assert service.counters.characters == made + len(TEXT)


async def test_an_interrupt_during_a_handshake_ends_it_at_once() -> None:
    asked, left = asyncio.Event(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        with suppress(ConnectionResetError):
            await reader.read()
        left.set()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, new_engine("openspeech", url=url, **KEYS) as engine:
        reply = asyncio.create_task(say(engine))
        await asked.wait()
        reply.cancel()
        begin = awake()
        with pytest.raises(asyncio.CancelledError):
            await reply
        await left.wait()
        assert awake() - begin < AT_ONCE


async def test_an_interrupt_between_two_attempts_ends_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "PAUSE", 3)
    async with speaking(Fault(kind="error", code=3003, times=9)) as (service, engine):
        reply = asyncio.create_task(say(engine))
        await service.saw("closed")
        begin = awake()
        reply.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reply
        assert awake() - begin < AT_ONCE
        assert len(service.all("handshake")) == 1


async def test_an_engine_that_is_closed_leaves_the_service() -> None:
    async with speaking(Fault(kind="stall", on="audio", after=0.4)) as (service, engine):
        reply = asyncio.create_task(say(engine))
        await service.saw("fault")
        await engine.aclose()
        with pytest.raises(HeraldError, match="closed"):
            await reply
        await service.saw("closed")
        assert service.counters.connections == 0
