"""What the tests of `indextts` share: the engine at a service, with two people who were recorded and a mood."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from wyoming_server.engines.base import Utterance
from wyoming_server.engines.indextts.engine import IndexTtsEngine
from wyoming_server.models import VoiceSettings

from ...simulators.indextts import RATE, Fault, IndexttsSimulator, simulator, speech
from ...writing import Writer, written
from ..cases import new_engine
from ..openspeech.hearing import Heard, Listener

MUM, DAD = "mum", "dad"
FILES: dict[str, Any] = {
    "prompts": {MUM: "voices/mum.wav", DAD: {"file": "voices/dad.wav", "language": "en-US", "gender": "male", "consent": True}},
    "emotions": {"joy": "moods/joy.wav"},
}
TEXT = "今天的天气真的很好。"
ONE, TWO, THREE = "今天的天气真的很好。", "我们一起去公园散步吧！", "晚上再回来吃饭。"


def how(voice: str = MUM, **settings: Any) -> Utterance:
    return Utterance(voice=voice, settings=VoiceSettings.parse(settings))


def made(**options: Any) -> IndexTtsEngine:
    engine = new_engine("indextts", **{**FILES, **options})
    assert isinstance(engine, IndexTtsEngine)
    return engine


@asynccontextmanager
async def at(
    *faults: Fault, engine: dict[str, Any] | None = None, **options: Any
) -> AsyncIterator[tuple[IndexttsSimulator, IndexTtsEngine]]:
    """A service, in which `faults` wait, and an engine at it; `engine`: its options."""
    async with simulator(**options) as service:
        service.faults.add(*faults)
        async with made(url=service.url, **(engine or {})) as speaker:
            yield service, speaker


def listening(engine: IndexTtsEngine, *parts: str, voice: str = MUM, **settings: Any) -> Listener:
    return Listener(engine, written(*parts), how(voice, **settings))


async def say(engine: IndexTtsEngine, text: str = TEXT, voice: str = MUM, **settings: Any) -> Heard:
    return await listening(engine, text, voice=voice, **settings).end()


def silence(seconds: float = 0.2) -> bytes:
    return bytes(2 * round(seconds * RATE))


def texts(service: IndexttsSimulator) -> list[str]:
    return [request["text"] for request in service.requests]


__all__ = [
    "DAD",
    "FILES",
    "MUM",
    "ONE",
    "RATE",
    "TEXT",
    "THREE",
    "TWO",
    "Fault",
    "Heard",
    "IndexTtsEngine",
    "IndexttsSimulator",
    "Listener",
    "Writer",
    "at",
    "how",
    "listening",
    "made",
    "say",
    "silence",
    "simulator",
    "speech",
    "texts",
    "written",
]
