"""Time limits by meaning, the same for every engine that asks a service: one that stalls holds nothing beyond them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import psutil
import pytest

from wyoming_server.engines.base import Engine, Utterance
from wyoming_server.engines.wyoming.links import Ahead, Links
from wyoming_server.errors import EngineTimeout
from wyoming_server.upstream.attempts import Failed, FirstAudioClock
from wyoming_server.upstream.failures import Asked

from ..simulators import dashscope, flowing, indextts, openai, openspeech, wyoming
from ..simulators.duplex.faults import Fault as DuplexFault
from .cases import new_engine

LONG, SHORT = 20, 0.15
"""Seconds: limits that no test reaches, and the one that it does."""
ATTEMPTS = 10
"""More than any engine makes."""
TEXT = "The kettle is boiling now, and somebody should take it off the stove before the kitchen is full of steam."

Made = tuple[Any, Engine]


@asynccontextmanager
async def at(service: AbstractAsyncContextManager[Any], engine_type: str, address: str, **options: Any) -> AsyncIterator[Made]:
    async with (
        service as running,
        new_engine(engine_type, concurrency=1, **{address: getattr(running, address)}, **options) as engine,
    ):
        yield running, engine


SERVICES: dict[str, Callable[..., AbstractAsyncContextManager[Made]]] = {
    "dashscope": lambda **limits: at(dashscope.simulator(pace=200), "dashscope", "url", api_key="sk-api-key", **limits),
    "flowing (aliyun)": lambda **limits: at(
        flowing.cloud(pace=200), "flowing", "url", dialect="aliyun", appkey="app-key", token="nls-token", **limits
    ),
    "flowing (local)": lambda **limits: at(flowing.local(pace=200), "flowing", "url", **limits),
    "indextts": lambda **limits: at(indextts.simulator(), "indextts", "url", prompts={"mum": "mum.wav"}, **limits),
    "openai": lambda **limits: at(openai.simulator("kokoro", pace=200), "openai", "url", profile="kokoro", **limits),
    "openspeech": lambda **limits: at(
        openspeech.simulator(pace=200), "openspeech", "url", appid="1234567890", token="access-token", **limits
    ),
    "openspeech (v1)": lambda **limits: at(
        openspeech.simulator(pace=200),
        "openspeech",
        "url",
        appid="1234567890",
        token="access-token",
        api="v1",
        resource_id="seed-tts-1.0",
        **limits,
    ),
    "wyoming": lambda **limits: at(wyoming.simulator(), "wyoming", "uri", **limits),
}

STALLS: dict[tuple[str, str], Any] = {
    ("dashscope", "connect"): DuplexFault(kind="stall", on="handshake"),
    ("dashscope", "first_audio"): DuplexFault(kind="stall", on="start"),
    ("dashscope", "gap"): DuplexFault(kind="stall", on="audio", after=0.5),
    ("flowing (aliyun)", "connect"): DuplexFault(kind="stall", on="handshake"),
    ("flowing (aliyun)", "first_audio"): DuplexFault(kind="stall", on="sentence"),
    ("flowing (aliyun)", "gap"): DuplexFault(kind="stall", on="audio", after=0.5),
    ("flowing (local)", "connect"): DuplexFault(kind="stall", on="handshake"),
    ("flowing (local)", "first_audio"): DuplexFault(kind="stall", on="start"),
    ("flowing (local)", "gap"): DuplexFault(kind="stall", on="audio", after=0.5),
    ("indextts", "connect"): indextts.Fault(kind="stall", on="handshake"),
    ("indextts", "first_audio"): indextts.Fault(kind="stall", on="start"),
    ("indextts", "gap"): indextts.Fault(kind="stall", on="model"),
    ("openai", "first_audio"): openai.Fault(kind="stall", on="request"),
    ("openai", "gap"): openai.Fault(kind="stall", on="audio", after=0.5),
    ("openspeech", "connect"): openspeech.Fault(kind="stall", on="handshake"),
    ("openspeech", "first_audio"): openspeech.Fault(kind="stall", on="start"),
    ("openspeech", "gap"): openspeech.Fault(kind="stall", on="audio", after=0.5),
    ("openspeech (v1)", "connect"): openspeech.Fault(kind="stall", on="handshake"),
    ("openspeech (v1)", "first_audio"): openspeech.Fault(kind="stall", on="start"),
    ("openspeech (v1)", "gap"): openspeech.Fault(kind="stall", on="audio", after=0.5),
    ("wyoming", "first_audio"): wyoming.Fault(kind="stall", on="audio-start"),
    ("wyoming", "gap"): wyoming.Fault(kind="stall", on="audio", after=2),
}
"""Engine and limit → where its service stalls so that this limit is reached and no other. openai and wyoming connect by TCP
alone, which nobody can stall on this machine: their own tests try that."""


@pytest.fixture(autouse=True)
async def nothing_is_left() -> AsyncIterator[None]:
    tasks, process = asyncio.all_tasks(), psutil.Process()
    sockets = len(process.net_connections())
    yield
    assert asyncio.all_tasks() - {asyncio.current_task()} <= tasks
    assert len(process.net_connections()) <= sockets


def strike(service: Any, fault: Any) -> None:
    (service.faults.append if isinstance(service.faults, list) else service.faults.add)(fault)


def is_waiting(service: Any) -> bool:
    """It has not stalled yet."""
    return bool(service.faults if isinstance(service.faults, list) else service.faults.waiting)


def recover(service: Any) -> None:
    """As it would when it is started anew: who stalls for ever can be asked by nobody, nor be ended."""
    service.faults.clear()
    if not isinstance(service.faults, list):
        service.faults.go_on()


async def text() -> AsyncIterator[str]:
    yield TEXT


async def speech(engine: Engine, utterance: Utterance) -> int:
    """Bytes of audio."""
    return sum([len(event) async for event in engine.speak(text(), utterance) if isinstance(event, bytes)])


async def an_utterance(engine: Engine) -> Utterance:
    voices = await engine.voices()
    voice = next((voice for voice in voices if voice.language.startswith("en")), voices[0])
    return Utterance(voice=voice.engine_voice, language=voice.language)


ENDS = [(service, limit) for service, limit in STALLS if limit != "connect" or service == "indextts"]
CONNECTS = [service for service, limit in STALLS if limit == "connect" and service != "indextts"]
"""Another connection is tried while there is time for first audio; IndexTTS opens none while it works for others."""


@pytest.mark.parametrize(("service", "limit"), ENDS, ids=str)
async def test_a_service_that_stalls_is_given_up_in_time_and_the_next_reply_has_its_turn(service: str, limit: str) -> None:
    limits = {f"{name}_timeout": SHORT if name == limit else LONG for name in ("connect", "first_audio", "gap")}
    async with SERVICES[service](**limits) as (running, engine), asyncio.timeout(LONG / 2):
        utterance = await an_utterance(engine)
        strike(running, replace(STALLS[service, limit], times=ATTEMPTS))
        with pytest.raises(EngineTimeout, match=rf"{SHORT:g} s"):
            await speech(engine, utterance)
        recover(running)
        assert await speech(engine, utterance) > 0


@pytest.mark.parametrize("service", CONNECTS)
async def test_a_connection_that_is_not_open_in_time_is_tried_again(service: str) -> None:
    limits = {"connect_timeout": SHORT, "first_audio_timeout": LONG, "gap_timeout": LONG}
    async with SERVICES[service](**limits) as (running, engine), asyncio.timeout(LONG / 2):
        utterance = await an_utterance(engine)
        strike(running, STALLS[service, "connect"])
        assert await speech(engine, utterance) > 0
        assert not is_waiting(running)
        recover(running)


@pytest.mark.parametrize("service", CONNECTS)
async def test_connecting_takes_no_longer_than_the_time_for_first_audio(service: str) -> None:
    limits = {"connect_timeout": LONG, "first_audio_timeout": SHORT, "gap_timeout": LONG}
    async with SERVICES[service](**limits) as (running, engine), asyncio.timeout(LONG / 2):
        utterance = await an_utterance(engine)
        strike(running, replace(STALLS[service, "connect"], times=ATTEMPTS))
        with pytest.raises(EngineTimeout, match=rf"{SHORT:g} s"):
            await speech(engine, utterance)
        recover(running)
        assert await speech(engine, utterance) > 0


@pytest.mark.parametrize(("service", "limit"), [(service, limit) for service, limit in STALLS if limit != "gap"], ids=str)
async def test_a_voices_own_time_for_first_audio_goes_before_every_limit_of_its_engine(service: str, limit: str) -> None:
    limits = {f"{name}_timeout": LONG for name in ("connect", "first_audio", "gap")}
    async with SERVICES[service](**limits) as (running, engine), asyncio.timeout(LONG / 2):
        utterance = replace(await an_utterance(engine), first_audio=SHORT)
        strike(running, replace(STALLS[service, limit], times=ATTEMPTS))
        with pytest.raises(EngineTimeout, match=rf"{SHORT:g} s"):
            await speech(engine, utterance)
        recover(running)
        assert await speech(engine, replace(utterance, first_audio=None)) > 0


@pytest.fixture
def nowhere() -> Iterator[str]:
    """HOST:PORT that takes no connection and refuses none, as a machine that is switched off."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):  # as many as the system keeps for it
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        yield f"127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.parametrize(
    ("engine_type", "options"),
    [
        ("wyoming", {"uri": "tcp://{}"}),
        ("openai", {"profile": "kokoro", "url": "http://{}"}),
        ("openai", {"profile": "openai", "url": "http://{}", "api_key": "sk"}),
        ("flowing", {"url": "ws://{}"}),
        ("indextts", {"url": "ws://{}", "prompts": {"nova": "nova.wav"}}),
        ("dashscope", {"url": "ws://{}", "api_key": "sk"}),
        ("openspeech", {"url": "ws://{}", "appid": "1234567890", "token": "access-token"}),
    ],
    ids=str,
)
async def test_a_machine_that_is_off_costs_no_more_than_the_voices_own_time(
    engine_type: str, options: dict[str, Any], nowhere: str
) -> None:
    places = {name: value.format(nowhere) if isinstance(value, str) else value for name, value in options.items()}
    async with new_engine(engine_type, connect_timeout=LONG, first_audio_timeout=LONG, **places) as engine, asyncio.timeout(4):
        with pytest.raises(EngineTimeout, match=rf"{SHORT:g} s"):
            await speech(engine, Utterance(voice="nova", language="en-US", first_audio=SHORT))


async def test_a_wyoming_server_that_was_there_and_is_off_costs_no_more_than_that_either(nowhere: str) -> None:
    ahead, clock = Ahead(Links(f"tcp://{nowhere}", within=LONG)), FirstAudioClock(SHORT)
    clock.start()
    async with asyncio.timeout(LONG / 2):
        with pytest.raises(Failed, match=rf"{SHORT:g} s"):
            await ahead.take(clock, Asked(peer="somebody", voice="alan", how="in a test"))
        await ahead.aclose()


@pytest.mark.parametrize(("service", "limit"), STALLS, ids=str)
async def test_a_service_that_stalls_is_left_when_its_listener_leaves(service: str, limit: str) -> None:
    limits = {f"{name}_timeout": LONG for name in ("connect", "first_audio", "gap")}
    async with SERVICES[service](**limits) as (running, engine), asyncio.timeout(LONG / 2):
        utterance = await an_utterance(engine)
        strike(running, STALLS[service, limit])
        stalled = asyncio.create_task(speech(engine, utterance))
        while is_waiting(running):  # noqa: ASYNC110  # not every simulator tells
            await asyncio.sleep(0.005)
        stalled.cancel()
        await asyncio.wait([stalled])
        recover(running)
        assert await speech(engine, utterance) > 0
