"""What the page *System information* tells of the servers."""

from __future__ import annotations

from typing import Any

import pytest
from homeassistant.components.system_health import get_info
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry

from .conftest import paired
from .servers import Herald
from .speaking import until
from .strangers import impostor

OPENSPEECH = """
engines: {tone: {per_character: 0.02}, openspeech: {}, espeak: {enabled: false}}
default_voice: tone/tone
"""


async def info(hass: HomeAssistant) -> dict[str, Any]:
    assert await async_setup_component(hass, "system_health", {})
    found: Any = (await get_info(hass))["herald"]
    return dict(found)


async def test_a_server_is_told(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    data = entry.runtime_data.data
    assert await info(hass) == {
        "servers": 1,
        "can_reach_server": "ok",
        "version": data.server.version,
        "voices": "1",
        "engines_with_problems": "0",
    }


async def test_two_servers_are_told_with_their_names(
    hass: HomeAssistant, entry: MockConfigEntry, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with Herald(tmp_path_factory.mktemp("second"), OPENSPEECH).running() as second:
        other = await paired(hass, second)
        hass.config_entries.async_update_entry(other, title="Attic")
        await hass.async_block_till_done()
        told = await info(hass)
        assert told["servers"] == 2
        assert told["can_reach_server"] == "ok"
        assert told["engines_with_problems"] == "Herald: 0; Attic: openspeech"
        await second.stop(kill=True)
        await until(hass, lambda: not other.runtime_data.last_update_success)
        assert (await info(hass))["can_reach_server"] == "Failed: unreachable: Attic"


async def test_a_stranger_is_not_the_server(hass: HomeAssistant, entry: MockConfigEntry, server: Herald) -> None:
    token = server.token
    await server.stop(kill=True)
    await until(hass, lambda: not entry.runtime_data.last_update_success)
    stranger = impostor("ff" * 16)
    async with stranger.running(server.http_port):
        assert (await info(hass))["can_reach_server"] == "Failed: unreachable"
    assert not stranger.has_heard(token)
