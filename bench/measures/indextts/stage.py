"""The processes of this bench: one Herald with engines of several tempers, the floor, and a service with a deaf model."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from ...client import Address, CallFailed
from ...indextts_client import IndexttsCall, connect
from ...processes import STARTED_WITHIN, first_port, herald, process

TEXT = "大家好，我现在正在体验 AI 科技！"
FOR_EVER = 3600.0
"""Seconds: until its client leaves."""
SHORT = 0.05
DEAF = 0.3
"""Seconds that the service's model takes; it hears nothing meanwhile, and ends what it has begun."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a text can be spoken: a server, and the voice in it whose engine takes its time in this way."""

    address: Address
    voice: str

    async def say(self, text: str = TEXT) -> IndexttsCall:
        """On a new connection; it is in line then."""
        call = await connect(self.address)
        call.say(text, self.voice)
        await call.told("queued")
        return call


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """`floor_…`: the same in the floor, as long as it has that."""

    held: Place
    """Never ends by itself."""
    short: Place
    fast: Place
    """Makes audio without a pause, and it is resampled."""
    service: Place
    """An IndexTTS service behind Herald."""
    floor_held: Place
    floor_short: Place


def engines(port: int) -> Mapping[str, Mapping[str, Any]]:
    """As in herald.yaml."""
    prompts = {"dad": {"file": "asset/zero_shot_prompt.wav", "consent": True}}
    return {
        "held": {"type": "tone", "delay": FOR_EVER},
        "short": {"type": "tone", "delay": SHORT},
        "fast": {"type": "tone", "rate": 24_000},
        "service": {"type": "indextts", "url": f"ws://127.0.0.1:{port}", "prompts": prompts},
    }


@asynccontextmanager
async def service() -> AsyncIterator[int]:
    """The simulator of the tests as a process; its port."""
    command = ["-m", "tests.simulators.indextts", "--quiet", "--delay", str(DEAF)]
    async with process(command, stdin=PIPE, stdout=PIPE) as child:
        yield await first_port(child)


@asynccontextmanager
async def floor() -> AsyncIterator[Address]:
    async with process(["-m", "bench.indextts_floor"], stdin=PIPE, stdout=PIPE) as child:
        yield ("127.0.0.1", await first_port(child))


@asynccontextmanager
async def set_up() -> AsyncIterator[Stage]:
    async with service() as port, floor() as bare, herald(json.dumps({"engines": engines(port)})[1:-1]) as server:
        places = {name: Place(address=server.http, voice=voice) for name, voice in VOICES.items()}
        await _open(server.http)
        for place in (places["short"], places["fast"], places["service"]):
            await whole(place)
        yield Stage(
            **places,
            floor_held=Place(address=bare, voice=str(FOR_EVER)),
            floor_short=Place(address=bare, voice=str(SHORT)),
        )


VOICES = {"held": "held/tone", "short": "short/tone", "fast": "fast/tone", "service": "service/dad"}


async def whole(place: Place) -> None:
    """One text, to its end: what is imported late is imported then."""
    call = await place.say()
    await call.told("end")
    call.leave()


async def _open(address: Address) -> None:
    """The HTTP port opens a moment after the Wyoming port."""
    async with asyncio.timeout(STARTED_WITHIN):
        while not await _answers(address):  # noqa: ASYNC110  # another process: nothing here could be waited for
            await asyncio.sleep(0.002)


async def _answers(address: Address) -> bool:
    try:
        call = await connect(address)
    except (OSError, CallFailed):
        return False
    call.leave()
    return True
