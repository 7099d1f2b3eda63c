"""How a text goes up, in streams and by sentences, and what comes of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from wyoming_server.engines.wyoming import streams
from wyoming_server.errors import EngineTimeout
from wyoming_server.models import PAUSE

from .speaking import ONE, TEXT, THREE, TWO, VOICE, Fault, Listener, Writer, at_server, hear, how, pcm, written

pytestmark = pytest.mark.usefixtures("nothing_is_left", "no_pause")

TEXTS = ("synthesize-start", "synthesize-chunk", "synthesize", "synthesize-stop")


# Streams


async def test_a_text_goes_up_as_home_assistant_sends_it() -> None:
    async with at_server() as (service, engine):
        heard = await hear(engine, "One is ", "here. Two is there.")
        assert service.events(*TEXTS) == [
            ("synthesize-start", {"voice": {"name": VOICE}}),
            ("synthesize-chunk", "One is "),
            ("synthesize-chunk", "here. Two is there."),
            ("synthesize", "One is here. Two is there."),
            ("synthesize-stop", {}),
        ]
        assert heard.audio == pcm(ONE, TWO)


async def test_fragments_are_sent_as_they_come_on_a_connection_that_was_opened_before() -> None:
    async with at_server() as (service, engine):
        writer = Writer()
        listener = Listener(engine, writer, how())
        await service.journal.saw("connected", count=2)
        writer.write("One is here. ", "Two")
        await listener.until_audio()
        assert listener.heard.audio
        assert not service.journal.all("event", "synthesize-stop")
        writer.write(" is there.")
        writer.end()
        heard = await listener.end()
        assert heard.audio == pcm(ONE, TWO)
        assert {entry.connection for entry in service.journal.all("event") if entry.detail["type"] in TEXTS} == {2}


async def test_marks_are_the_sentences_that_had_been_sent() -> None:
    async with at_server() as (_, engine):
        writer = Writer("One is here. ", "Two")
        listener = Listener(engine, writer, how())
        await listener.until_audio()
        writer.write(" is there.")
        writer.end()
        assert (await listener.end()).texts() == [ONE, TWO]


async def test_a_pause_ends_the_stream_so_that_all_of_it_is_spoken() -> None:
    async with at_server() as (service, engine):
        writer = Writer(ONE, PAUSE)
        listener = Listener(engine, writer, how())
        await service.journal.saw("event", "synthesize-stop")
        await listener.until_audio()
        writer.write(" Two is there.")
        writer.end()
        heard = await listener.end()
        assert heard.audio == pcm(ONE, TWO)
        assert heard.texts() == [ONE, TWO]
        assert len(service.journal.all("event", "synthesize-start")) == 2


@pytest.mark.parametrize("streaming", [True, False])
async def test_text_without_words_is_never_sent(*, streaming: bool) -> None:
    async with at_server(streaming=streaming) as (service, engine):
        assert not (await hear(engine, "… — *** ", "\n")).audio
        assert not service.events(*TEXTS)


async def test_several_cycles_are_one_reply() -> None:
    async with at_server() as (_, engine):
        assert (await hear(engine, TEXT)).audio == pcm(ONE, TWO, THREE)


async def test_a_stream_that_ends_without_its_last_audio_stop_is_heard_to_its_last_sample() -> None:
    """What is converted is held back a little, until it ends."""
    async with at_server(rates=(16_000,)) as (_, engine):
        whole = (await hear(engine, ONE)).audio
    async with at_server(Fault(kind="skip", on="audio-stop"), rates=(16_000,)) as (_, engine):
        assert (await hear(engine, ONE)).audio == whole


async def test_a_server_may_hang_up_instead_of_telling_the_end() -> None:
    async with at_server(ends="hangs up") as (_, engine):
        assert (await hear(engine, TEXT)).audio == pcm(ONE, TWO, THREE)


async def test_a_server_that_never_tells_the_end_keeps_nobody_for_ever_and_gets_sentences_then(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with at_server(ends="silent", engine={"gap_timeout": 0.1}) as (service, engine):
        assert (await hear(engine, TEXT)).audio == pcm(ONE, TWO, THREE)
        assert engine.capabilities.streaming_text is False
        assert [record.levelno for record in caplog.records if "does not tell their end" in record.message] == [logging.WARNING]
        started = len(service.journal.all("event", "synthesize-start"))
        assert (await hear(engine, TEXT)).audio == pcm(ONE, TWO, THREE)
        assert len(service.journal.all("event", "synthesize-start")) == started


async def test_a_server_that_stays_silent_in_the_middle_is_late_not_done() -> None:
    fault = Fault(kind="stall", on="audio-stop")
    async with at_server(fault, engine={"gap_timeout": 0.1}) as (_, engine):
        with pytest.raises(EngineTimeout, match="sent no more audio within"):
            await hear(engine, TEXT)


async def test_a_server_that_speaks_only_the_copy_of_the_text_is_heard() -> None:
    async with at_server(takes="copy") as (_, engine):
        assert (await hear(engine, ONE)).audio == pcm(ONE)


async def test_streams_are_not_used_where_the_user_does_not_want_them() -> None:
    async with at_server(engine={"streaming": False}) as (service, engine):
        assert (await hear(engine, TEXT)).audio == pcm(ONE, TWO, THREE)
        assert not service.journal.all("event", "synthesize-start")


async def test_a_long_text_goes_in_several_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "STREAM_MAX", 50)
    async with at_server() as (service, engine):
        heard = await hear(engine, "One is here. " * 5)
        assert [text for _, text in service.events("synthesize")] == ["One is here. " * 4, ONE + " "]
        assert heard.audio == pcm(*[ONE] * 5)


async def test_text_with_nothing_to_say_for_the_server_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    async with at_server(silent="One") as (_, engine):
        assert not (await hear(engine, ONE)).audio
        assert "left out a text" in caplog.text
        assert (await hear(engine, TEXT)).audio == pcm(TWO, THREE)


async def test_an_idle_writer_is_never_late() -> None:
    """Neither before the first audio nor after it, as long as nothing is owed."""
    async with at_server(engine={"first_audio_timeout": 0.1, "gap_timeout": 0.1}) as (service, engine):
        writer = Writer("One is")
        listener = Listener(engine, writer, how())
        await service.journal.saw("event", "synthesize-chunk")
        await asyncio.sleep(0.2)  # longer than the server would have
        writer.write(" here. Two")
        await listener.until_audio()
        await asyncio.sleep(0.2)
        writer.write(" is there.")
        writer.end()
        assert (await listener.end()).audio == pcm(ONE, TWO)


@pytest.mark.parametrize("error", [ValueError("No more."), ConnectionResetError("No more."), TimeoutError("No more.")], ids=repr)
@pytest.mark.parametrize("streaming", [True, False])
async def test_the_texts_own_error_is_told_as_it_is(error: Exception, *, streaming: bool) -> None:
    async with at_server(streaming=streaming) as (_, engine):
        writer = Writer("One is here. ", "Two")
        listener = Listener(engine, writer, how())
        await listener.until_audio()
        writer.end(error)
        with pytest.raises(type(error), match="No more"):
            await listener.task


async def test_turns_are_given_back_between_streams_and_others_wait() -> None:
    stall = Fault(kind="stall", on="audio", where="One")
    async with at_server(stall, engine={"concurrency": 1}) as (service, engine):
        first = Listener(engine, written(ONE), how())
        await service.journal.saw("fault")
        second = Listener(engine, written(TWO), how())
        async with asyncio.timeout(5):
            await second.moved.wait()
        assert second.heard.places == [1]
        await first.stop()
        assert (await second.end()).audio == pcm(TWO)


# Sentences


async def test_every_sentence_is_one_synthesize_on_a_connection_of_its_own() -> None:
    async with at_server(streaming=False) as (service, engine):
        heard = await hear(engine, "One is ", "here. Two is there.")
        assert service.events(*TEXTS) == [("synthesize", ONE), ("synthesize", TWO)]
        assert [entry.connection for entry in service.journal.all("event", "synthesize")] == [2, 3]
        assert heard.audio == pcm(ONE, TWO)
        assert heard.texts() == [ONE, TWO]


async def test_a_sentence_with_nothing_to_say_for_the_server_is_left_out() -> None:
    async with at_server(streaming=False, silent="Two") as (_, engine):
        heard = await hear(engine, TEXT)
        assert heard.audio == pcm(ONE, THREE)
        assert heard.texts() == [ONE, THREE]


async def test_a_writer_is_not_kept_from_the_next_reply_by_one_that_failed() -> None:
    async def failing() -> AsyncIterator[str]:
        yield ONE
        raise ValueError

    async with at_server() as (_, engine):
        with pytest.raises(ValueError):  # noqa: PT011  # it has no words
            async for _ in engine.speak(failing(), how()):
                pass
        assert (await hear(engine, ONE)).audio == pcm(ONE)
