"""A device as a Voice PE is one, for tests/whole: a satellite and a media player, which have one loudspeaker."""

from __future__ import annotations

from pathlib import Path

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.device_registry import DeviceInfo

from ..fake_room.media_player import Room, files

type VoiceEntry = ConfigEntry[Room]

PLATFORMS = (Platform.ASSIST_SATELLITE, Platform.MEDIA_PLAYER)
NAME = "Voice"


async def async_setup_entry(hass: HomeAssistant, entry: VoiceEntry) -> bool:
    opened = await hass.async_add_executor_job(files, Path(hass.config.path("rooms")), NAME)
    entry.runtime_data = Room(opened, NAME, announces=True, device=device(entry))
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    return True


def device(entry: VoiceEntry) -> DeviceInfo:
    return DeviceInfo(identifiers={(entry.domain, entry.entry_id)}, name=NAME)
