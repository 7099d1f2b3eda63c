"""What the tests of `dashscope` share: the engine at the simulator, and what the service was sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from wyoming_server.engines.dashscope.engine import DashScopeEngine

from ...simulators.dashscope import DashScopeSimulator, Fault, simulator
from ...writing import Writer, written
from ..cases import new_engine
from ..duplex.speaking import TEXT, VOICE, hear, how, pcm, texts, until
from ..openspeech.hearing import CHINESE, ENGLISH, LONG, Listener

KEYS = {"api_key": "sk-api-key"}


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


def tasks(service: DashScopeSimulator) -> list[dict[str, Any]]:
    """The payload of every run-task."""
    return [entry.detail["body"]["payload"] for entry in service.all("session")]


def connections(service: DashScopeSimulator) -> list[int]:
    """Of every task."""
    return [entry.connection for entry in service.all("session")]


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
