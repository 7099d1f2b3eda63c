"""What tests of entities need: somebody else who lets the server speak, and to wait for what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import MATCH_ALL
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er

from custom_components.herald.const import DOMAIN

from .servers import Herald

PATIENCE = 30.0
"""Seconds for what takes a moment, on a slow machine."""


async def until(hass: HomeAssistant, true: Callable[[], object]) -> None:
    """Waits until it is so; it is looked at whenever something happens in Home Assistant."""
    happened = asyncio.Event()

    @callback
    def on_event(_: Event) -> None:
        happened.set()

    stop = hass.bus.async_listen(MATCH_ALL, on_event)
    try:
        async with asyncio.timeout(PATIENCE):
            while not true():
                await happened.wait()
                happened.clear()
    finally:
        stop()


async def following(entry: ConfigEntry) -> None:
    """Waits until the server tells what happens there."""
    async with asyncio.timeout(PATIENCE):
        await entry.runtime_data.following.wait()


async def say(server: Herald, text: str, session_id: str, **more: object) -> bytes:
    """By another client than Home Assistant. Raises aiohttp.ClientPayloadError where the reply breaks off."""
    url = f"http://127.0.0.1:{server.http_port}/api/tts/stream"
    body = {"text": text, "session_id": session_id, **more}
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as response:
        response.raise_for_status()
        return await response.read()


async def reload(server: Herald, yaml: str) -> None:
    """With another configuration."""
    server.yaml = yaml
    server.write()
    url = f"http://127.0.0.1:{server.http_port}/api/config/reload"
    async with aiohttp.ClientSession() as session, session.post(url) as response:
        response.raise_for_status()


def entity_id(hass: HomeAssistant, platform: str, server: Herald, key: str) -> str:
    found = er.async_get(hass).async_get_entity_id(platform, DOMAIN, f"{server.id}_{key}")
    assert found, f"there is no {platform} {key}"
    return found


def state_of(hass: HomeAssistant, entity: str) -> str:
    state = hass.states.get(entity)
    assert state is not None
    return state.state
