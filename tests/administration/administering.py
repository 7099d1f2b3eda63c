"""A server whose engine is a simulated cloud, and what tests of its administration do with it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.simulators.openspeech import OpenSpeechSimulator, simulator
from wyoming_server.administration import Kind
from wyoming_server.monitoring.hub import Subscriber
from wyoming_server.server import Running

from ..serving import Client, Heard, serving

ENGINE, CONVERTER = Kind.ENGINE, Kind.CONVERTER
PORTS = """
wyoming: {uri: "tcp://127.0.0.1:0"}
http: {host: 127.0.0.1, port: 0, zeroconf: false}
cache: {enabled: false}
"""
VOICE = "zh_female_wanwanxiaohe_moon_bigtts"
GOOD = {"appid": "1234567890", "token": "access-token"}
GOOD_KEY = {"api_key": "api-key"}
WRONG = {"appid": "1234567890", "token": "wr0ng-t0ken"}
TEXT = "The kettle is boiling now."


@pytest.fixture
async def nothing_is_left() -> AsyncIterator[None]:
    """Every task that a test starts is gone at its end, and the log is as it was."""
    tasks, level = asyncio.all_tasks(), logging.getLogger().level
    yield
    logging.getLogger().setLevel(level)
    assert asyncio.all_tasks() - {asyncio.current_task()} <= tasks


@asynccontextmanager
async def cloud(folder: Path, more: str = "", **options: Any) -> AsyncIterator[tuple[OpenSpeechSimulator, Running]]:
    """A server whose engine `openspeech` is configured, but for its credentials. `options` are the simulator's."""
    async with simulator(**options) as service:
        yaml = f"{PORTS}engines: {{openspeech: {{url: {service.url}, api: v1}}, espeak: {{enabled: false}}}}\n{more}"
        async with serving(folder, yaml) as server:
            yield service, server


async def said(server: Running, text: str = TEXT, voice: str = f"openspeech/{VOICE}") -> Heard:
    async with await Client.connect(server) as client:
        return await client.say(text, voice={"name": voice})


def stored(folder: Path) -> Any:
    path = folder / "credentials.json"
    return json.loads(path.read_text())["engines"] if path.exists() else {}


async def event(events: Subscriber, name: str) -> Any:
    """The next event of this name."""
    async with asyncio.timeout(5):
        while (found := await anext(events)).name != name:
            pass
    return found.data


def rewrite(folder: Path, yaml: str) -> None:
    (folder / "herald.yaml").write_text(yaml)
