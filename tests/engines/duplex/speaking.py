"""What the tests of `dashscope` and `flowing` share: what is said, and what their services were sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from wyoming_server.engines.base import Engine, Utterance
from wyoming_server.models import VoiceSettings

from ...simulators.duplex.server import Simulator
from ...simulators.speech.audio import Manner, speech
from ...writing import written
from ..openspeech.hearing import Heard, Listener

VOICE = "longxiaochun_v2"
TEXT = "The kettle is boiling now."


def how(voice: str = VOICE, rate: int | None = None, **settings: Any) -> Utterance:
    return Utterance(voice=voice, rate=rate, settings=VoiceSettings.parse(settings))


async def hear(engine: Engine, *parts: str, utterance: Utterance | None = None) -> Heard:
    return await Listener(engine, written(*parts), utterance or how()).end()


def pcm(text: str = TEXT, **manner: Any) -> bytes:
    """What the simulators make of a text."""
    return speech(text, Manner(**manner))


def texts(service: Simulator[Any]) -> list[str]:
    return [entry.detail["text"] for entry in service.all("text")]


async def until(true: Callable[[], bool]) -> None:
    """For what no journal tells."""
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110  # nothing is there to be waited for
            await asyncio.sleep(0.005)
