"""A client that writes messages by hand: for tests of the simulator, which must not rest on the codec under test."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import connect

from wyoming_server.models import AudioFormat

from ..common import raw
from .server import SamiSimulator
from .world import SPEAKERS

SOURCE = AudioFormat(rate=16_000)
"""The page's advice for what goes up …"""
TARGET = AudioFormat(rate=24_000)
"""… and for what comes down."""
WHO = {"token": "sami-token", "appkey": "sami-appkey", "namespace": "VoiceConversionStream"}
SECOND = random.Random(4).randbytes(32_000)
"""Of audio that is never twice the same."""


def payload(**changes: Any) -> dict[str, Any]:
    """The page's example; None takes a field away."""
    usual = {"speaker": SPEAKERS[0], "audio_info": audio(SOURCE), "audio_config": audio(TARGET)}
    return {name: value for name, value in {**usual, **changes}.items() if value is not None}


def audio(form: AudioFormat, **changes: Any) -> dict[str, Any]:
    return {"sample_rate": form.rate, "channel": form.channels, "format": "s16le", **changes}


@dataclass(kw_only=True)
class Got:
    """One message of the service."""

    name: str
    """Of the event; "binary", or "" for a text without one."""
    data: bytes = b""
    document: dict[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> Any:
        return self.document.get("status_code")


def got(message: bytes | str) -> Got:
    if isinstance(message, bytes):
        return Got(name="binary", data=message)
    try:
        found = json.loads(message)
    except ValueError:
        return Got(name="", document={"text": message})
    if not isinstance(found, dict):
        return Got(name="", document={"text": message})
    return Got(name=found.get("event", ""), data=base64.b64decode(found.get("data") or ""), document=found)


def heard(messages: Iterable[Got]) -> bytes:
    return b"".join(message.data for message in messages)


@dataclass(kw_only=True)
class Client(raw.Client[Got]):
    """One connection."""

    def read(self, message: bytes | str) -> Got:
        return got(message)

    def name(self, message: Got) -> str:
        return message.name

    async def send(self, event: str | None, **more: Any) -> None:
        named = {} if event is None else {"event": event}
        await self.line.send(json.dumps({**WHO, **named, **more}))

    async def start(self, **changes: Any) -> Got:
        await self.send("StartTask", payload=json.dumps(payload(**changes)))
        return await self.receive()

    async def start_as(self, token: str) -> Got:
        """Of another token."""
        await self.send("StartTask", token=token, payload=json.dumps(payload()))
        return await self.receive()

    async def give(self, pcm: bytes, step: int = 3_200) -> None:
        """In binary messages."""
        for start in range(0, len(pcm), step):
            await self.line.send(pcm[start : start + step])

    async def finish(self, **more: Any) -> None:
        await self.send("FinishTask", **more)

    async def convert(self, pcm: bytes, **changes: Any) -> list[Got]:
        """All from TaskStarted on."""
        started = await self.start(**changes)
        await self.give(pcm)
        await self.finish()
        return [started, *await self.until("TaskFinished")]


@asynccontextmanager
async def client(service: SamiSimulator, **settings: Any) -> AsyncIterator[Client]:
    async with connect(service.url, ping_interval=None, max_size=None, **settings) as line:
        yield Client(line=line)
