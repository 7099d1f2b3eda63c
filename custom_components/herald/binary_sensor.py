"""Whether somebody has something to mend about an engine or a converter."""

from __future__ import annotations

from typing import Any

from homeassistant.components.binary_sensor import BinarySensorEntity
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .api import Service
from .coordinator import HeraldConfigEntry, HeraldCoordinator
from .entity import ServiceEntity, add_for_services

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant, entry: HeraldConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add one for each engine and converter that the server uses."""
    coordinator = entry.runtime_data
    add_for_services(coordinator, async_add_entities, lambda service: [Problem(coordinator, service)])


class Problem(ServiceEntity, BinarySensorEntity):
    """What the service itself says of it is in the diagnostics and the repairs: a sentence in a language of its own."""

    _attr_device_class = BinarySensorDeviceClass.PROBLEM
    _attr_entity_category = EntityCategory.DIAGNOSTIC

    def __init__(self, coordinator: HeraldCoordinator, service: Service) -> None:
        super().__init__(coordinator, service, "problem")

    @property
    def is_on(self) -> bool | None:
        service = self.service
        return None if service is None else service.failing

    @property
    def extra_state_attributes(self) -> dict[str, Any]:
        service = self.service
        return {"reason": service.state.value if service is not None and service.failing else None}
