"""API v3: what goes wrong before the first audio is tried again, what goes wrong later is told at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.server import serve
from websockets.datastructures import Headers
from websockets.http11 import Response

from wyoming_server.channel import Channel
from wyoming_server.engines.openspeech.connection import failure_of
from wyoming_server.errors import (
    EngineBusy,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    HeraldError,
    TextTimeout,
    VoiceRefused,
)
from wyoming_server.models import MarkKind
from wyoming_server.protocols.openspeech_frame import Failure
from wyoming_server.protocols.openspeech_v3 import Event, Message
from wyoming_server.upstream import attempts
from wyoming_server.upstream.websocket import open_websocket

from ...simulators.openspeech import Account, Fault, OpenSpeechSimulator, Told
from ...standstill import awake
from ...writing import Writer, written
from .hearing import ENGLISH, HOW, LONG, Heard, Listener, hear, sessions, speaking, until_free
from .speaking import pcm

pytestmark = pytest.mark.usefixtures("nothing_is_left")

SAID = "The kettle is boiling now."
BROKEN = ("random bytes", "truncated frame", "unknown type")
ENDED = ("close", "drop", "reset")


@pytest.fixture(autouse=True)
def short_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "PAUSE", 0.02)


async def failing(listener: Listener, error: type[Exception], says: str) -> Heard:
    async with asyncio.timeout(5):
        with pytest.raises(error, match=says):
            await listener.task
    return listener.heard


def tried(service: OpenSpeechSimulator) -> int:
    return service.counters.sessions_ever


# Before the first audio


@pytest.mark.parametrize("stage", ["start", "audio"])
@pytest.mark.parametrize("kind", [*ENDED, *BROKEN, "text frame"])
async def test_what_breaks_before_the_first_audio_is_tried_again(kind: Any, stage: Any) -> None:
    async with speaking() as (service, engine):
        service.faults.add(Fault(kind=kind, on=stage))
        heard = await hear(engine, SAID)
        assert heard.audio == pcm(SAID)
        assert len(heard.marks) == 2
        assert (await hear(engine, SAID)).audio == pcm(SAID)


@pytest.mark.parametrize("how", ["event", "frame", "gzip frame", "text"])
@pytest.mark.parametrize("stage", ["start", "audio", "connection"])
async def test_a_busy_service_is_asked_again_however_it_says_so(how: Any, stage: Any) -> None:
    async with speaking() as (service, engine):
        service.faults.add(Fault(kind="error", code=55000030, how=how, on=stage, times=3))
        assert (await hear(engine, SAID)).audio == pcm(SAID)
        assert len(service.all("fault")) == 3
        assert not service.all("refused")


@pytest.mark.parametrize("stage", ["connection", "start", "audio", "handshake"])
async def test_trying_ends_with_the_time_for_first_audio(stage: Any) -> None:
    async with speaking(engine={"first_audio_timeout": 0.4}) as (service, engine):
        kind: Any = "refuse" if stage == "handshake" else "error"
        service.faults.add(Fault(kind=kind, code=55000030, on=stage, times=999))
        begun = awake()
        await failing(Listener(engine, written(SAID)), EngineBusy, "too much to do")
        assert awake() - begun < 0.5
        assert 1 < len(service.all("fault")) < 8


async def test_every_attempt_takes_of_the_same_time() -> None:
    """Though each begins its session, and is sent its text, anew."""
    async with speaking(engine={"first_audio_timeout": 0.5}, delay=0.2) as (service, engine):
        service.faults.add(Fault(kind="error", code=55000030, on="audio", times=999))
        begun = awake()
        await failing(Listener(engine, written(SAID)), EngineError, "sent no audio|too much to do")
        assert awake() - begun < 0.6
        assert tried(service) <= 3


async def test_what_no_second_try_can_mend_is_told_at_once() -> None:
    async with speaking(account=Account(resources=frozenset({"seed-tts-1.0"}))) as (service, engine):
        await failing(Listener(engine, written(SAID)), VoiceRefused, "may not use the voice")
        assert tried(service) == 0
        assert len(service.all("refused")) == 1


@pytest.mark.parametrize(
    ("status", "error"), [(401, EngineError), (403, EngineError), (404, EngineUnavailable), (418, EngineError)]
)
async def test_a_refused_handshake_is_told_with_its_status_and_what_to_do(status: int, error: type[HeraldError]) -> None:
    async with speaking() as (service, engine):
        service.faults.add(Fault(kind="refuse", on="handshake", status=status, message="no"))
        await failing(Listener(engine, written(SAID)), error, r"(check|see) .*'no'")
        assert len(service.all("handshake")) == 1


@pytest.mark.parametrize("stage", ["handshake", "connection"])
async def test_a_connection_that_never_is_ready_is_given_up(stage: Any) -> None:
    async with speaking(engine={"first_audio_timeout": 0.2}) as (service, engine):
        service.faults.add(Fault(kind="stall", on=stage))
        begun = awake()
        await failing(Listener(engine, written(SAID)), EngineTimeout, "did not accept a connection within 0.2 s")
        assert awake() - begun < 0.3
        assert (await hear(engine, SAID)).audio == pcm(SAID)


@pytest.mark.parametrize(("stage", "says"), [("start", "did not begin a session"), ("audio", "sent no audio")])
async def test_a_service_that_stalls_before_the_first_audio_is_given_up(stage: Any, says: str) -> None:
    async with speaking(engine={"first_audio_timeout": 0.2, "concurrency": 1}) as (service, engine):
        service.faults.add(Fault(kind="stall", on=stage))
        await failing(Listener(engine, written(SAID)), EngineTimeout, f"{says} within 0.2 s")
        await service.saw("cancelled", within=5)
        await until_free(engine)
        assert (await hear(engine, SAID)).audio == pcm(SAID)


async def test_nobody_listens_at_the_address() -> None:
    async with speaking(engine={"url": "ws://127.0.0.1:1", "first_audio_timeout": 0.3}) as (_, engine):
        await failing(Listener(engine, written(SAID)), EngineUnavailable, "cannot be reached at ws://127.0.0.1:1")


async def test_credentials_are_not_sent_where_a_redirect_points(monkeypatch: pytest.MonkeyPatch) -> None:
    async with speaking() as (service, _):

        def elsewhere(_connection: object, request: Any) -> Response:
            return Response(307, "Temporary Redirect", Headers({"Location": service.url + request.path, "Content-Length": "0"}))

        async def never(_connection: object) -> None: ...

        async with serve(never, "127.0.0.1", 0, process_request=elsewhere) as server:
            url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            async with speaking(engine={"url": url}) as (_, engine):
                await failing(Listener(engine, written(SAID)), EngineError, "307")
        assert not service.all("handshake")


# After it


@pytest.mark.parametrize("kind", ENDED)
async def test_a_connection_that_ends_mid_audio_ends_the_reply_in_words(kind: Any) -> None:
    async with speaking() as (service, engine):
        service.faults.add(Fault(kind=kind, on="audio", after=0.6))
        begun = awake()
        heard = await failing(Listener(engine, written(ENGLISH)), EngineUnavailable, r"not complete.*log id 02.*simulator")
        assert awake() - begun < 0.2
        assert pcm(ENGLISH).startswith(heard.audio)
        assert tried(service) == 1
        assert (await hear(engine, SAID)).audio == pcm(SAID)


@pytest.mark.parametrize("kind", BROKEN)
async def test_garbage_mid_audio_ends_the_reply_in_words(kind: Any) -> None:
    async with speaking() as (service, engine):
        service.faults.add(Fault(kind=kind, on="audio", after=0.6))
        heard = await failing(Listener(engine, written(ENGLISH)), EngineError, "cannot be read")
        assert heard.audio
        assert tried(service) == 1


@pytest.mark.parametrize("how", ["event", "frame", "text"])
async def test_an_error_mid_audio_is_told_and_nothing_repeated(how: Any) -> None:
    async with speaking() as (service, engine):
        service.faults.add(Fault(kind="error", code=55000030, how=how, on="audio", after=0.6))
        heard = await failing(Listener(engine, written(ENGLISH)), EngineBusy, "55000030 'server is busy'")
        assert heard.audio
        assert tried(service) == 1


async def test_a_service_that_stalls_mid_audio_is_given_up() -> None:
    async with speaking(engine={"gap_timeout": 0.2, "concurrency": 1}) as (service, engine):
        service.faults.add(Fault(kind="stall", on="audio", after=0.6))
        listener = Listener(engine, written(SAID))
        await listener.until_audio()
        begun = awake()
        await failing(listener, EngineTimeout, "sent no more audio within 0.2 s")
        assert awake() - begun < 0.35
        await service.saw("cancelled", within=5)
        await until_free(engine)


async def test_a_stall_mid_audio_is_found_while_text_is_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wyoming_server.engines.fragments.QUIET", 0.1)
    async with speaking(engine={"gap_timeout": 0.2}) as (service, engine):
        service.faults.add(Fault(kind="stall", on="audio", after=0.6))
        await failing(Listener(engine, written(LONG)), EngineTimeout, "sent no more audio")
        assert sum(map(len, sessions(service))) < 200


async def test_a_listener_may_be_slower_than_the_gap() -> None:
    async with speaking(engine={"gap_timeout": 0.1}) as (_, engine):
        events = engine.speak(aiter(written(ENGLISH)), HOW)
        audio = b""
        async for event in events:
            if isinstance(event, bytes):
                audio += event
                if len(audio) < 3 * len(event):
                    await asyncio.sleep(0.15)
        assert len(audio) == len(pcm(ENGLISH.rstrip()))


@pytest.mark.parametrize("kind", ["unknown event", "stale audio"])
async def test_what_nobody_asked_for_does_no_harm(kind: Any) -> None:
    async with speaking() as (service, engine):
        for after in (0, 0.6):
            service.faults.add(Fault(kind=kind, on="audio", after=after))
        assert (await hear(engine, SAID)).audio == pcm(SAID)


async def test_a_session_that_ends_without_audio_is_left_out_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    async with speaking() as (service, engine):
        heard = await hear(engine, "€", "", SAID)  # the simulator says no signs
        assert heard.audio == pcm(SAID)
        assert service.counters.sessions_ever == 2
        assert "made no audio of this text" in caplog.text
        assert "€" not in caplog.text


# Whose turn it is


async def test_the_time_for_first_audio_does_not_run_while_the_writer_is_slow() -> None:
    async with speaking(engine={"first_audio_timeout": 0.15}) as (service, engine):
        writer = Writer()
        listener = Listener(engine, writer)
        await asyncio.sleep(0.2)
        writer.write("The ")
        await service.saw("text")
        await asyncio.sleep(0.2)
        writer.write("kettle ")
        await service.saw("text", 2)
        await asyncio.sleep(0.2)
        writer.write("is boiling now.")
        writer.end()
        assert (await listener.end()).audio == pcm(SAID)


async def test_the_gap_does_not_run_while_the_writer_is_slow() -> None:
    async with speaking(engine={"gap_timeout": 0.1}) as (_, engine):
        writer = Writer("One. Two")
        listener = Listener(engine, writer)
        await listener.until_audio()
        await asyncio.sleep(0.25)
        writer.write(".")
        writer.end()
        assert (await listener.end()).texts() == ["One.", "Two."]


async def test_the_gap_does_not_run_while_the_reply_is_far_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wyoming_server.engines.openspeech.replies.LOOK_AHEAD", 1.0)
    monkeypatch.setattr("wyoming_server.engines.fragments.UNSPOKEN", 0.5)
    async with speaking(engine={"gap_timeout": 0.1}) as (service, engine):
        heard = await hear(engine, f"{SAID} {SAID} ")  # 1.6 s each
        assert heard.texts() == [SAID, SAID]
        first, second = service.all("text")
        assert (second.time_ns - first.time_ns) / 1e9 > 0.3


async def test_the_time_for_first_audio_does_not_run_in_line() -> None:
    async with speaking(engine={"first_audio_timeout": 0.2, "concurrency": 1}, pace=4) as (_, engine):
        first = Listener(engine, written(SAID))  # 0.4 s
        await first.until_audio()
        assert (await hear(engine, SAID)).audio == pcm(SAID)
        assert (await first.end()).audio == pcm(SAID)


# The writer's own


class NoMoreTextError(Exception):
    pass


@pytest.mark.parametrize(
    "error", [NoMoreTextError("no more"), EngineUnavailable("no more"), TimeoutError("no more"), TextTimeout("no more")]
)
@pytest.mark.parametrize("when", ["before", "mid-audio"])
async def test_the_writers_error_ends_the_reply_and_the_session(error: Exception, when: str) -> None:
    async with speaking(engine={"concurrency": 1}, pace=4) as (service, engine):
        writer = Writer(SAID if when == "mid-audio" else "The ")
        listener = Listener(engine, writer)
        await (listener.until_audio() if when == "mid-audio" else service.saw("text"))
        begun = awake()
        writer.end(error)
        with pytest.raises(type(error), match="no more"):
            await asyncio.wait_for(listener.task, 5)
        assert awake() - begun < 0.1
        await service.saw("cancelled", within=5)
        assert tried(service) == 1
        await until_free(engine)


async def test_a_writer_that_is_cancelled_ends_the_reply_in_words() -> None:
    async def cancelled(gate: Channel[None]) -> AsyncIterator[str]:
        yield "The "
        await anext(gate)

    gate: Channel[None] = Channel()
    async with speaking() as (service, engine):
        listener = Listener(engine, cancelled(gate))
        await service.saw("text")
        gate.end(asyncio.CancelledError())
        await failing(listener, EngineUnavailable, "broken off")


# What cannot be spoken

GOOD = ("The kettle is boiling.", "Take it off.", "Thank you.")


def unspeakable(where: str, **fault: Any) -> Fault:
    return Fault(kind="error", code=3011, on="audio", where=where, times=99, **fault)


@pytest.mark.parametrize("code", [3011, 45000000])
async def test_only_the_sentence_that_cannot_be_spoken_is_left_out(code: int, caplog: pytest.LogCaptureFixture) -> None:
    async with speaking() as (service, engine):
        service.faults.add(Fault(kind="error", code=code, message="illegal input text!", on="audio", where="Xyz", times=99))
        writer = Writer("Xyz xyz. ", "The kettle is boiling. ", "Take it off.")
        listener = Listener(engine, writer)
        writer.end()
        heard = await listener.end()
        assert heard.texts() == list(GOOD[:2])
        assert heard.audio == pcm(GOOD[0]) + pcm(GOOD[1])
        assert sessions(service)[1:] == ["Xyz xyz. ", "The kettle is boiling. ", "Take it off."]
        assert service.counters.connections_ever == 1
        assert caplog.text.count("left out a text") == 1


async def test_what_was_heard_before_an_unspeakable_sentence_is_not_repeated(caplog: pytest.LogCaptureFixture) -> None:
    async with speaking() as (service, engine):
        service.faults.add(unspeakable("Xyz"))
        heard = await hear(engine, f"{GOOD[0]} Xyz xyz. {GOOD[1]} {GOOD[2]}")
        assert heard.texts() == list(GOOD)
        assert heard.texts(MarkKind.SENTENCE_END) == list(GOOD)
        assert heard.audio.startswith(pcm(GOOD[0]))
        assert caplog.text.count("left out a text") == 1
        assert "Xyz" not in caplog.text


async def test_a_text_of_nothing_but_unspeakable_sentences_comes_to_an_end(caplog: pytest.LogCaptureFixture) -> None:
    async with speaking() as (service, engine):
        service.faults.add(unspeakable(""))
        assert (await hear(engine, "One. Two\n\nThree. Four", "", "Five.")).audio == b""
        assert caplog.text.count("left out a text") == tried(service) - 1 == 5


# Sessions that the service ends early


async def end_now(service: OpenSpeechSimulator) -> None:
    """When it has spoken all whole sentences, at a moment that no fault knows."""
    await asyncio.sleep(0.05)
    [talk] = service._talks.values()  # noqa: SLF001
    await talk.end_early(Told(code=0, message=""))


async def test_what_a_session_that_ended_early_did_not_speak_is_spoken_in_another() -> None:
    async with speaking() as (service, engine):
        service.faults.add(Fault(kind="early end", on="audio", where=GOOD[1]))
        writer = Writer(" ".join(GOOD), " And")
        listener = Listener(engine, writer)
        await service.saw("session", 2)
        writer.write(" bye.")
        writer.end()
        heard = await listener.end()
        assert heard.texts() == heard.texts(MarkKind.SENTENCE_END) == [*GOOD, "And bye."]
        assert sessions(service)[1].lstrip() == f"{GOOD[1]} {GOOD[2]} And bye."


async def test_half_a_sentence_is_not_lost_when_the_service_does_not_wait_for_the_rest() -> None:
    async with speaking() as (service, engine):
        writer = Writer("One. Two")
        listener = Listener(engine, writer)
        await listener.until_audio()
        await end_now(service)
        await service.saw("session", 2)
        writer.write(" and three.")
        writer.end()
        heard = await listener.end()
        assert heard.texts() == ["One.", "Two and three."]
        assert service.counters.connections_ever == 1


@pytest.mark.parametrize("telling", [str, None])
async def test_a_session_that_ends_early_behind_all_of_its_text_is_no_loss(telling: Any) -> None:
    async with speaking(telling=telling) as (service, engine):
        writer = Writer("One. ")
        listener = Listener(engine, writer)
        await listener.until_audio()
        await end_now(service)
        await asyncio.sleep(0.05)  # until that is known
        writer.write("Two.")
        writer.end()
        assert (await listener.end()).audio == pcm("One.") + pcm("Two.")
        assert sessions(service) == ["One. ", "Two."]


@pytest.mark.parametrize("telling", [str, None])
async def test_text_that_crosses_with_the_end_is_spoken_after_it_or_told_of(
    telling: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with speaking(telling=telling) as (service, engine):
        writer = Writer("One. ")
        listener = Listener(engine, writer)
        await listener.until_audio()
        await end_now(service)
        writer.write("Two.")
        writer.end()
        heard = await listener.end()
        spoken = heard.audio in (pcm("One.") + pcm("Two."), pcm("One.") + pcm(" Two."))
        assert spoken is (telling is str)
        assert ("no audio of the end" in caplog.text) is (telling is None)


async def test_a_session_that_ends_in_a_sentence_is_told_in_words() -> None:
    async with speaking() as (service, engine):
        service.faults.add(Fault(kind="early end", on="audio", after=0.6))
        writer = Writer(ENGLISH)
        heard = await failing(Listener(engine, writer), EngineError, "ended before all text was spoken")
        assert heard.audio
        assert tried(service) == 1


@pytest.mark.parametrize("telling", [None, lambda text: f"something else than {len(text)}"], ids=["untold", "reworded"])
async def test_text_that_may_have_been_spoken_or_not_is_told_in_words(telling: Any) -> None:
    async with speaking(telling=telling) as (service, engine):
        writer = Writer("One. ")
        listener = Listener(engine, writer)
        await listener.until_audio()
        writer.write("Two and")
        await service.saw("text", 2)
        await end_now(service)
        await failing(listener, EngineError, "ended before all text was spoken")
        assert tried(service) == 1


async def test_a_session_that_ends_early_unheard_is_tried_again() -> None:
    async with speaking() as (service, engine):
        service.faults.add(Fault(kind="early end", on="audio"))
        writer = Writer(SAID)
        listener = Listener(engine, writer)
        await listener.until_audio()
        writer.end()
        assert (await listener.end()).audio == pcm(SAID)
        assert sessions(service) == [SAID, SAID]


# How it is told


async def test_an_error_inside_a_session_that_finished_is_told() -> None:
    async with speaking() as (service, engine):
        service.faults.add(Fault(kind="early end", code=45000030, on="audio"))
        await failing(Listener(engine, written(SAID)), VoiceRefused, "45000030")
        assert tried(service) == 1


@pytest.mark.parametrize("event", [Event.SESSION_FAILED, Event.SESSION_FINISHED])
@pytest.mark.parametrize(
    "told",
    [
        {"status_code": 3011, "message": "no"},
        {"code": "3011", "msg": "no"},
        {"header": {"code": 3011, "message": "no"}},
        {"error": {"Code": "3011", "Message": "no"}},
    ],
)
def test_a_code_is_found_as_a_string_and_inside(event: Event, told: dict[str, Any]) -> None:
    assert failure_of(Message(event=event, id="1", payload=told)) == Failure(code=3011, message="no")


@pytest.mark.parametrize("status", [101, 403])
async def test_a_header_that_comes_twice_does_no_harm(status: int) -> None:
    cookies = Headers([("Set-Cookie", "a=1"), ("X-Tt-Logid", "02one"), ("Set-Cookie", "b=2"), ("Content-Length", "0")])

    def refuse(_connection: object, _request: object) -> Response | None:
        return Response(403, "Forbidden", cookies) if status == 403 else None

    def add(_connection: object, _request: object, response: Response) -> Response:
        for name in () if status == 403 else ("Set-Cookie", "X-Tt-Logid"):
            for value in cookies.get_all(name):
                response.headers[name] = value
        return response

    async def never(_connection: object) -> None: ...

    async with serve(never, "127.0.0.1", 0, process_request=refuse, process_response=add) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with speaking(engine={"url": url, "first_audio_timeout": 0.3}) as (_, engine):
            with pytest.raises(EngineError, match="closed the connection" if status == 101 else "log id 02one"):
                await hear(engine, SAID)
        if status == 101:
            socket = await open_websocket(url, {}, peer="OpenSpeech", message_max=100)
            assert (socket.headers["set-cookie"], socket.headers["x-tt-logid"]) == ("a=1, b=2", "02one")
            await socket.leave()
