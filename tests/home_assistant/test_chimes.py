"""Chimes: sent to the server once, and again when it may not have them any more, or they are others."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from homeassistant.components.http.server import StaticPathConfig
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.herald import chimes
from custom_components.herald.announcing.stream import Stream
from custom_components.herald.api import Client, Order
from custom_components.herald.api.wire import Wire

from . import players
from .conftest import paired
from .listening import told
from .servers import Herald
from .speaking import PATIENCE, following

MEDIA = "media-source://media_source/local/ding.mp3"
LOCAL = "/local/ding.mp3"


@pytest.fixture
def ding(hass: HomeAssistant) -> Path:
    """A sound, in the folder of Home Assistant's media, which is on its web site, too."""
    path = Path(hass.config.config_dir, "ding.mp3")
    path.write_bytes(chimes.OWN_FILE.read_bytes())
    hass.config.media_dirs = {"local": str(path.parent)}
    return path


def changed(path: Path) -> None:
    path.write_bytes(Path(chimes.OWN_FILE.parent, "connection_test.mp3").read_bytes())
    os.utime(path, (path.stat().st_mtime + 5,) * 2)


@pytest.fixture
async def entry(hass: HomeAssistant, enable_custom_integrations: None, ding: Path, server: Herald) -> MockConfigEntry:
    await players.set_up(hass)
    assert await async_setup_component(hass, "media_source", {})
    await hass.http.async_register_static_paths([StaticPathConfig("/local", str(ding.parent), cache_headers=False)])
    entry = await paired(hass, server)
    await following(entry)
    return entry


@pytest.fixture
async def client(hass: HomeAssistant, entry: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator) -> Client:
    hass.config.internal_url = str((await hass_client_no_auth()).make_url("")).rstrip("/")
    herald: Client = entry.runtime_data.client
    return herald


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Paths of what is stored at the server."""
    paths: list[str] = []
    ask = Wire.ask

    async def asked(wire: Wire, method: str, path: str, **more: Any) -> Any:
        if method == "PUT":
            paths.append(path)
        return await ask(wire, method, path, **more)

    monkeypatch.setattr(Wire, "ask", asked)
    return paths


async def until(true: Callable[[], object]) -> None:
    """What the server tells makes no event in Home Assistant."""
    async with asyncio.timeout(PATIENCE):
        while not true():  # noqa: ASYNC110  # see above
            await asyncio.sleep(0.01)


async def stored(hass: HomeAssistant, client: Client, media_id: str) -> str:
    """It, and the server has told that it has it."""
    name = await chimes.stored(hass, client, media_id)
    await until(lambda: not client.chimes)
    assert await chimes.stored(hass, client, media_id) == name
    return name


@pytest.mark.parametrize("media_id", [chimes.OWN, MEDIA, LOCAL])
async def test_one_that_is_stored_is_not_sent_again(hass: HomeAssistant, client: Client, sent: list[str], media_id: str) -> None:
    name = await stored(hass, client, media_id)
    sent.clear()
    assert await chimes.stored(hass, client, media_id) == name
    assert sent == []


@pytest.mark.parametrize("media_id", [MEDIA, LOCAL])
async def test_one_that_is_another_by_now_is_sent(
    hass: HomeAssistant, client: Client, sent: list[str], ding: Path, media_id: str
) -> None:
    name = await stored(hass, client, media_id)
    sent.clear()
    changed(ding)
    other = await chimes.stored(hass, client, media_id)
    assert other != name
    assert sent == [f"/api/chimes/{other}"]


async def test_one_that_the_server_forgot_is_sent_again(
    hass: HomeAssistant, client: Client, sent: list[str], server: Herald
) -> None:
    name = await stored(hass, client, chimes.OWN)
    await told(server, "DELETE", f"/api/chimes/{name}")
    await until(lambda: not client.chimes)
    sent.clear()
    assert await chimes.stored(hass, client, chimes.OWN) == name
    assert sent == [f"/api/chimes/{name}"]


async def test_a_server_that_was_gone_is_sent_it_again(
    hass: HomeAssistant, entry: MockConfigEntry, client: Client, server: Herald
) -> None:
    await stored(hass, client, chimes.OWN)
    await server.stop()
    await until(lambda: not client.chimes)
    assert not entry.runtime_data.following.is_set()


async def test_one_that_the_server_does_not_know_is_forgotten_here(
    hass: HomeAssistant, entry: MockConfigEntry, client: Client
) -> None:
    name = "0" * 64
    client.chimes[chimes.OWN] = ((0, 0), name)
    stream = Stream(hass, entry.runtime_data, "Dinner.", Order(format="MP3", options={"chime": name}))
    assert [piece async for piece in stream.read()] == []
    assert client.chimes == {}


async def test_only_so_many_are_remembered(hass: HomeAssistant, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chimes, "REMEMBERED_MAX", 1)
    await stored(hass, client, chimes.OWN)
    assert await chimes.stored(hass, client, MEDIA)
    assert list(client.chimes) == [MEDIA]
