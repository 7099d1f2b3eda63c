"""What tests of converters share: speech that a test makes up, and a listener that it leads step by step."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import AsyncIterable, Sequence
from contextlib import aclosing
from typing import Any

import pytest

from wyoming_server.converters.base import Conversion, Converter
from wyoming_server.models import AudioFormat

from ..standstill import awake
from ..writing import written

ENGINE = AudioFormat(rate=22_050)
"""Of the engine whose speech is converted."""


def speech(seconds: float, audio: AudioFormat, *, seed: int = 0) -> bytes:
    """A saw tooth that no other seed has: no two stretches of it are the same."""
    count = audio.size(seconds) // 2
    return array("h", ((index * (7 + 2 * seed) + index // 16_000) % 20_001 - 10_000 for index in range(count))).tobytes()


def how(converter: Converter, speaker: str | None = None, **settings: Any) -> Conversion:
    speaker = speaker or converter.speakers()[0].name
    return Conversion(speaker=speaker, source=converter.input_format(ENGINE, settings), settings=settings)


def cut(pcm: bytes, size: int) -> Sequence[bytes]:
    return [pcm[start : start + size] for start in range(0, len(pcm), size)]


async def converted(converter: Converter, *pieces: bytes, conversion: Conversion | None = None) -> bytes:
    """All that comes out, in whole frames."""
    conversion = conversion or how(converter)
    frame = converter.output_format(ENGINE, conversion.settings).frame_size
    found = bytearray()
    async with asyncio.timeout(30):
        async for piece in converter.convert(written(*pieces), conversion):
            assert piece
            assert len(piece) % frame == 0
            found += piece
    return bytes(found)


class Listener:
    """A task that hears a conversion, and says when something has come."""

    def __init__(self, converter: Converter, pcm: AsyncIterable[bytes], conversion: Conversion | None = None) -> None:
        self.audio = bytearray()
        self._sounded = asyncio.Event()
        self.task = asyncio.create_task(self._hear(converter, pcm, conversion or how(converter)))

    async def _hear(self, converter: Converter, pcm: AsyncIterable[bytes], conversion: Conversion) -> None:
        async with aclosing(converter.convert(pcm, conversion)) as pieces:
            async for piece in pieces:
                self.audio += piece
                self._sounded.set()

    async def until_audio(self) -> None:
        async with asyncio.timeout(10):
            await self._sounded.wait()

    async def until(self, size: int) -> None:
        """That many bytes have come."""
        async with asyncio.timeout(10):
            while len(self.audio) < size:
                self._sounded.clear()
                await self._sounded.wait()

    async def stop(self) -> float:
        """Interrupt it; how long that took, in seconds, but for a machine that stood still."""
        begun = awake()
        self.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await self.task
        return awake() - begun

    async def end(self) -> bytes:
        async with asyncio.timeout(20):
            await self.task
        return bytes(self.audio)
