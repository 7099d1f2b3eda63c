"""From a request to its first chunk with a warm eSpeak NG worker, by length of text; and what the engine takes by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from time import monotonic_ns
from typing import Any

from wyoming_server.engines.base import Engine, Utterance
from wyoming_server.engines.registry import engine_class

from ..figures import median, milliseconds, spread
from ..lab import Lab, Size, ask
from ..processes import Server
from ..rows import Row, Target

TARGET = Target("<", 10)
LENGTHS = (20, 200, 1000, 5000)
"""Characters."""
PAUSE = 0.02
"""Seconds before a request, so that nothing of the one before is still being stopped."""
TIMES = {Size.FULL: 40, Size.QUICK: 15, Size.TINY: 1}
SENTENCES = "Dinner is ready now. The kitchen window is open, and it has begun to rain; the forecast says that it will go on. "


def text_of(length: int) -> str:
    return (SENTENCES * (length // len(SENTENCES) + 1))[:length]


async def measure(lab: Lab) -> AsyncIterator[Row]:
    server = await lab.herald()
    for _ in range(3):
        await first_chunk(server, text_of(200))  # warms all workers: the second sentence is made while the first plays
    for length in LENGTHS:
        samples = [await first_chunk(server, text_of(length)) for _ in range(TIMES[lab.size])]
        yield Row(
            bench="espeak",
            what=f"first chunk, {length} characters",
            value=median(samples),
            unit="ms",
            target=TARGET,
            detail=spread(samples),
        )
    yield await alone(TIMES[lab.size])


async def alone(times: int) -> Row:
    """The engine in this process: its worker, without a server in front."""
    async with engine_class("espeak")("espeak", {"workers": 1}) as engine:
        voice = next(voice for voice in await engine.voices() if voice.name == "en-US")
        utterance = Utterance(voice=voice.engine_voice, language=voice.language)
        samples = [await first_audio(engine, utterance) for _ in range(1 + times)][1:]
    return Row(bench="espeak", what="first audio of the engine alone, 20 characters", value=median(samples), unit="ms")


async def first_audio(engine: Engine, utterance: Utterance) -> float:
    """ms."""

    async def text() -> AsyncIterator[str]:
        yield text_of(20)

    begin = monotonic_ns()
    async with aclosing(engine.speak(text(), utterance)) as events:
        async for event in events:
            if isinstance(event, bytes):
                break
    return milliseconds(begin, monotonic_ns())


async def first_chunk(server: Server, text: str, **context: Any) -> float:
    """ms from the request to its first chunk; the client then leaves."""
    await asyncio.sleep(PAUSE)
    call = await ask(server, text, "en-US", **context)
    await call.heard()
    call.leave()
    return milliseconds(call.sent, call.chunks[0][0])
