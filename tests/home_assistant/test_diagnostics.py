"""The diagnostics that somebody attaches to a report: enough to find a fault, and nothing that is nobody's business."""

from __future__ import annotations

import asyncio
import re
from types import MappingProxyType
from typing import Any

import pytest
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.diagnostics import get_diagnostics_for_config_entry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from syrupy.assertion import SnapshotAssertion
from syrupy.matchers import path_type

from custom_components.herald.api import Kind
from custom_components.herald.const import SUBENTRY_VOICE

from .conftest import paired
from .servers import Herald
from .speaking import entity_id, following, say, state_of, until

VOICE = {"voice": "tone/tone", "settings": {"speed": 1.2, "instructions": "Like Aunt Em."}, "fallback": True, "text": "plain"}
OF_THE_MOMENT: dict[str, tuple[type[Any], ...]] = {
    "home_assistant": (str,),
    r"entry\.data\.port": (int,),
    r"server\.(version|started|revision)": (str,),
    r"catalogue\.revision": (str,),
    r"usage\.month_ends": (str,),
}


@pytest.fixture
async def entry(hass: HomeAssistant, enable_custom_integrations: None, server: Herald) -> MockConfigEntry:
    """With a voice, and credentials that the server stores."""
    assert await async_setup_component(hass, "diagnostics", {})
    entry = await paired(hass, server)
    voice = ConfigSubentry(data=MappingProxyType(VOICE), subentry_type=SUBENTRY_VOICE, title="My voice", unique_id=None)
    hass.config_entries.async_add_subentry(entry, voice)
    await hass.async_block_till_done()
    await entry.runtime_data.client.set_credentials(Kind.ENGINE, "dashscope", {"api_key": "sk-0123456789"})
    await following(entry)
    return entry


async def told(hass: HomeAssistant, client: ClientSessionGenerator, entry: MockConfigEntry) -> dict[str, Any]:
    diagnostics: Any = await get_diagnostics_for_config_entry(hass, client, entry)
    return dict(diagnostics)


async def test_this_is_told(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, entry: MockConfigEntry, snapshot: SnapshotAssertion
) -> None:
    await until(hass, lambda: entry.runtime_data.data.services[Kind.ENGINE, "dashscope"].configured)
    diagnostics = await told(hass, hass_client, entry)
    diagnostics["catalogue"] |= {"voices": "MANY", "by_engine": "MANY", "by_language": "MANY"}  # dashscope's change with it
    diagnostics["services"] = [one for one in diagnostics["services"] if one["configured"]]
    assert diagnostics == snapshot(matcher=path_type(OF_THE_MOMENT, regex=True))


async def test_no_secret_and_no_address_is_told(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, entry: MockConfigEntry, server: Herald
) -> None:
    event = entity_id(hass, "event", server, "speech")
    slow = {"per_character": 10, "pace": 1}
    speaking = asyncio.create_task(say(server, "Nobody's business.", "secret session", options=slow))
    await until(hass, lambda: state_of(hass, event) != "unknown")
    written = str(await told(hass, hass_client, entry))
    await entry.runtime_data.client.interrupt_all()
    await speaking
    for secret in (server.token, server.id, "127.0.0.1", "sk-0123456789", "Like Aunt Em", "Nobody's", "secret session"):
        assert secret not in written
    assert re.search("'sessions': .{0,3}{[^}]*'voice': 'tone/tone'", written)


async def test_a_server_that_is_away_is_not_asked(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, entry: MockConfigEntry, server: Herald
) -> None:
    await server.stop(kill=True)
    await until(hass, lambda: not entry.runtime_data.last_update_success)
    diagnostics = await told(hass, hass_client, entry)
    assert diagnostics["connected"] is diagnostics["following"] is False
    assert diagnostics["last_failure"] == "CannotConnect"
    assert diagnostics["sessions"] == "not connected"
    assert "127.0.0.1" not in str(diagnostics)


async def test_of_an_entry_that_is_not_loaded_the_entry_is_told(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, entry: MockConfigEntry
) -> None:
    assert await hass.config_entries.async_unload(entry.entry_id)
    diagnostics = await told(hass, hass_client, entry)
    assert diagnostics["entry"]["state"] == "not_loaded"
    assert "server" not in diagnostics
