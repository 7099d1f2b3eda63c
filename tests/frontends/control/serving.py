"""A whole server for these tests, a client of its API, and what speaks on it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wyoming_server.frontends.http.server import HttpServer
from wyoming_server.server import Running

from ...serving import TONE, serving
from ...simulators.openspeech import OpenSpeechSimulator, simulator
from ..http_client import RawClient
from .client import Api

SLOW = {"pace": 5}
"""Options of a reply that goes on for a while."""
TEXT = "a" * 200
"""Two seconds of the test tone."""
VOICES = """
converters: {gain: {}}
voices:
  Anna: {engine: tone, voice: tone, language: [de-DE, en-GB], gender: female, description: Friendly, speed: 1.5}
  Loud: {engine: tone, voice: tone, language: en-US, converter: {type: gain, speaker: loud}}
  Frequent: {engine: tone, voice: tone, language: fr-FR, gender: male, frequency: 880}
aliases: {boss: Anna}
"""


@dataclass(frozen=True, kw_only=True)
class Served:
    server: Running
    api: Api
    config: Path

    @property
    def http(self) -> HttpServer:
        return http_of(self.server)


def http_of(server: Running) -> HttpServer:
    assert server.http is not None
    return server.http


@contextlib.asynccontextmanager
async def served(folder: Path, yaml: str = TONE) -> AsyncIterator[Served]:
    async with serving(folder, yaml) as server:
        yield Served(server=server, api=Api(http_of(server)), config=folder / "herald.yaml")


@contextlib.asynccontextmanager
async def with_cloud(folder: Path, **credentials: str) -> AsyncIterator[tuple[Served, OpenSpeechSimulator]]:
    """`credentials`: those in herald.yaml."""
    async with simulator() as cloud:
        options = {"url": cloud.url, "keep_warm": 0, "first_audio_timeout": 2, **credentials}
        yaml = TONE.replace("engines: {", f"engines: {{openspeech: {json.dumps(options)}, ")
        async with served(folder, yaml) as all_of_it:
            yield all_of_it, cloud


@contextlib.asynccontextmanager
async def speaking(served: Served, session_id: str, *, options: dict[str, Any] | None = None) -> AsyncIterator[RawClient]:
    """A reply over the speech API that has begun to be heard, and goes on while the block runs."""
    async with await begin(served, session_id, options=options) as client:
        await client.reader.readuntil(b"\r\n\r\n")
        yield client


async def begin(served: Served, session_id: str, *, options: dict[str, Any] | None = None) -> RawClient:
    fields = {"text": TEXT, "format": "pcm", "session_id": session_id, "options": SLOW if options is None else options}
    body = json.dumps(fields).encode()
    client = await RawClient.connect(served.http)
    head = f"POST /api/tts/stream HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    client.writer.write(head.encode() + body)
    return client
