"""What the tests of `wyoming` share: the engine at its simulator, and what comes of a text."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from wyoming_server.engines.base import Utterance
from wyoming_server.engines.wyoming.engine import WyomingEngine

from ...simulators.wyoming import Fault, WyomingSimulator, simulator
from ...simulators.wyoming.handler import spoken
from ...writing import Writer, written
from ..cases import new_engine
from ..openspeech.hearing import Heard, Listener

VOICE = "en_GB-alan-medium"
ONE, TWO, THREE = "One is here.", "Two is there.", "Three is gone."
TEXT = f"{ONE} {TWO} {THREE}"


def how(voice: str = VOICE) -> Utterance:
    return Utterance(voice=voice)


def made(**options: Any) -> WyomingEngine:
    engine = new_engine("wyoming", **options)
    assert isinstance(engine, WyomingEngine)
    return engine


@asynccontextmanager
async def at_server(
    *faults: Fault, engine: dict[str, Any] | None = None, **manner: Any
) -> AsyncIterator[tuple[WyomingSimulator, WyomingEngine]]:
    """The server, in which `faults` wait, and an engine that has read its voices; `engine`: its options."""
    async with simulator(**manner) as service, made(uri=service.uri, **(engine or {})) as speaker:
        await speaker.voices()
        service.faults.extend(faults)
        yield service, speaker


async def hear(engine: WyomingEngine, *parts: str, voice: str = VOICE) -> Heard:
    return await Listener(engine, written(*parts), how(voice)).end()


def pcm(*sentences: str, rate: int = 22_050) -> bytes:
    """What the simulator makes of them."""
    return b"".join(spoken(sentence, rate) for sentence in sentences)


__all__ = [
    "ONE",
    "TEXT",
    "THREE",
    "TWO",
    "VOICE",
    "Fault",
    "Heard",
    "Listener",
    "Writer",
    "at_server",
    "hear",
    "how",
    "made",
    "pcm",
    "simulator",
    "spoken",
    "written",
]
