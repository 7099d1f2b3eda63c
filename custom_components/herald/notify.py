"""Announcement groups as notify entities: a message is spoken to all that belong to the group."""

from __future__ import annotations

import secrets

from homeassistant.components.notify import NotifyEntity
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .announcing.model import Mode
from .announcing.session import SESSIONS
from .announcing.targets import select
from .announcing.wanted import raise_failures, wanted
from .const import DOMAIN, SUBENTRY_GROUP
from .coordinator import HeraldConfigEntry, HeraldCoordinator
from .devices import MANUFACTURER, server_device_id
from .entity import HeraldEntity

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant, entry: HeraldConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the groups."""
    for subentry in entry.get_subentries_of_type(SUBENTRY_GROUP):
        async_add_entities([AnnouncementGroup(entry.runtime_data, subentry)], config_subentry_id=subentry.subentry_id)


class AnnouncementGroup(HeraldEntity, NotifyEntity):
    """On a device of its own, whose name it has."""

    _attr_name = None

    def __init__(self, coordinator: HeraldCoordinator, subentry: ConfigSubentry) -> None:
        super().__init__(coordinator, "announcement")
        self._group = subentry.data
        self._attr_unique_id = subentry.subentry_id
        self._attr_device_info = DeviceInfo(
            identifiers={(DOMAIN, subentry.subentry_id)},
            entry_type=DeviceEntryType.SERVICE,
            name=subentry.title,
            manufacturer=MANUFACTURER,
            model="Announcement group",
            via_device_id=server_device_id(coordinator),
        )

    async def async_send_message(self, message: str, title: str | None = None) -> None:
        """Speak it. Raises HomeAssistantError."""
        group, context = self._group, self._context or Context()  # before another message comes with its own
        announcement, problem = await wanted(
            self.hass,
            text=message,
            voice=group["voice"],
            options={},
            chime=group["chime"],
            volume=group.get("volume"),
            default=self.coordinator,
            mode=Mode.QUEUE,
            session_id=secrets.token_hex(16),
        )
        targets = select(self.hass, group["targets"])
        outcomes = await self.hass.data[SESSIONS].announce(announcement, targets, context)
        raise_failures(self.hass, outcomes, problem)
