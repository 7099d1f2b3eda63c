"""What goes wrong: told in words, tried again only while nothing was heard, never a quiet end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from wyoming.audio import AudioChunk
from wyoming.event import async_read_event, async_write_event
from wyoming.info import Info

from wyoming_server.engines.wyoming import failures, streams
from wyoming_server.errors import (
    CODES,
    EngineBusy,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    HeraldError,
    ShuttingDown,
    Unspeakable,
    VoiceRefused,
)
from wyoming_server.upstream import attempts

from ...simulators.wyoming.manners import PIPER, Kind, Stage
from .speaking import ONE, TEXT, THREE, TWO, VOICE, Fault, Listener, Writer, at_server, hear, how, made, pcm, written

pytestmark = pytest.mark.usefixtures("nothing_is_left", "no_pause")

both_ways = pytest.mark.parametrize("streaming", [True, False], ids=["streaming", "by sentences"])


@both_ways
@pytest.mark.parametrize("kind", ["hang up", "reset"])
@pytest.mark.parametrize("on", ["connection", "text", "audio"])
async def test_a_connection_that_is_lost_before_audio_is_tried_again(kind: Kind, on: Stage, *, streaming: bool) -> None:
    async with at_server(Fault(kind=kind, on=on, times=2), streaming=streaming) as (_, engine):
        heard = await hear(engine, "One is here. ", TWO)
        assert heard.audio == pcm(ONE, TWO)
        assert heard.texts()[0].startswith(ONE)


@both_ways
@pytest.mark.parametrize("kind", ["hang up", "reset"])
@pytest.mark.parametrize(("on", "after"), [("audio", 2), ("audio-stop", 0)])
async def test_a_connection_that_is_lost_after_audio_is_an_error_never_a_quiet_end(
    kind: Kind, on: Stage, after: int, *, streaming: bool
) -> None:
    async with at_server(Fault(kind=kind, on=on, after=after), streaming=streaming) as (service, engine):
        listener = Listener(engine, written(ONE), how())
        with pytest.raises(EngineUnavailable, match=rf"The speech is not complete \(voice {VOICE}, program piper\)"):
            await listener.task
        if kind == "hang up":  # a reset may overtake what was sent
            assert pcm(ONE).startswith(listener.heard.audio)
            assert listener.heard.audio
        assert len(service.journal.all("event", "synthesize")) == 1


@pytest.mark.parametrize("kind", ["hang up", "stall"])
async def test_a_server_that_tells_the_ends_of_streams_has_not_spoken_all_without_one(kind: Kind) -> None:
    """It dies between two cycles: what came is whole, but it is not all."""
    async with at_server(engine={"gap_timeout": 0.2}) as (service, engine):
        await hear(engine, ONE)
        service.faults.append(Fault(kind=kind, on="audio-start", where="Two"))
        listener = Listener(engine, written(TEXT), how())
        with pytest.raises(EngineUnavailable if kind == "hang up" else EngineTimeout):
            await listener.task
        assert listener.heard.audio == pcm(ONE)
        assert (await hear(engine, TEXT)).audio == pcm(ONE, TWO, THREE)
        assert len(service.journal.all("event", "synthesize-start")) == 3, "it still gets streams"


async def test_a_cycle_without_its_end_is_lost_even_if_the_server_goes_politely() -> None:
    async with at_server(Fault(kind="skip", on="audio-stop"), ends="hangs up") as (_, engine):
        with pytest.raises(EngineUnavailable, match="The speech is not complete"):
            await hear(engine, ONE)


async def test_an_end_before_the_text_was_complete_is_an_error() -> None:
    async with at_server(Fault(kind="hang up", on="text", where="Two")) as (_, engine):
        writer = Writer("One is here. ", "So ")
        listener = Listener(engine, writer, how())
        await listener.until_audio()
        writer.write("Two is there.")
        with pytest.raises(EngineUnavailable, match="The speech is not complete"):
            await listener.task


@both_ways
async def test_a_server_that_starts_again_is_waited_for(monkeypatch: pytest.MonkeyPatch, *, streaming: bool) -> None:
    monkeypatch.setattr(attempts, "PAUSE", 0.05)
    async with at_server(streaming=streaming) as (service, engine):
        await service.down()
        listener = Listener(engine, written(ONE), how())
        await asyncio.wait([listener.task], timeout=0.02)  # one try, or two
        await service.up()
        assert (await listener.end()).audio == pcm(ONE)


@both_ways
async def test_a_server_that_is_gone_is_told_with_its_address(*, streaming: bool) -> None:
    async with at_server(streaming=streaming) as (service, engine):
        await service.down()
        with pytest.raises(EngineUnavailable, match=f"No Wyoming server answers at {service.uri}: .* Is it running there"):
            await hear(engine, ONE)


@both_ways
@pytest.mark.parametrize("on", ["connection", "text", "audio"])
async def test_a_stall_before_audio_is_late(on: Stage, *, streaming: bool) -> None:
    async with at_server(Fault(kind="stall", on=on), streaming=streaming, engine={"first_audio_timeout": 0.1}) as (_, engine):
        with pytest.raises(EngineTimeout, match="sent no audio within"):
            await hear(engine, ONE)


@both_ways
async def test_a_stall_in_the_audio_is_late(*, streaming: bool) -> None:
    stall = Fault(kind="stall", on="audio", after=2)
    async with at_server(stall, streaming=streaming, engine={"gap_timeout": 0.1}) as (_, engine):
        with pytest.raises(EngineTimeout, match="sent no more audio within"):
            await hear(engine, ONE)


async def test_a_server_that_reads_no_more_of_a_growing_text_is_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "STREAM_MAX", 1_000_000)
    done = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (event := await async_read_event(reader)) is not None:
            if event.type == "describe":
                await async_write_event(Info(tts=[PIPER.told(streaming=True)]).event(), writer)
            elif event.type == "synthesize-chunk":
                await async_write_event(AudioChunk(rate=22_050, width=2, channels=1, audio=b"ab").event(), writer)
                await done.wait()
                break
        writer.close()

    async with await asyncio.start_unix_server(talk, tmp_path / "s"), made(uri=f"unix://{tmp_path}/s", gap_timeout=0.1) as engine:
        listener = Listener(engine, Writer(*["One "] * 8_000), how())
        try:
            async with asyncio.timeout(10):
                with pytest.raises(EngineTimeout, match=r"sent no more audio within 0\.1 s"):
                    await listener.task
        finally:
            done.set()


@both_ways
async def test_a_stall_is_cut(*, streaming: bool) -> None:
    stall = Fault(kind="stall", on="audio")
    async with at_server(stall, streaming=streaming, engine={"first_audio_timeout": 0.1}) as (service, engine):
        with pytest.raises(EngineTimeout):
            await hear(engine, ONE)
        await service.journal.saw("gone", count=2)


@both_ways
@pytest.mark.parametrize("on", ["text", "audio", "audio-stop"])
async def test_garbage_is_an_error_in_words(on: Stage, *, streaming: bool) -> None:
    async with at_server(Fault(kind="garbage", on=on, times=999), streaming=streaming) as (_, engine):
        with pytest.raises(EngineError, match=r"cannot be read: The header of an event is not JSON"):
            await hear(engine, ONE)


@both_ways
@pytest.mark.parametrize("on", ["text", "audio", "audio-stop"])
async def test_events_that_nobody_knows_do_no_harm(on: Stage, *, streaming: bool) -> None:
    async with at_server(Fault(kind="unknown", on=on, times=9), streaming=streaming) as (_, engine):
        assert (await hear(engine, ONE)).audio == pcm(ONE)


MEANINGS: list[tuple[str | None, type[HeraldError]]] = [
    (None, EngineError),
    ("RuntimeError", EngineError),
    ("engine_failed", EngineError),
    ("bad_setting", EngineError),
    ("interrupted", EngineError),
    ("busy", EngineBusy),
    ("shutting_down", EngineUnavailable),
    ("unknown_voice", VoiceRefused),
    ("engine_timeout", EngineTimeout),
    ("access_denied", EngineUnavailable),
]


@both_ways
@pytest.mark.parametrize(("code", "kind"), MEANINGS)
async def test_an_error_that_is_told_is_one_of_the_engine(code: str | None, kind: type[HeraldError], *, streaming: bool) -> None:
    fault = Fault(kind="error", on="audio", text="Out of order.", code=code, times=9)
    async with at_server(fault, streaming=streaming) as (service, engine):
        with pytest.raises(kind, match=r"The Wyoming server at .* said: .*'Out of order\.'") as caught:
            await hear(engine, ONE)
        assert type(caught.value) is kind
        tries = len(service.journal.all("event", "synthesize" if not streaming else "synthesize-start"))
        assert tries == (3 if code in ("busy", "shutting_down") else 1)


@both_ways
async def test_an_error_in_the_middle_ends_the_reply_with_it(*, streaming: bool) -> None:
    async with at_server(Fault(kind="error", on="audio", after=2, code="busy"), streaming=streaming) as (service, engine):
        listener = Listener(engine, written(ONE), how())
        with pytest.raises(EngineBusy):
            await listener.task
        assert listener.heard.audio
        assert len(service.journal.all("fault")) == 1


async def test_only_a_text_of_which_nothing_was_heard_is_left_out() -> None:
    async with at_server(Fault(kind="error", on="audio", where="Two", code="unspeakable")) as (_, engine):
        listener = Listener(engine, written(TEXT), how())
        with pytest.raises(Unspeakable):
            await listener.task
        assert listener.heard.audio == pcm(ONE)


async def test_a_code_is_told_on_one_line() -> None:
    fault = Fault(kind="error", on="audio", text="Out of order.", code="x\n2026-01-01 INFO forged")
    async with at_server(fault) as (_, engine):
        with pytest.raises(EngineError, match="Out of order") as caught:
            await hear(engine, ONE)
        assert str(caught.value).isprintable()


@both_ways
async def test_an_error_does_not_repeat_the_text(*, streaming: bool) -> None:
    fault = Fault(kind="error", on="audio", text=f"Cannot say {ONE!r} today.")
    async with at_server(fault, streaming=streaming) as (_, engine):
        with pytest.raises(EngineError, match="Cannot say") as caught:
            await hear(engine, ONE)
        assert "here" not in str(caught.value)


def test_every_code_of_a_herald_upstream_becomes_an_error_of_an_engine() -> None:
    assert all(issubclass(row.error, EngineError) for row in failures.ROWS)
    named = {code for row in failures.ROWS for code in row.codes or ()}
    assert named - {"VoiceNotFoundError"} <= set(CODES)
    assert {EngineBusy.code, Unspeakable.code, ShuttingDown.code} <= named


@pytest.mark.parametrize(
    ("voice", "hint"),
    [("xyz", ""), ("en_GB-alan-hihg", f" Did you mean {VOICE}?"), (f"{VOICE}#1", f" Did you mean {VOICE}?")],
)
@both_ways
async def test_a_voice_that_is_not_offered_is_refused_with_the_nearest(voice: str, hint: str, *, streaming: bool) -> None:
    async with at_server(streaming=streaming) as (service, engine):
        with pytest.raises(VoiceRefused) as caught:
            await hear(engine, TEXT, voice=voice)
        assert str(caught.value) == f"The Wyoming server at {service.uri} offers no voice {voice}.{hint}"
        assert not service.journal.all("event", "synthesize")
