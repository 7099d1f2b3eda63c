"""What the tests of `dashscope` share: the engine at the simulator, and what the service was sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from wyoming_server.engines.base import Utterance
from wyoming_server.engines.dashscope.engine import DashScopeEngine
from wyoming_server.models import VoiceSettings

from ...simulators.dashscope import DashScopeSimulator, Fault, simulator
from ...simulators.openspeech.audio import Manner, speech
from ..cases import new_engine
from ..openspeech.hearing import CHINESE, ENGLISH, LONG, Heard, Listener, Writer, written

KEYS = {"api_key": "sk-api-key"}
VOICE = "longxiaochun_v2"
TEXT = "The kettle is boiling now."


def how(voice: str = VOICE, rate: int | None = None, **settings: Any) -> Utterance:
    return Utterance(voice=voice, rate=rate, settings=VoiceSettings.parse(settings))


def made(**options: Any) -> DashScopeEngine:
    engine = new_engine("dashscope", **options)
    assert isinstance(engine, DashScopeEngine)
    return engine


@asynccontextmanager
async def at_service(
    *faults: Fault, engine: dict[str, Any] | None = None, **options: Any
) -> AsyncIterator[tuple[DashScopeSimulator, DashScopeEngine]]:
    """The simulator, in which `faults` wait, and an engine with a good key; `engine`: its other options."""
    async with simulator(**options) as service:
        service.faults.add(*faults)
        async with made(url=service.url, **{**KEYS, **(engine or {})}) as speaker:
            yield service, speaker


async def hear(engine: DashScopeEngine, *parts: str, utterance: Utterance | None = None) -> Heard:
    return await Listener(engine, written(*parts), utterance or how()).end()


def pcm(text: str = TEXT, **manner: Any) -> bytes:
    """What the simulator makes of a text."""
    return speech(text, Manner(**manner))


def texts(service: DashScopeSimulator) -> list[str]:
    return [entry.detail["text"] for entry in service.all("text")]


def tasks(service: DashScopeSimulator) -> list[dict[str, Any]]:
    """The payload of every run-task."""
    return [entry.detail["body"]["payload"] for entry in service.all("session")]


def connections(service: DashScopeSimulator) -> list[int]:
    """Of every task."""
    return [entry.connection for entry in service.all("session")]


async def until(true: Callable[[], bool]) -> None:
    """For what no journal tells."""
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110  # nothing is there to be waited for
            await asyncio.sleep(0.005)


__all__ = [
    "CHINESE",
    "ENGLISH",
    "LONG",
    "TEXT",
    "VOICE",
    "Fault",
    "Listener",
    "Writer",
    "at_service",
    "connections",
    "hear",
    "how",
    "made",
    "pcm",
    "simulator",
    "tasks",
    "texts",
    "until",
    "written",
]
