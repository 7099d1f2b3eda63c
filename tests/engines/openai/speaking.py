"""What the tests of `openai` share: the engine at a simulated server, and what it was asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from wyoming_server.engines.base import Utterance
from wyoming_server.engines.openai.engine import OpenAIEngine
from wyoming_server.models import VoiceSettings

from ...simulators.openai import CANNED, PROFILES, Fault, OpenAISimulator, simulator, spoken
from ...writing import written
from ..cases import new_engine
from ..openspeech.hearing import Heard, Listener

__all__ = ["CANNED", "PROFILES", "Fault", "Heard", "Listener", "at", "hear", "how", "made", "simulator", "spoken", "written"]

TEXT = "The kettle is boiling now."
VOICES = {name: row.some_voices[0] for name, row in PROFILES.items()}
NEEDED: dict[str, dict[str, Any]] = {
    "speaches": {"model": PROFILES["speaches"].some_models[0]},
    "gpt-sovits": {"voices": {"voices/one.wav": {"consent": True, "language": ["en-GB"]}}},
}
"""Options without which a row cannot speak with its simulator."""


def how(voice: str = "alloy", language: str = "en-US", **settings: Any) -> Utterance:
    return Utterance(voice=voice, language=language, settings=VoiceSettings.parse(settings))


def made(**options: Any) -> OpenAIEngine:
    engine = new_engine("openai", **options)
    assert isinstance(engine, OpenAIEngine)
    return engine


@asynccontextmanager
async def at(
    profile: str = "openai", *faults: Fault, engine: dict[str, Any] | None = None, **options: Any
) -> AsyncIterator[tuple[OpenAISimulator, OpenAIEngine]]:
    """A server in which `faults` wait, and an engine at it; `engine`: its options."""
    async with simulator(profile, **options) as service:
        service.faults.add(*faults)
        own = {"profile": profile, "url": service.url, "api_key": service.key or None, **NEEDED.get(profile, {})}
        async with made(**{**own, **(engine or {})}) as speaker:
            yield service, speaker


async def hear(engine: OpenAIEngine, *parts: str, utterance: Utterance | None = None) -> Heard:
    return await Listener(engine, written(*(parts or (TEXT,))), utterance or how()).end()
