"""The device's satellite: what it announces, its loudspeaker plays."""

from __future__ import annotations

from homeassistant.components.assist_pipeline import PipelineEvent
from homeassistant.components.assist_satellite import (
    AssistSatelliteAnnouncement,
    AssistSatelliteConfiguration,
    AssistSatelliteEntity,
    AssistSatelliteEntityFeature,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from . import NAME, VoiceEntry, device


async def async_setup_entry(hass: HomeAssistant, entry: VoiceEntry, add: AddConfigEntryEntitiesCallback) -> None:
    add([Satellite(entry)])


class Satellite(AssistSatelliteEntity):
    _attr_name = NAME
    _attr_supported_features = AssistSatelliteEntityFeature.ANNOUNCE

    def __init__(self, entry: VoiceEntry) -> None:
        self._attr_unique_id = entry.entry_id
        self._attr_device_info = device(entry)
        self._loudspeaker = entry.runtime_data

    async def async_announce(self, announcement: AssistSatelliteAnnouncement) -> None:
        await self._loudspeaker.announce(announcement.media_id)

    @callback
    def async_get_configuration(self) -> AssistSatelliteConfiguration:
        return AssistSatelliteConfiguration(available_wake_words=[], active_wake_words=[], max_active_wake_words=0)

    async def async_set_configuration(self, config: AssistSatelliteConfiguration) -> None:
        raise NotImplementedError

    def on_pipeline_event(self, event: PipelineEvent) -> None:
        raise NotImplementedError
