"""The front end of /ws/v1/tts without the rest of a server, and what its tests do to an engine and with a session."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path

import pytest

from wyoming_server.config import load_config
from wyoming_server.engines.base import EngineEvent, Utterance
from wyoming_server.frontends.flowing.connection import Services
from wyoming_server.frontends.flowing.routes import routes
from wyoming_server.frontends.http.server import HttpServer
from wyoming_server.server import Running
from wyoming_server.sessions import LocalSessions
from wyoming_server.speech import Speech, speech
from wyoming_server.state.tokens import PairingToken

from ..serving import TONE, tone, tone_of
from .flowing_client import FlowingClient
from .http_client import TOKEN

Speak = Callable[[str, Utterance], AsyncGenerator[EngineEvent, None]]
STREAMING = TONE.replace("{per_character: 0.01}", "{per_character: 0.01, streaming_text: true}")
"""The test tone as an engine that takes text in fragments."""
LONG = {"pace": 5}
"""Options of a reply that goes on for a while."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Alone:
    """The front end without the rest of a server, so that its limits may be others and its sessions be looked at."""

    http: HttpServer
    speech: Speech
    sessions: LocalSessions


@contextlib.asynccontextmanager
async def alone(folder: Path, *, text_timeout: float = 60, write_timeout: float = 30) -> AsyncIterator[Alone]:
    path = folder / "herald.yaml"
    path.write_text(TONE)
    config = load_config(path, {})
    http = dataclasses.replace(config.http, text_timeout=text_timeout)
    sessions = LocalSessions()
    async with speech(config, folder) as speaks:
        services = Services(
            config=http,
            catalogue=speaks.catalogue,
            synthesizer=speaks.synthesizer,
            engines=speaks.engines,
            sessions=sessions,
            turns=asyncio.Semaphore(2),
            write_timeout=write_timeout,
        )
        token = PairingToken(value=TOKEN, source="the test")
        server = HttpServer(http, token=token, health=dict, more_routes=routes(services))
        async with server.serving():
            yield Alone(http=server, speech=speaks, sessions=sessions)


def replace_engine(server: Running, monkeypatch: pytest.MonkeyPatch, speak: Speak) -> None:
    """The tone engine speaks its sentences like this instead."""
    monkeypatch.setattr(tone_of(server), "speak_sentence", speak)


def make_slow(server: Running, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """The tone engine's upstream takes a cancel only when the event is set."""
    taken = asyncio.Event()

    async def speak(text: str, utterance: Utterance) -> AsyncGenerator[EngineEvent, None]:
        try:
            yield tone(10)
            await asyncio.Event().wait()
        finally:
            await taken.wait()

    replace_engine(server, monkeypatch, speak)
    return taken


async def speaking(client: FlowingClient, **payload: object) -> None:
    """A session in the middle of its audio."""
    await client.start(**{"options": LONG, **payload})
    await client.run("a" * 200)
    await client.heard("audio")
