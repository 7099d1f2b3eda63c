"""The entry of a server: set up, unloaded, removed; a server that is gone and comes back."""

from __future__ import annotations

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.herald.const import DOMAIN

from .servers import Herald


async def test_an_entry_knows_its_server_and_is_unloaded(hass: HomeAssistant, server: Herald, entry: MockConfigEntry) -> None:
    data = entry.runtime_data.data
    assert data.server.id == server.id
    assert list(data.catalogue.voices) == ["tone/tone"]
    assert dr.async_get_device_id_by_identifier(hass, (DOMAIN, server.id), config_entry_id=entry.entry_id)
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert entry.state is ConfigEntryState.NOT_LOADED
