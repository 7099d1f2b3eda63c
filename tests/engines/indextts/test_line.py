"""Connections: kept while they are clean, replaced unheard when they died, and never used behind an answer that is missing."""

from __future__ import annotations

from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from wyoming_server.engines.indextts.line import websocket_url
from wyoming_server.errors import ConfigError, EngineTimeout, EngineUnavailable

from ...simulators.indextts import wav
from .speaking import ONE, TEXT, THREE, TWO, Fault, at, listening, made, say, silence, simulator, speech

pytestmark = pytest.mark.usefixtures("nothing_is_left")


def queued(task_id: str) -> str:
    return f'{{"type":"queued","task_id":"{task_id}"}}'


def ended(task_id: str) -> str:
    return f'{{"type":"end","task_id":"{task_id}"}}'


URLS = [
    ("ws://127.0.0.1:8770", "ws://127.0.0.1:8770"),
    ("wss://Speech.Example/tts/", "wss://speech.example/tts"),
    ("http://gpu:8770/", "ws://gpu:8770"),
    ("https://gpu/x", "wss://gpu/x"),
    ("gpu:9000", "ws://gpu:9000"),
    (" gpu.local ", "ws://gpu.local:8770"),
    ("ws://gpu.local", "ws://gpu.local"),
    ("[::1]:8770", "ws://[::1]:8770"),
]


@pytest.mark.parametrize(("text", "url"), URLS)
def test_addresses_are_understood(text: str, url: str) -> None:
    assert websocket_url(text) == url


@pytest.mark.parametrize("text", ["", "ftp://gpu", "ws://", "gpu:port", "ws://me:secret@gpu", "ws://gpu/?key=secret", "a b"])
def test_what_is_no_address_is_told_without_a_secret(text: str) -> None:
    with pytest.raises(ConfigError, match="url is the address") as told:
        websocket_url(text)
    assert "secret" not in str(told.value)


async def test_a_connection_is_kept_for_the_next_reply() -> None:
    async with at() as (service, engine):
        for text in (ONE, TWO, THREE):
            assert (await say(engine, text)).audio == speech(text)
        assert len(service.all("connected")) == 1


async def test_a_kept_connection_is_left_with_the_engine() -> None:
    async with at() as (service, engine):
        await say(engine)
        await engine.aclose()
        await service.saw("closed", within=5)


async def test_a_connection_is_left_when_it_was_idle_for_long_enough() -> None:
    async with at(engine={"idle": 0.05}) as (service, engine):
        await say(engine)
        assert (await service.saw("closed", within=5)).detail["by"] == "close frame"
        assert (await say(engine)).audio == speech(TEXT)


async def test_none_is_kept_where_that_is_asked_for() -> None:
    async with at(engine={"idle": 0}) as (service, engine):
        await say(engine, ONE + TWO)
        assert len(service.all("connected")) == 2


@pytest.mark.parametrize("how", ["close", "drop", "reset"])
async def test_a_kept_connection_that_died_is_replaced_unheard(how: Any) -> None:
    async with at() as (service, engine):
        await say(engine, ONE)
        assert service.hang_up(how) == 1  # and the engine's side has not noticed yet
        assert (await say(engine, TWO)).audio == speech(TWO)
        assert len(service.all("connected")) == 2


@pytest.mark.parametrize("how", ["close", "drop", "reset"])
async def test_a_kept_connection_that_dies_with_the_request_is_replaced_unheard(how: Any) -> None:
    async with at() as (service, engine):
        await say(engine, ONE)
        service.faults.add(Fault(kind=how, on="queued", times=3))
        assert (await say(engine, TWO)).audio == speech(TWO)
        assert len(service.all("connected")) == 4, "its death is no failed attempt: there are three more"


async def test_a_service_that_was_started_again_is_spoken_with_again() -> None:
    async with at() as (service, engine):
        await say(engine, ONE)
        await service.stop()
        with pytest.raises(EngineUnavailable, match="cannot be reached"):
            await say(engine, TWO)
        await service.start()
        assert (await say(engine, THREE)).audio == speech(THREE)


@pytest.mark.parametrize("on", ["audio", "end"])
async def test_a_connection_that_is_lost_is_tried_again_only_before_the_wav(on: Any) -> None:
    async with at(Fault(kind="drop", on=on)) as (service, engine):
        assert (await say(engine)).audio == speech(TEXT)
        assert len(service.requests) == (2 if on == "audio" else 1)


async def test_a_connection_that_is_always_lost_is_told() -> None:
    async with at(Fault(kind="close", on="start", times=9)) as (service, engine):
        with pytest.raises(EngineUnavailable, match=r"closed the connection \(code 1011\).*not complete \(voice mum, .*task id"):
            await say(engine)
        assert len(service.requests) == 3


# The end of a request


async def test_a_missing_end_holds_back_neither_the_audio_nor_the_end_of_the_reply() -> None:
    async with at(Fault(kind="missing", on="end"), engine={"end_timeout": 60}) as (_, engine):
        assert (await say(engine)).audio == speech(TEXT)


async def test_a_connection_without_its_end_is_not_used_again() -> None:
    async with at(Fault(kind="missing", on="end"), engine={"end_timeout": 0.05}) as (service, engine):
        assert (await say(engine, ONE + TWO + THREE)).audio == speech(ONE) + silence() + speech(TWO) + silence() + speech(THREE)
        assert [entry.connection for entry in service.all("request")] == [1, 2, 2]


async def test_an_end_that_comes_a_little_later_is_waited_for() -> None:
    async with at(Fault(kind="stall", on="end"), engine={"end_timeout": 5}) as (service, engine):
        await say(engine, ONE)
        next_one = listening(engine, TWO)
        await service.saw("fault")
        service.faults.go_on()
        assert (await next_one.end()).audio == speech(TWO)
        assert len(service.all("connected")) == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="late", on="end"),
        Fault(kind="twice", on="end"),
        Fault(kind="twice", on="audio"),
        Fault(kind="garbage binary", on="end"),
        Fault(kind="garbage text", on="end"),
        Fault(kind="error", on="ended"),
        Fault(kind="server error", on="end"),
        Fault(kind="garbage binary", on="ended"),
        Fault(kind="unknown event", on="end"),
    ],
    ids=str,
)
async def test_what_comes_behind_a_wav_is_nobodys(fault: Fault) -> None:
    async with at(fault, engine={"end_timeout": 0.1, "stall_timeout": 2}) as (service, engine):
        assert (await say(engine, ONE + TWO)).audio == speech(ONE) + silence() + speech(TWO)
        assert (await say(engine, THREE)).audio == speech(THREE)
        assert len(service.requests) == 3


async def test_what_still_comes_of_the_request_before_is_ignored() -> None:
    """Its WAV again, its end and its failure: when the next one was asked already, and when that one has its name."""
    stale: list[str | bytes] = [wav(speech(THREE)), ended("one"), '{"status":"error","task_id":"one","message":"bad luck"}']
    answers: list[list[str | bytes]] = [
        [queued("one"), wav(speech(ONE)), ended("one")],
        [*stale, queued("two"), ended("one"), wav(speech(TWO)), ended("two")],
    ]

    async def talk(line: ServerConnection) -> None:
        async for _ in line:
            for answer in answers.pop(0):
                await line.send(answer)

    async with serve(talk, "127.0.0.1", 0, compression=None) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with made(url=url, stall_timeout=2) as engine:
            assert (await say(engine, ONE)).audio == speech(ONE)
            assert (await say(engine, TWO)).audio == speech(TWO)


@pytest.mark.parametrize("on", ["welcome", "queued", "start"])
@pytest.mark.parametrize("kind", ["missing", "twice", "unknown event"])
async def test_messages_that_bring_nothing_may_be_missing(kind: Any, on: Any) -> None:
    async with at(Fault(kind=kind, on=on, times=3)) as (_, engine):
        assert (await say(engine, ONE + TWO)).audio == speech(ONE) + silence() + speech(TWO)


async def test_a_connection_on_which_no_request_has_a_name_is_used_once() -> None:
    faults = [Fault(kind="missing", on="queued", times=9), Fault(kind="missing", on="start", times=9)]
    async with at(*faults) as (service, engine):
        assert (await say(engine, ONE + TWO)).audio == speech(ONE) + silence() + speech(TWO)
        assert len(service.all("connected")) == 2


# Time


async def test_a_handshake_is_waited_for_while_the_model_works_for_others() -> None:
    limits = {"first_audio_timeout": 0.2, "stall_timeout": 0.2}
    async with at(Fault(kind="stall", on="model")) as (service, other), made(url=service.url, **limits) as engine:
        stranger = listening(other, ONE)
        await service.saw("start")
        await stranger.stop()
        listener = listening(engine, TWO)
        with pytest.raises(TimeoutError):
            await service.saw("opened", 2, within=0.4)
        service.faults.go_on()
        assert (await listener.end()).audio == speech(TWO)


async def test_a_handshake_that_takes_too_long_is_told() -> None:
    async with at(Fault(kind="stall", on="handshake"), engine={"open_timeout": 0.1}) as (service, engine):
        with pytest.raises(EngineTimeout, match=r"The IndexTTS service did not accept a connection within 0.1 s \(voice mum"):
            await say(engine)
        assert len(service.all("connected")) == 1


LATE = [
    ("start", {"stall_timeout": 0.1}, "did not begin a session within 0.1 s"),
    ("queued", {"stall_timeout": 0.1}, "did not begin a session within 0.1 s"),
    ("model", {"stall_timeout": 0.1}, "sent no audio within 0.1 s"),
    ("start", {"first_audio_timeout": 0.1}, "sent no audio within 0.1 s"),
    ("model", {"first_audio_timeout": 0.1}, "sent no audio within 0.1 s"),
]


@pytest.mark.parametrize(("on", "limits", "words"), LATE, ids=str)
async def test_a_service_that_stalls_is_told_and_not_asked_again(on: Any, limits: dict[str, float], words: str) -> None:
    async with at(Fault(kind="stall", on=on), engine=limits) as (service, engine):
        with pytest.raises(EngineTimeout, match=words):
            await say(engine)
        assert len(service.requests) == 1
        await service.saw("closed", within=5)


async def test_the_start_is_progress() -> None:
    faults = [Fault(kind="stall", on="start", seconds=0.3), Fault(kind="stall", on="model", seconds=0.3)]
    async with at(*faults, engine={"stall_timeout": 0.5}) as (_, engine):
        assert (await say(engine)).audio == speech(TEXT)


async def test_a_place_in_the_queue_is_no_progress() -> None:
    faults = [Fault(kind="stall", on="queued", seconds=0.3), Fault(kind="stall", on="start", seconds=0.3)]
    async with at(*faults, engine={"stall_timeout": 0.5}) as (_, engine):
        with pytest.raises(EngineTimeout, match=r"did not begin a session within 0.5 s"):
            await say(engine)


async def test_nothing_is_left_when_the_service_was_never_there() -> None:
    async with simulator(is_open=False) as gone, made(url=gone.url) as engine:
        with pytest.raises(EngineUnavailable, match="cannot be reached"):
            await say(engine)
