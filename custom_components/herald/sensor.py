"""Numbers of a server, for those who want them: all are disabled at first."""

from __future__ import annotations

from calendar import monthrange
from datetime import datetime, timedelta
from typing import Any

from homeassistant.components.sensor import SensorDeviceClass, SensorEntity, SensorStateClass
from homeassistant.const import EntityCategory, UnitOfTime
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .api import Kind, Service, Session
from .coordinator import HeraldConfigEntry, HeraldCoordinator
from .entity import HeraldEntity, ServiceEntity, add_for_services

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant, entry: HeraldConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add those of the server, and one for each engine."""
    coordinator = entry.runtime_data
    async_add_entities([FirstAudio(coordinator)])
    add_for_services(
        coordinator,
        async_add_entities,
        lambda service: [Characters(coordinator, service)] if service.kind is Kind.ENGINE else [],
    )


class Characters(ServiceEntity, SensorEntity):
    """That an engine took this month: what its service charges for."""

    _attr_entity_category = EntityCategory.DIAGNOSTIC
    _attr_entity_registry_enabled_default = False
    _attr_state_class = SensorStateClass.TOTAL

    def __init__(self, coordinator: HeraldCoordinator, service: Service) -> None:
        super().__init__(coordinator, service, "characters")
        self._engine = service.name

    @property
    def native_value(self) -> int:
        spent = self.coordinator.data.usage.month.get(self._engine)
        return 0 if spent is None else spent.characters

    @property
    def last_reset(self) -> datetime:
        return _began(self.coordinator.data.usage.month_ends)

    @property
    def extra_state_attributes(self) -> dict[str, Any]:
        spent = self.coordinator.data.usage.month.get(self._engine)
        return {"limit": None if spent is None else spent.limit}


class FirstAudio(HeraldEntity, SensorEntity):
    """Until the latest reply could be heard, of those that were."""

    _attr_device_class = SensorDeviceClass.DURATION
    _attr_entity_category = EntityCategory.DIAGNOSTIC
    _attr_entity_registry_enabled_default = False
    _attr_native_unit_of_measurement = UnitOfTime.SECONDS
    _attr_state_class = SensorStateClass.MEASUREMENT
    _attr_suggested_display_precision = 2

    def __init__(self, coordinator: HeraldCoordinator) -> None:
        super().__init__(coordinator, "first_audio")

    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.listen_to_sessions(self._on_session))

    @callback
    def _on_session(self, name: str, session: Session) -> None:
        if name == "session_speaking":
            self._attr_native_value = session.first_audio
            self.async_write_ha_state()


def _began(ends: datetime) -> datetime:
    """A month that ends then. By the clock on the wall, in whatever zone is Home Assistant's: mostly it is the server's too."""
    last_day = ends - timedelta(days=1)
    days = monthrange(last_day.year, last_day.month)[1]
    return dt_util.as_local(ends) - timedelta(days=days)
