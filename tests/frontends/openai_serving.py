"""The OpenAI front end for its tests: a server's address, the official client, requests by hand, and the front end alone."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai

from wyoming_server.config import load_config
from wyoming_server.frontends.flowing.connection import Services
from wyoming_server.frontends.http.server import HttpServer
from wyoming_server.frontends.openai.routes import routes
from wyoming_server.server import Running
from wyoming_server.sessions import LocalSessions
from wyoming_server.speech import speech
from wyoming_server.state.tokens import PairingToken

from ..serving import TONE
from .flowing_serving import Alone
from .http_client import TOKEN, Answer, RawClient

SPEECH = "/v1/audio/speech"
LONG = "a" * 200
"""Two seconds of the test tone."""


def http_of(server: Running) -> HttpServer:
    assert server.http is not None
    return server.http


@contextlib.asynccontextmanager
async def client_of(server: Running, **options: Any) -> AsyncIterator[openai.AsyncOpenAI]:
    """The official client, which tries nothing again unless it is told to."""
    base_url = f"{http_of(server).urls[0]}/v1"
    async with openai.AsyncOpenAI(**{"api_key": "none", "base_url": base_url, "max_retries": 0, **options}) as client:
        yield client


def post(fields: dict[str, Any] | bytes, headers: str = "", version: str = "1.1") -> bytes:
    """A request by hand."""
    body = fields if isinstance(fields, bytes) else json.dumps({"input": LONG, "response_format": "pcm", **fields}).encode()
    head = f"POST {SPEECH} HTTP/{version}\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


async def asked(server: Running, request: str | bytes) -> Answer:
    async with await RawClient.connect(http_of(server)) as client:
        return await client.ask(request)


async def head_of(client: RawClient) -> dict[str, str]:
    """The head of a response that is good."""
    status, *lines = (await client.reader.readuntil(b"\r\n\r\n")).decode().splitlines()
    assert status.split()[1] == "200"
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}


async def body_of(client: RawClient) -> tuple[bytes, bool]:
    """What came of a chunked body, and whether it came to its end."""
    body = b""
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while size := int(await client.reader.readuntil(b"\r\n"), 16):
            body += (await client.reader.readexactly(size + 2))[:-2]
        return body, await client.reader.readexactly(2) == b"\r\n"
    return body, False


def events(body: bytes) -> list[dict[str, Any]]:
    """Of a body of server-sent events."""
    blocks = body.decode().split("\n\n")
    assert blocks.pop() == ""
    assert all(block.startswith("data: ") and "\n" not in block for block in blocks)
    return [json.loads(block.removeprefix("data: ")) for block in blocks]


def audio(told: list[dict[str, Any]]) -> bytes:
    return b"".join(base64.b64decode(event["audio"]) for event in told if event["type"] == "speech.audio.delta")


@contextlib.asynccontextmanager
async def alone(folder: Path, *, write_timeout: float = 30, turns: asyncio.Semaphore | None = None) -> AsyncIterator[Alone]:
    """The front end without the rest of a server, so that its limits may be others and its sessions be interrupted."""
    path = folder / "herald.yaml"
    path.write_text(TONE)
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
