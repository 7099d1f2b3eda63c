"""What the tests of eSpeak NG share: its files, a pool, an engine, and whole speeches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import psutil

from wyoming_server.engines.base import EngineEvent, Utterance
from wyoming_server.engines.espeak import EspeakEngine
from wyoming_server.engines.espeak.pool import Pool
from wyoming_server.engines.espeak.process import RATE, Order, Word
from wyoming_server.models import Mark, TextFormat, VoiceSettings

from .cases import new_engine

_WHEEL = import_module("espeakng_loader")
LIBRARY = Path(_WHEEL.get_library_path())
DATA = Path(_WHEEL.get_data_path())
TEXT = "Dinner is ready, and the soup is getting cold."
LONG = "The quick brown fox jumps over the lazy dog, again and again. " * 80
"""About 5,000 characters, 15 MB of audio: a worker cannot be done with it before the socket to it has been read many times."""


@asynccontextmanager
async def pool(*, size: int = 2, library: Path = LIBRARY, data: Path = DATA) -> AsyncIterator[Pool]:
    """A pool that must leave no process behind."""
    made = Pool(library, data, size=size)
    before = set(psutil.Process().children())
    try:
        yield made
    finally:
        await made.aclose()
        assert set(psutil.Process().children()) <= before


@asynccontextmanager
async def engine(**options: Any) -> AsyncIterator[EspeakEngine]:
    made = new_engine("espeak", **options)
    assert isinstance(made, EspeakEngine)
    async with made:
        yield made


def order(text: str = TEXT, voice: str = "gmw/en", **settings: Any) -> Order:
    return Order(text=text.encode(), voice=voice, **settings)


async def said(pool: Pool, order: Order) -> tuple[bytes, list[Word]]:
    """All audio and all words of one order."""
    audio, words = bytearray(), []
    async for piece in pool.say(order):
        if isinstance(piece, list):
            words += piece
        else:
            audio += piece
    return bytes(audio), words


def utterance(voice: str = "en-GB", *, ssml: bool = False, **settings: Any) -> Utterance:
    text_format = TextFormat.SSML if ssml else TextFormat.TEXT
    return Utterance(voice=voice, settings=VoiceSettings.parse(settings), text_format=text_format)


async def spoken(engine: EspeakEngine, text: str, voice: str = "en-GB", **how: Any) -> tuple[bytes, list[Mark]]:
    """All audio and all marks of one sentence."""
    return await collected(engine.speak_sentence(text, utterance(voice, **how)))


async def collected(events: AsyncGenerator[EngineEvent, None]) -> tuple[bytes, list[Mark]]:
    audio, marks = bytearray(), []
    async for event in events:
        if isinstance(event, Mark):
            marks.append(event)
        elif isinstance(event, bytes):
            audio += event
    return bytes(audio), marks


def seconds(audio: bytes) -> float:
    return len(audio) / (2 * RATE)


async def turns(count: int = 10) -> None:
    """Let the event loop do what is due."""
    for _ in range(count):
        await asyncio.sleep(0)
