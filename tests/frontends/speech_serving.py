"""The speech API for its tests: requests by hand, and whole answers."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wyoming_server.config import load_config
from wyoming_server.frontends.flowing.connection import Services
from wyoming_server.frontends.http.server import HttpServer
from wyoming_server.frontends.speech_api.routes import routes
from wyoming_server.server import Running
from wyoming_server.sessions import LocalSessions
from wyoming_server.speech import speech
from wyoming_server.state.tokens import PairingToken

from ..serving import TONE, tone
from .flowing_serving import Alone
from .http_client import TOKEN, Answer, RawClient
from .openai_serving import body_of, head_of, http_of

STREAM, INTERRUPT = "/api/tts/stream", "/api/tts/interrupt"
LONG = "a" * 200
"""Two seconds of the test tone."""
NATIVE = {"format": "pcm"}
"""What the test tone makes, without any change."""
FAILS = {**NATIVE, "options": {"fail_at": 0.5}}
STALLS = {**NATIVE, "options": {"stall_at": 0.5}}
HALF = tone(50)
"""What comes of both."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """A reply, so far as it came."""

    headers: dict[str, str]
    body: bytes
    whole: bool


def post(fields: dict[str, Any] | bytes, headers: str = "", version: str = "1.1", path: str = STREAM) -> bytes:
    """A request by hand."""
    usual = {"text": LONG} if path == STREAM else {}
    body = fields if isinstance(fields, bytes) else json.dumps({**usual, **fields}).encode()
    head = f"POST {path} HTTP/{version}\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


async def connected(server: Running | Alone) -> RawClient:
    return await RawClient.connect(http_of(server) if isinstance(server, Running) else server.http)


async def asked(server: Running | Alone, request: str | bytes) -> Answer:
    async with await connected(server) as client:
        return await client.ask(request)


async def said(server: Running | Alone, **fields: Any) -> Said:
    """A whole reply, on a connection of its own."""
    async with await connected(server) as client:
        return await said_to(client, **fields)


async def said_to(client: RawClient, **fields: Any) -> Said:
    client.writer.write(post(fields))
    async with asyncio.timeout(10):
        headers = await head_of(client)
        body, whole = await body_of(client)
    return Said(headers=headers, body=body, whole=whole)


async def begun(client: RawClient, fields: dict[str, Any], size: int = len(HALF)) -> bytes:
    """A reply whose first `size` bytes have come."""
    client.writer.write(post(fields))
    body = b""
    async with asyncio.timeout(5):
        await head_of(client)
        while len(body) < size:
            chunk = int(await client.reader.readuntil(b"\r\n"), 16)
            body += (await client.reader.readexactly(chunk + 2))[:-2]
    return body


async def interrupted(server: Running | Alone, session_id: str) -> Answer:
    return await asked(server, post({"session_id": session_id}, path=INTERRUPT))


@contextlib.asynccontextmanager
async def alone(
    folder: Path, yaml: str = TONE, *, write_timeout: float = 30, turns: asyncio.Semaphore | None = None
) -> AsyncIterator[Alone]:
    """The front end without the rest of a server, so that its limits may be others and its sessions be looked at."""
    path = folder / "herald.yaml"
    path.write_text(yaml)
    config = load_config(path, {})
    sessions = LocalSessions()
    async with speech(config, folder) as speaks:
        services = Services(
            config=config.http,
            catalogue=speaks.catalogue,
            synthesizer=speaks.synthesizer,
            engines=speaks.engines,
            sessions=sessions,
            turns=turns or asyncio.Semaphore(2),
            write_timeout=write_timeout,
        )
        token = PairingToken(value=TOKEN, source="the test")
        server = HttpServer(config.http, token=token, health=dict, more_routes=routes(services))
        async with server.serving():
            yield Alone(http=server, speech=speaks, sessions=sessions)
