"""A house to measure in: a server, and a Home Assistant that knows it twice, by our integration and by core's `wyoming`."""

from __future__ import annotations

import asyncio
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.ports import free_port
from tests.whole.hass import Hass

from ..peer import Unavailable
from ..processes import ROOT, Server, process, ready

CONFIGURATION = """
wyoming: {{uri: "tcp://127.0.0.1:{port}"}}
http: {{host: 127.0.0.1, port: {http_port}}}
engines: {{espeak: {{enabled: false}}, tone: {{per_character: 0.06, delay: {think}, pace: {pace}}}}}
default_voice: tone/tone
cache: {{enabled: false}}
"""
THINK, PACE = 0.2, 2
"""Seconds before an engine's first audio, and its speed as a factor of real time: those of a service in a cloud."""


INTEGRATIONS = ("herald", "wyoming")


@dataclass(frozen=True, kw_only=True, slots=True)
class House:
    version: str
    """Of Home Assistant."""
    hass: Hass
    server: Server
    entities: dict[str, str]
    """Integration → its text-to-speech entity on the server."""


@asynccontextmanager
async def house(release: Path) -> AsyncIterator[House]:
    """`release`: as script/home_assistant prints it."""
    with tempfile.TemporaryDirectory(prefix="herald-bench-") as name:
        folder = Path(name)
        async with _herald(folder) as server, Hass.running(release, folder / "hass") as hass:
            where = {"address": f"http://127.0.0.1:{server.http[1]}", "token": (folder / "state" / "token").read_text().strip()}
            entities = {
                "herald": await _entity(hass, "herald", where, {"next_step_id": "finish"}),
                "wyoming": await _entity(hass, "wyoming", {"host": "127.0.0.1", "port": server.address[1]}),
            }
            yield House(version=hass.version, hass=hass, server=server, entities=entities)


@asynccontextmanager
async def _herald(folder: Path) -> AsyncIterator[Server]:
    port, http_port = free_port(), free_port()
    config = folder / "herald.yaml"
    config.write_text(CONFIGURATION.format(port=port, http_port=http_port, think=THINK, pace=PACE))
    command = ["-m", "wyoming_server", "serve", "--config", str(config), "--state", str(folder / "state")]
    with (folder / "log").open("wb") as log:
        async with process(command, stdout=log, stderr=log) as child:
            server = Server(name="herald", pid=child.pid, address=("127.0.0.1", port), http=("127.0.0.1", http_port))
            await ready(server)
            yield server


async def _entity(hass: Hass, integration: str, *answers: Mapping[str, Any]) -> str:
    """The one that comes with a new entry."""
    before = await _entities(hass)
    made = await hass.set_up(integration, *answers)
    assert made["type"] == "create_entry", made
    async with asyncio.timeout(30):
        while not (new := await _entities(hass) - before):  # noqa: ASYNC110  # another process: nothing here could be waited for
            await asyncio.sleep(0.1)
    (entity,) = new
    return entity


async def _entities(hass: Hass) -> set[str]:
    return {state["entity_id"] for state in await hass.get("/api/states") if state["entity_id"].startswith("tts.")}


async def bring(version: str) -> Path:
    """A release, or `newest`, of Home Assistant. Raises Unavailable."""
    script = str(ROOT / "script" / "home_assistant")
    child = await asyncio.create_subprocess_exec(script, version, stdout=PIPE)
    told, _ = await child.communicate()
    if child.returncode:
        msg = f"Home Assistant {version} cannot be had here."
        raise Unavailable(msg)
    return Path(told.decode().strip())
