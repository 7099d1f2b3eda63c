"""The front end IndexTTS on both its ports, with voices that are slow, that stall and that fail, and a clock for its tasks."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from datetime import datetime
from pathlib import Path

import pytest

from wyoming_server.config import load_config
from wyoming_server.engines.base import EngineEvent, Utterance
from wyoming_server.engines.tone import ToneEngine
from wyoming_server.frontends.http.server import HttpServer
from wyoming_server.frontends.indextts.routes import routes
from wyoming_server.frontends.indextts.services import Services
from wyoming_server.frontends.indextts.tasks import Tasks
from wyoming_server.server import Running
from wyoming_server.sessions import LocalSessions
from wyoming_server.speech import Speech, speech
from wyoming_server.state.tokens import PairingToken

from ..serving import TONE, tone_of
from .http_client import TOKEN

VOICES = (
    TONE.replace("port: 0}", "port: 0, indextts_port: 0}").replace(
        "{tone: {per_character: 0.01}",
        "{tone: {per_character: 0.01}, other: {type: tone, per_character: 0.01, rate: 16000}",
    )
    + """
voices:
  plain: {engine: tone, voice: tone, aliases: [Plain one]}
  slow: {engine: tone, voice: tone, delay: 0.02}
  slower: {engine: tone, voice: tone, delay: 0.5}
  stalls: {engine: tone, voice: tone, stall_at: 0.02}
  fails: {engine: tone, voice: tone, fail_at: 0.02}
  unavailable: {engine: tone, voice: tone, fail_at: 0, fail_with: engine_unavailable}
  long: {engine: tone, voice: tone, per_character: 10, piece: 10}
  elsewhere: {engine: other, voice: tone}
  stalls elsewhere: {engine: other, voice: tone, stall_at: 0}
"""
)


@dataclasses.dataclass(kw_only=True)
class Clock:
    """Time that a test makes."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds)  # noqa: DTZ006  # as the server's own


@dataclasses.dataclass(frozen=True, kw_only=True)
class Alone:
    """The front end without the rest of a server, so that its limits may be others and its sessions be looked at."""

    http: HttpServer
    speech: Speech
    sessions: LocalSessions
    tasks: Tasks
    clock: Clock

    @property
    def engine(self) -> ToneEngine:
        engine = self.speech.engines["tone"]
        assert isinstance(engine, ToneEngine)
        return engine


@contextlib.asynccontextmanager
async def alone(folder: Path, *, write_timeout: float = 30) -> AsyncIterator[Alone]:
    path = folder / "herald.yaml"
    path.write_text(VOICES)
    config = load_config(path, {})
    sessions, clock = LocalSessions(), Clock()
    tasks = Tasks(clock=clock, now=clock.now)
    async with speech(config, folder) as speaks:
        services = Services(
            config=config.http,
            catalogue=speaks.catalogue,
            synthesizer=speaks.synthesizer,
            sessions=sessions,
            turns=asyncio.Semaphore(2),
            write_timeout=write_timeout,
            tasks=tasks,
        )
        token = PairingToken(value=TOKEN, source="the test")
        server = HttpServer(config.http, token=token, health=dict, more_routes=routes(services))
        async with server.serving():
            yield Alone(http=server, speech=speaks, sessions=sessions, tasks=tasks, clock=clock)


def journal(engine: ToneEngine) -> list[str]:
    return [event.what for event in engine.journal]


def replace_engine(
    server: Running, monkeypatch: pytest.MonkeyPatch, speak: Callable[[str, Utterance], AsyncGenerator[EngineEvent, None]]
) -> None:
    """The tone engine speaks its sentences like this instead."""
    monkeypatch.setattr(tone_of(server), "speak_sentence", speak)
