"""The device's loudspeaker."""

from __future__ import annotations

from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from . import VoiceEntry


async def async_setup_entry(hass: HomeAssistant, entry: VoiceEntry, add: AddConfigEntryEntitiesCallback) -> None:
    add([entry.runtime_data])
