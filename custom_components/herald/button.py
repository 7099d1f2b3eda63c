"""Silence at once, whoever speaks."""

from __future__ import annotations

from homeassistant.components.button import ButtonEntity
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .api import HeraldError
from .coordinator import HeraldConfigEntry, HeraldCoordinator
from .entity import HeraldEntity
from .failures import explained

PARALLEL_UPDATES = 0  # an interrupt waits for nobody


async def async_setup_entry(
    hass: HomeAssistant, entry: HeraldConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the one of the server."""
    async_add_entities([Interrupt(entry.runtime_data)])


class Interrupt(HeraldEntity, ButtonEntity):
    """Of everything that the server speaks, for other clients too."""

    def __init__(self, coordinator: HeraldCoordinator) -> None:
        super().__init__(coordinator, "interrupt")

    async def async_press(self) -> None:
        client = self.coordinator.client
        try:
            await client.interrupt_all()
        except HeraldError as error:
            self.coordinator.notice(error)
            raise HomeAssistantError(**explained(error, client.address)) from error
