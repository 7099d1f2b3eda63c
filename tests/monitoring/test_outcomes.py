"""A whole server: whatever becomes of a reply, on whatever front end, it is told and counted once, and rightly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol, cast

import pytest

from wyoming_server.monitoring.usage import described as usage_of
from wyoming_server.server import Running

from ..frontends import flowing_client, indextts_client, speech_serving
from ..frontends.flowing_client import FlowingClient
from ..frontends.http_client import RawClient
from ..frontends.indextts_client import IndexClient
from ..frontends.openai_serving import http_of, post
from ..serving import TONE, Client, serving, tone_of
from .watching import SESSION, Told, told_by, value, watched

VOICES = (
    TONE.replace("port: 0}", "port: 0, indextts_port: 0}").replace("{tone: ", "{other: {type: tone}, tone: ")
    + """
voices:
  plain: {engine: tone, voice: tone}
  stalls: {engine: tone, voice: tone, stall_at: 0.2}
  fails: {engine: tone, voice: tone, fail_at: 0.2}
  unavailable: {engine: tone, voice: tone, fail_at: 0, fail_with: engine_unavailable}
"""
)
TEXT = "This **text** is spoken, but for its stars."
SPOKEN = len(TEXT) - len("****")
"""Characters that the engine is given of it."""


class Caller(Protocol):
    """A client that asks for one reply."""

    async def ask(self, voice: str) -> None: ...

    async def hear(self) -> None:
        """Whatever comes, to its end."""

    def reset(self) -> None:
        """Leave as a machine does that lost its power."""


class RuleBreaker(Caller, Protocol):
    """One that can while it hears something."""

    async def break_rules(self) -> None: ...


class WyomingCaller:
    def __init__(self, client: Client) -> None:
        self._client = client

    async def ask(self, voice: str) -> None:
        self._client.send("synthesize", text=TEXT, voice={"name": voice})

    async def hear(self) -> None:
        await self._client.heard("audio-stop")

    def reset(self) -> None:
        self._client.writer.transport.abort()

    async def break_rules(self) -> None:
        self._client.writer.write(b"no event\n")


class WebsocketCaller:
    def __init__(self, client: FlowingClient) -> None:
        self._client = client

    async def ask(self, voice: str) -> None:
        await self._client.start(voice=voice)
        await self._client.run(TEXT)
        await self._client.stop()

    async def hear(self) -> None:
        await self._client.heard(*flowing_client.END)

    def reset(self) -> None:
        self._client.reset()

    async def break_rules(self) -> None:
        await self._client.start(task_id="another")


class OpenAICaller:
    def __init__(self, client: RawClient) -> None:
        self._client = client

    async def ask(self, voice: str) -> None:
        self._client.writer.write(post({"voice": voice, "input": TEXT, "model": "tts-1"}, "Connection: close\r\n"))

    async def hear(self) -> None:
        async with asyncio.timeout(10):
            await self._client.reader.read()

    def reset(self) -> None:
        self._client.writer.transport.abort()


class IndexTtsCaller:
    def __init__(self, client: IndexClient) -> None:
        self._client = client

    async def ask(self, voice: str) -> None:
        await self._client.ask(TEXT, prompt_audio=voice)

    async def hear(self) -> None:
        await self._client.heard()

    def reset(self) -> None:
        self._client.reset()


class ApiCaller:
    def __init__(self, client: RawClient) -> None:
        self._client = client

    async def ask(self, voice: str) -> None:
        self._client.writer.write(speech_serving.post({"voice": voice, "text": TEXT}, "Connection: close\r\n"))

    async def hear(self) -> None:
        async with asyncio.timeout(10):
            await self._client.reader.read()

    def reset(self) -> None:
        self._client.writer.transport.abort()


@asynccontextmanager
async def wyoming(server: Running) -> AsyncIterator[Caller]:
    async with await Client.connect(server) as client:
        yield WyomingCaller(client)


@asynccontextmanager
async def websocket(server: Running) -> AsyncIterator[Caller]:
    async with flowing_client.connected(server) as client:
        yield WebsocketCaller(client)


@asynccontextmanager
async def openai(server: Running) -> AsyncIterator[Caller]:
    async with await RawClient.connect(http_of(server)) as client:
        yield OpenAICaller(client)


@asynccontextmanager
async def indextts(server: Running) -> AsyncIterator[Caller]:
    async with indextts_client.connected(server) as client:
        yield IndexTtsCaller(client)


@asynccontextmanager
async def api(server: Running) -> AsyncIterator[Caller]:
    async with await RawClient.connect(http_of(server)) as client:
        yield ApiCaller(client)


FRONT_ENDS: dict[str, Callable[[Running], AbstractAsyncContextManager[Caller]]] = {
    "wyoming": wyoming,
    "websocket": websocket,
    "openai": openai,
    "indextts": indextts,
    "api": api,
}
every_front_end = pytest.mark.parametrize("front_end", FRONT_ENDS)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[tuple[Running, Told]]:
    async with watched(tmp_path, VOICES) as scene:
        yield scene


async def whole(server: Running, told: Told, front_end: str, outcome: str) -> dict[str, Any]:
    """What a reply was told to be at its end; exactly that is counted, and nothing else."""
    end = dict((await told.until("session_ended")).data)
    (started,) = told.of("session_started")
    assert [name for _, name in told.sessions] == list(SESSION)
    assert len({name for name, _ in told.sessions}) == 1
    assert (started["front_end"], started["client"]) == (end["front_end"], end["client"])
    assert (end["front_end"], end["engine"], end["outcome"]) == (front_end, "tone", outcome)
    monitor = server.monitor
    assert not monitor.sessions()
    assert value(monitor, "herald_sessions", front_end=front_end) == 0
    assert value(monitor, "herald_requests_total", engine="tone", front_end=front_end, outcome=outcome) == 1
    assert value(monitor, "herald_first_audio_seconds_count", engine="tone") == 1
    assert value(monitor, "herald_characters_total", engine="tone") == end["characters"] == SPOKEN
    assert value(monitor, "herald_audio_seconds_total", engine="tone") == pytest.approx(end["audio_seconds"], abs=1e-3)
    assert sum(event.characters for event in tone_of(server).journal if event.what == "started") == SPOKEN
    used = usage_of(monitor.usage)["engines"]
    assert isinstance(used, dict)
    assert (used["tone"]["requests"], used["tone"][outcome], used["tone"]["characters"]) == (1, 1, SPOKEN)
    return end


@every_front_end
async def test_one_that_is_completed(scene: tuple[Running, Told], front_end: str) -> None:
    server, told = scene
    async with FRONT_ENDS[front_end](server) as caller:
        await caller.ask("plain")
        await caller.hear()
        end = await whole(server, told, front_end, "completed")
    assert (end["voice"], end["code"], end["interrupt_seconds"]) == ("plain", None, None)
    assert end["audio_seconds"] == pytest.approx(SPOKEN * 0.01, abs=0.005)
    assert [(data["name"], data["state"]) for data in told.of("engine")] == [("tone", "ready")]
    assert value(server.monitor, "herald_engine_state", engine="tone", state="ready") == 1
    assert value(server.monitor, "herald_engine_state", engine="tone", state="untried") == 0
    assert value(server.monitor, "herald_engine_state", engine="other", state="untried") == 1


@every_front_end
async def test_one_that_is_interrupted(scene: tuple[Running, Told], front_end: str) -> None:
    server, told = scene
    async with FRONT_ENDS[front_end](server) as caller:
        await caller.ask("stalls")
        await told.until("session_speaking")
        (session,) = server.monitor.sessions()
        assert value(server.monitor, "herald_sessions", front_end=front_end) == 1
        session.interrupt()
        await caller.hear()
        end = await whole(server, told, front_end, "interrupted")
    assert end["code"] == "interrupted"
    assert 0 <= end["interrupt_seconds"] < 1
    assert value(server.monitor, "herald_interrupt_seconds_count") == 1
    assert value(server.monitor, "herald_interrupt_seconds_sum") == end["interrupt_seconds"]
    assert server.monitor.errors.described() == []


@every_front_end
async def test_one_that_fails(scene: tuple[Running, Told], front_end: str) -> None:
    server, told = scene
    async with FRONT_ENDS[front_end](server) as caller:
        await caller.ask("fails")
        await caller.hear()
        end = await whole(server, told, front_end, "failed")
    assert (end["code"], end["message"]) == ("engine_failed", "The engine tone failed at 0.20 s, as its script says.")
    assert value(server.monitor, "herald_errors_total", engine="tone", code="engine_failed") == 1
    (kept,) = server.monitor.errors.described()
    assert {name: kept[name] for name in ("session", "voice", "engine", "front_end")} == {
        "session": end["id"],
        "voice": "fails",
        "engine": "tone",
        "front_end": front_end,
    }
    assert [data["state"] for data in told.of("engine")] == ["ready"]  # it spoke before


@every_front_end
async def test_one_whose_listener_leaves(scene: tuple[Running, Told], front_end: str) -> None:
    server, told = scene
    async with FRONT_ENDS[front_end](server) as caller:
        await caller.ask("stalls")
        await told.until("session_speaking")
        caller.reset()
        end = await whole(server, told, front_end, "left")
    assert (end["code"], end["message"], end["interrupt_seconds"]) == (None, None, None)
    assert server.monitor.errors.described() == []


@every_front_end
async def test_an_engine_that_is_not_available_is_so_until_it_speaks_again(scene: tuple[Running, Told], front_end: str) -> None:
    server, told = scene
    for voice in ("unavailable", "plain"):
        async with FRONT_ENDS[front_end](server) as caller:
            await caller.ask(voice)
            await caller.hear()
            await told.until("session_ended")
    assert [data["state"] for data in told.of("engine")] == ["unavailable", "ready"]
    assert [data["first_audio"] is None for data in told.of("session_ended")] == [True, False]


@pytest.mark.parametrize("front_end", ["wyoming", "websocket"])
async def test_one_whose_connection_fails_meanwhile(scene: tuple[Running, Told], front_end: str) -> None:
    server, told = scene
    async with FRONT_ENDS[front_end](server) as caller:
        await caller.ask("stalls")
        await told.until("session_speaking")
        await cast("RuleBreaker", caller).break_rules()
        end = await whole(server, told, front_end, "failed")
    assert end["code"] == "protocol"
    assert value(server.monitor, "herald_errors_total", engine="tone", code="protocol") == 1


async def test_those_in_line_behind_one_that_fails_fail_with_it(scene: tuple[Running, Told]) -> None:
    server, told = scene
    async with wyoming(server) as caller:
        for voice in ("fails", "plain"):
            await caller.ask(voice)
        await caller.hear()
        ends = [(await told.until("session_ended")).data for _ in range(2)]
    assert [(end["voice"], end["outcome"], end["code"]) for end in ends] == [
        ("fails", "failed", "engine_failed"),
        ("plain", "failed", "engine_failed"),
    ]
    used = usage_of(server.monitor.usage)["engines"]
    assert isinstance(used, dict)
    assert (used["tone"]["requests"], used["tone"]["failed"]) == (1, 1)


async def test_the_engine_is_known_while_a_reply_waits_in_line(scene: tuple[Running, Told]) -> None:
    server, told = scene
    async with wyoming(server) as caller:
        for voice in ("stalls", "plain"):
            await caller.ask(voice)
        await told.until("session_speaking")
        assert [data["engine"] for data in told.of("session_started")] == ["tone", "tone"]
        shown = [server.monitor.described(session) for session in server.monitor.sessions()]
        assert [(data["state"], data["engine"]) for data in shown] == [("speaking", "tone"), ("waiting", "tone")]


async def test_what_is_refused_before_it_is_a_reply_is_none(scene: tuple[Running, Told]) -> None:
    server, told = scene
    async with wyoming(server) as caller:
        await caller.ask("nobody")
        await caller.hear()
    server.monitor.close()
    assert [event.name for event in await told.all()] == ["bye"]


async def test_what_runs_at_a_shutdown_is_counted_and_goodbye_is_the_last_that_is_told(tmp_path: Path) -> None:
    async with AsyncExitStack() as after:
        async with serving(tmp_path, VOICES) as server:
            told = after.enter_context(told_by(server.monitor))
            for name in ("wyoming", "websocket"):
                caller = await after.enter_async_context(FRONT_ENDS[name](server))
                await caller.ask("stalls")
                await told.until("session_speaking")
        assert (await told.all())[-1].name == "bye"
    for name in ("wyoming", "websocket"):
        ended = {"engine": "tone", "front_end": name, "outcome": "interrupted"}
        assert value(server.monitor, "herald_requests_total", **ended) == 1
        assert value(server.monitor, "herald_sessions", front_end=name) == 0
