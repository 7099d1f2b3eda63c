"""How replies end on the Wyoming front end when things go badly, and when they are not even begun."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import pytest

from wyoming_server.engines.base import EngineEvent, Utterance
from wyoming_server.errors import EngineError
from wyoming_server.server import Running

from ..serving import TONE, Client, ended, serving, tone, tone_of, until

Speak = Callable[[str, Utterance], AsyncGenerator[EngineEvent, None]]


def replace_engine(server: Running, monkeypatch: pytest.MonkeyPatch, speak: Speak) -> None:
    """The tone engine speaks its sentences like this instead."""
    monkeypatch.setattr(tone_of(server), "speak_sentence", speak)


async def test_a_request_in_line_is_replaced_in_its_session_too(client: Client) -> None:
    context = {"session_id": "s", "stall_at": 0.5}
    client.send("synthesize", text="A" * 100, context=context)
    client.send("synthesize", text="B" * 100, context=context)
    client.send("synthesize", text="Ten chars.", context={"session_id": "s"})
    first = await client.heard("error")
    second = await client.heard("error")
    assert [heard.error["code"] for heard in (first, second) if heard.error] == ["interrupted", "interrupted"]
    assert second.pcm == b""
    assert (await client.heard("audio-stop")).pcm == tone(10)


async def test_an_older_request_in_line_does_not_interrupt_a_newer_one(server: Running, client: Client) -> None:
    client.send("synthesize", text="A" * 100, context={"stall_at": 0.5, "session_id": "first"})
    client.send("synthesize", text="old", context={"session_id": "s"})
    await client.until("audio-chunk")
    async with await Client.connect(server) as other:
        other.send("synthesize", text="B" * 100, context={"session_id": "s", "pace": 5})
        await other.until("audio-chunk")
        client.writer.close()
        assert (await other.heard("audio-stop")).types[-1] == "audio-stop"


async def test_a_stream_in_line_is_replaced_though_its_text_never_ended(client: Client) -> None:
    client.send("synthesize", text="A" * 100, context={"pace": 10})
    client.send("synthesize-start", context={"session_id": "s"})
    client.send("synthesize-chunk", text="Never ended")
    client.stream(["Ten chars."], context={"session_id": "s"})
    assert (await client.heard("audio-stop")).pcm == tone(100)
    assert (await client.heard("error")).types == ["error"]
    assert (await client.heard("synthesize-stopped")).pcm == tone(10)


@pytest.mark.parametrize("foreign", [ValueError, ConnectionResetError, TimeoutError, StopAsyncIteration])
@pytest.mark.parametrize("after", [0, 1])
async def test_an_engine_that_breaks_its_contract_is_still_an_error(
    server: Running, client: Client, monkeypatch: pytest.MonkeyPatch, foreign: type[Exception], after: int
) -> None:
    async def speak(text: str, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        for _ in range(after):
            yield tone(10)
        raise foreign

    replace_engine(server, monkeypatch, speak)
    heard = await client.say("Hello.")
    assert heard.types[-1] == "error"
    assert heard.error is not None
    assert heard.error["code"] == "internal"


async def test_an_error_among_others_is_the_one_that_is_told(
    server: Running, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def speak(text: str, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        yield tone(10)
        msg = "Both"
        raise ExceptionGroup(msg, [ExceptionGroup(msg, [EngineError("The voice is gone.")]), ValueError()])

    replace_engine(server, monkeypatch, speak)
    heard = await client.say("Hello.")
    assert heard.error == {"text": "The voice is gone.", "code": "engine_failed"}


def make_slow(server: Running, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """The tone engine's upstream takes a cancel only when the event is set."""
    taken = asyncio.Event()

    async def speak(text: str, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        try:
            yield tone(10)
            await asyncio.Event().wait()
        finally:
            await taken.wait()

    replace_engine(server, monkeypatch, speak)
    return taken


async def test_a_listener_hears_of_an_interrupt_before_a_slow_engine_does(
    server: Running, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = make_slow(server, monkeypatch)
    client.send("synthesize", text="Hello.", context={"session_id": "s"})
    await client.until("audio-chunk")
    assert server.wyoming.sessions.interrupt("s")
    heard = await client.heard("error")
    assert heard.types == ["audio-chunk", "error"]  # the fade, and nothing behind it
    taken.set()
    assert await client.receive() is None


async def test_a_slow_engine_does_not_swallow_the_reason_of_a_shutdown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(tmp_path))
        taken = make_slow(server, monkeypatch)
        client = await Client.connect(server)
        client.send("synthesize", text="Hello.")
        await client.until("audio-chunk")
        closing = asyncio.create_task(stack.aclose())
        heard = await client.heard("error")
        assert heard.error is not None
        assert heard.error["code"] == "shutting_down"
        late = await Client.connect_or_none(server)
        assert late is None
        taken.set()
        await asyncio.wait_for(closing, 3)
    client.writer.close()


async def test_a_bad_request_behind_a_good_one_waits_for_its_turn(client: Client) -> None:
    client.send("synthesize", text="A" * 100, context={"pace": 10})
    client.send("synthesize", text="Hello.", context={"rate": 5})
    assert (await client.heard("audio-stop")).pcm == tone(100)
    assert (await client.heard()).types == ["error"]


async def test_a_client_that_only_stops_writing_is_told_too(server: Running, client: Client) -> None:
    client.send("synthesize", text="A" * 100, context={"stall_at": 0.5})
    await client.until("audio-chunk")
    client.writer.write_eof()
    heard = await client.heard()
    assert heard.types[-1] == "error"
    await ended(tone_of(server), "cancelled")


async def test_an_empty_fragment_means_nothing(client: Client) -> None:
    """Language models send them."""
    client.stream(["The kettle ", "is ", "boil", "", "ing now."])
    assert (await client.heard("synthesize-stopped")).pcm == tone(26)


async def test_a_long_text_with_nothing_to_say_keeps_nobody_waiting(server: Running, client: Client) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counting = asyncio.create_task(count())
    heard = await client.say("\n" * 50_000)
    counting.cancel()
    assert heard.types[-1] == "audio-stop"
    assert turns > 50


async def test_a_listener_that_stops_reading_gets_a_reset_and_little_was_ahead_of_it(tmp_path: Path) -> None:
    async with serving(tmp_path, write_timeout=0.2) as server:
        host, _, port = server.wyoming.uris[0].removeprefix("tcp://").rpartition(":")
        with contextlib.closing(socket.create_connection((host, int(port)))) as sock:
            sock.sendall(b'{"type": "synthesize", "data": {"text": "%b", "context": {"per_character": 1}}}\n' % (b"A" * 200))
            await until(lambda: not server.wyoming.clients and any(e.what == "cancelled" for e in tone_of(server).journal))
            received = 0
            with pytest.raises(ConnectionResetError) as reset:  # noqa: PT012  # the last of many reads
                while data := sock.recv(1 << 16):
                    received += len(data)
    assert reset.value.errno == errno.ECONNRESET
    assert received < 200 * 44_100 / 2


async def test_streaming_engines_are_cancelled_before_a_client_that_left_is_forgotten(tmp_path: Path) -> None:
    yaml = TONE.replace("tone: {", "tone: {streaming_text: true, ")
    async with serving(tmp_path, yaml) as server:
        async with await Client.connect(server) as client:
            client.send("synthesize", text="A" * 100, context={"stall_at": 0.5})
            await client.until("audio-chunk")
        await until(lambda: not server.wyoming.clients)
        assert [event.what for event in tone_of(server).journal] == ["started", "cancelled"]
