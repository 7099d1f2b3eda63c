"""How sessions of /ws/v1/tts end before their time: by an error, a client that leaves or a server that stops."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest

from wyoming_server.engines.base import EngineEvent, Utterance
from wyoming_server.errors import EngineError
from wyoming_server.server import Running

from ..serving import ended, serving, tone, tone_of, until
from .flowing_client import END, FlowingClient, Heard, connected
from .flowing_serving import LONG, STREAMING, alone, make_slow, replace_engine, speaking


@pytest.fixture
async def client(server: Running) -> AsyncIterator[FlowingClient]:
    async with connected(server) as client:
        yield client


# Wrong messages


async def failed(client: FlowingClient) -> Heard:
    """The failure, and the close behind it."""
    heard = await client.heard()
    assert heard.names[-1] == "TaskFailed"
    assert client.socket.close_code == aiohttp.WSCloseCode.OK
    return heard


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["RunSynthesis"], "RunSynthesis is out of order: no session was started"),
        (["StopSynthesis"], "StopSynthesis is out of order: no session was started"),
        (["StartSynthesis", "StartSynthesis"], "StartSynthesis is out of order: a session is running"),
        (["StartSynthesis", "StopSynthesis", "StartSynthesis"], "the session's text was finished|a session needs a new id"),
        (["StartSynthesis", "StopSynthesis", "RunSynthesis"], "the session's text was finished|the session is over"),
        (["StartSynthesis", "StopSynthesis", "StopSynthesis"], "the session's text was finished|the session is over"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
async def test_what_is_out_of_order_is_a_failure(client: FlowingClient, names: list[str], words: str) -> None:
    client.task_id = uuid4().hex
    for name in names:
        await client.send(name, {"text": "Hello."} if name == "RunSynthesis" else {})
    heard = await failed(client)
    assert heard.status in (40_010_005, 40_000_002)
    assert re.search(words, heard.failure)
    assert heard.last["header"]["task_id"] == client.task_id


@pytest.mark.parametrize("name", ["RunSynthesis", "StopSynthesis"])
async def test_text_behind_the_end_of_a_session_is_a_failure(client: FlowingClient, name: str) -> None:
    await client.say("Hello.")
    await client.send(name, {"text": "More."})
    heard = await failed(client)
    assert heard.status == 40_010_005
    assert heard.failure == f"{name} is out of order: the session is over."


@pytest.mark.parametrize("name", ["RunSynthesis", "StopSynthesis", "CancelSynthesis"])
async def test_a_foreign_task_id_is_a_failure_and_ends_the_session(server: Running, client: FlowingClient, name: str) -> None:
    await speaking(client)
    await client.send(name, {"text": "Hello."}, task_id=uuid4().hex)
    heard = await failed(client)
    assert heard.status == 40_000_002
    assert heard.last["header"]["task_id"] == client.task_id
    assert "task_id" in heard.failure
    await ended(tone_of(server), "cancelled")


@pytest.mark.parametrize(
    ("message", "status", "words"),
    [
        ("", 40_000_002, "not JSON"),
        ("nonsense", 40_000_002, "not JSON"),
        ('{"header":', 40_000_002, "not JSON"),
        ("[" * 100_000, 40_000_002, "not JSON"),
        ("[]", 40_000_002, "not a JSON object"),
        ("{}", 40_000_002, "no name"),
        ('{"header": []}', 40_000_002, "no name"),
        (b"", 40_000_002, "binary message"),
        (bytes(3_000_000), 40_000_002, "binary message"),
        ('{"x": "%s"}' % ("x" * (1 << 20)), 40_000_001, r"1048585 characters; 1048576 are allowed"),
        ('{"x": "%s"}' % ("好" * (1 << 20)), 40_000_001, r"1048585 characters; 1048576 are allowed"),
    ],
    ids=lambda value: repr(value)[:20],
)
async def test_messages_that_are_none_are_a_failure(client: FlowingClient, message: str | bytes, status: int, words: str) -> None:
    await (client.socket.send_str(message) if isinstance(message, str) else client.socket.send_bytes(message))
    heard = await failed(client)
    assert heard.status == status
    assert re.search(words, heard.failure)


@pytest.mark.parametrize("text", [3, None, ["a"], {}])
async def test_text_that_is_no_text_is_a_failure(client: FlowingClient, text: object) -> None:
    await client.start()
    await client.send("RunSynthesis", {"text": text})
    assert (await failed(client)).status == 40_000_002


async def test_a_message_beyond_all_measure_closes_the_connection(server: Running, client: FlowingClient) -> None:
    await client.start(options=LONG)
    await client.run("a" * 100)
    await client.heard("audio")
    with contextlib.suppress(ConnectionError):  # nobody reads the rest of it
        await client.socket.send_str("x" * (5 << 20))
    await ended(tone_of(server), "cancelled")


@pytest.mark.parametrize("pieces", [1, 6])
async def test_text_beyond_the_limit_is_a_failure_with_both_numbers(client: FlowingClient, pieces: int) -> None:
    await client.start(options={"delay": 10})
    for _ in range(pieces):
        await client.run("a" * (60_000 // pieces))
    heard = await failed(client)
    assert heard.status == 40_000_001
    assert re.search(r"60000 .*; 50000 are allowed", heard.failure)


async def test_unknown_messages_are_ignored(client: FlowingClient) -> None:
    await client.send("FlushSynthesis")
    await client.start()
    await client.send("FlushSynthesis")
    await client.run("Hello.")
    await client.send("FlushSynthesis")
    await client.stop()
    assert (await client.heard(*END)).audio == tone(6)


async def test_text_that_does_not_go_on_is_an_idle_failure(tmp_path: Path) -> None:
    async with alone(tmp_path, text_timeout=0.1) as server, connected(server.http) as client:
        await client.start()
        heard = await failed(client)
        assert heard.names == ["SynthesisStarted", "TaskFailed"]
        assert heard.status == 40_000_004
        assert "0.1 s (http.text_timeout)" in heard.failure


async def test_a_client_that_starts_nothing_is_an_idle_failure(tmp_path: Path) -> None:
    async with alone(tmp_path, text_timeout=0.1) as server, connected(server.http) as client:
        heard = await failed(client)
        assert heard.status == 40_000_004
        assert "0.1 s (http.text_timeout)" in heard.failure


async def test_a_client_that_stays_behind_its_session_is_let_go_without_a_failure(tmp_path: Path) -> None:
    async with alone(tmp_path, text_timeout=0.2) as server, connected(server.http) as client:
        assert (await client.say("a" * 40, pace=0)).names[-1] == "SynthesisCompleted"  # this takes longer, and is no idling
        assert await client.closed()


# Engines that fail


async def test_a_failure_before_any_audio_is_told(client: FlowingClient) -> None:
    await client.start(options={"fail_at": 0, "fail_with": "engine_unavailable"})
    await client.run("Hello.")
    heard = await failed(client)
    assert heard.names == ["SynthesisStarted", "TaskFailed"]
    assert heard.status == 50_000_000
    assert heard.last["header"]["task_id"] == client.task_id
    assert "as its script says" in heard.failure


async def test_a_failure_in_the_middle_is_told_and_nothing_is_completed(client: FlowingClient) -> None:
    heard = await client.say("a" * 100, options={"fail_at": 0.5})
    assert heard.names == ["SynthesisStarted", "SentenceBegin", "audio", "TaskFailed"]
    assert heard.status == 50_000_000
    assert await client.closed()


async def test_a_failure_is_read_by_a_client_that_goes_on_writing(client: FlowingClient) -> None:
    await client.start(options={"fail_at": 0.02})
    await client.run("Hello. ")
    with contextlib.suppress(ConnectionError):
        for _ in range(200):
            await client.run("More text. ")
            await asyncio.sleep(0)
    assert (await failed(client)).status == 50_000_000


async def test_text_behind_a_failure_is_ignored_until_the_client_closes(client: FlowingClient) -> None:
    await client.start(voice="nobody")
    await client.run("Hello.", "And again.")
    await client.stop()
    heard = await failed(client)
    assert heard.names == ["TaskFailed"]


@pytest.mark.parametrize("foreign", [ValueError, ConnectionResetError, TimeoutError, StopAsyncIteration, asyncio.CancelledError])
@pytest.mark.parametrize("after", [0, 1])
async def test_an_engine_that_breaks_its_contract_is_still_a_failure(
    server: Running, client: FlowingClient, monkeypatch: pytest.MonkeyPatch, foreign: type[BaseException], after: int
) -> None:
    async def speak(text: str, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        for _ in range(after):
            yield tone(10)
        raise foreign

    replace_engine(server, monkeypatch, speak)
    await client.start()
    await client.run("Hello.")
    await client.stop()
    heard = await failed(client)
    assert heard.status == 50_000_000


async def test_a_cancellation_that_nobody_asked_for_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def speak(text: str, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        yield tone(10)
        raise asyncio.CancelledError

    async with serving(tmp_path, STREAMING) as server, connected(server) as client:
        replace_engine(server, monkeypatch, speak)
        await client.start()
        await client.run("Hello.")
        assert (await failed(client)).failure == "Herald failed; its log says why."


async def test_an_error_among_others_is_the_one_that_is_told(
    server: Running, client: FlowingClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def speak(text: str, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        yield tone(10)
        msg = "Both"
        raise ExceptionGroup(msg, [ExceptionGroup(msg, [EngineError("The voice is gone.")]), ValueError()])

    replace_engine(server, monkeypatch, speak)
    assert (await client.say("Hello.")).failure == "The voice is gone."


@pytest.mark.parametrize("wrong", [FlowingClient.start, lambda client: client.socket.send_bytes(b"")], ids=["order", "message"])
async def test_a_failure_is_told_before_a_slow_engine_has_ended(
    server: Running,
    client: FlowingClient,
    monkeypatch: pytest.MonkeyPatch,
    wrong: Callable[[FlowingClient], Awaitable[None]],
) -> None:
    taken = make_slow(server, monkeypatch)
    await client.start()
    await client.run("Hello.")
    await client.heard("audio")
    await wrong(client)
    assert {*(await client.heard("TaskFailed")).names} <= {"audio", "TaskFailed"}  # audio that was on its way
    taken.set()
    assert await client.closed()


# Clients that leave


@pytest.mark.parametrize("how", ["closes", "hangs up", "resets"])
@pytest.mark.parametrize("reads", [True, False])
async def test_a_client_that_leaves_stops_the_engine(server: Running, how: str, *, reads: bool) -> None:
    async with connected(server) as client:
        await speaking(client, options=LONG if reads else {"piece": 1, "per_character": 1})
        left = asyncio.get_running_loop().time()
        if how == "closes":
            await client.socket.close()
        elif how == "hangs up":
            client.transport.abort()
        else:
            client.reset()
        assert await ended(tone_of(server), "cancelled") - left < 0.2


async def test_nothing_is_left_behind(tmp_path: Path) -> None:
    async with alone(tmp_path) as server:
        before = asyncio.all_tasks()
        for last in (FlowingClient.stop, FlowingClient.cancel, FlowingClient.start, None):
            async with connected(server.http) as client:
                await client.start()
                await client.run("Hello. ")
                if last is not None:
                    await last(client)
        async with connected(server.http) as client:
            await client.start()  # and leaves before anything of it has begun
        await asyncio.wait_for(server.sessions.until_idle(), 5)
        await until(lambda: asyncio.all_tasks() <= before)
        assert not list(server.sessions)


async def test_a_client_that_reads_nothing_is_given_up(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with alone(tmp_path, write_timeout=0.2) as server, connected(server.http) as client:
        client.transport.pause_reading()
        await client.start(options={"piece": 0.5, "per_character": 1})
        await client.run("a" * 1000)
        engine = server.speech.engines["tone"]
        await until(lambda: any(event.what == "cancelled" for event in engine.journal))  # type: ignore[attr-defined]
        await asyncio.wait_for(server.sessions.until_idle(), 5)
        client.transport.resume_reading()
        await client.heard_what_was_on_its_way()
        assert client.socket.close_code == aiohttp.WSCloseCode.ABNORMAL_CLOSURE
        assert "reads no more" in caplog.text


# The server's end


async def test_a_shutdown_is_told_to_whoever_is_spoken_to(tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(tmp_path))
        engine = tone_of(server)
        async with connected(server) as client:
            await speaking(client)
            closing = asyncio.create_task(stack.aclose())
            heard = await failed(client)
            assert heard.status == 50_000_000
            assert heard.failure == "Herald is shutting down."
            await asyncio.wait_for(closing, 5)
        assert [event.what for event in engine.journal] == ["started", "cancelled"]


async def test_a_slow_engine_does_not_swallow_the_reason_of_a_shutdown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(tmp_path))
        taken = make_slow(server, monkeypatch)
        async with connected(server) as client:
            await client.start()
            await client.run("Hello.")
            await client.heard("audio")
            closing = asyncio.create_task(stack.aclose())
            assert (await client.heard("TaskFailed")).failure == "Herald is shutting down."
            taken.set()
            await asyncio.wait_for(closing, 3)


@pytest.mark.parametrize("before", ["nothing", "a whole session", "a start"])
async def test_a_shutdown_lets_idle_clients_go(tmp_path: Path, before: str) -> None:
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(tmp_path))
        async with connected(server) as client:
            if before == "a whole session":
                await client.say("Hello.")
            elif before == "a start":
                await client.start()
                await client.heard("SynthesisStarted")
            closing = asyncio.create_task(stack.aclose())
            heard = await client.heard()
            assert heard.names == (["TaskFailed"] if before == "a start" else [])
            assert client.socket.close_code == (1000 if before == "a start" else 1001)
            await asyncio.wait_for(closing, 5)
