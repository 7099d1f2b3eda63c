"""What every entity here is: one that knows its server, and is there as long as the server is."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from homeassistant.core import callback
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .api import Kind, Service
from .coordinator import HeraldCoordinator
from .devices import server_device, service_device


class HeraldEntity(CoordinatorEntity[HeraldCoordinator]):
    """On the server's own device."""

    _attr_has_entity_name = True

    def __init__(self, coordinator: HeraldCoordinator, key: str) -> None:
        """`key` is its name in translations, and unique on the server."""
        super().__init__(coordinator)
        server = coordinator.data.server
        self._attr_translation_key = key
        self._attr_unique_id = f"{server.id}_{key}"
        self._attr_device_info = server_device(coordinator)


class ServiceEntity(HeraldEntity):
    """On the device of an engine or a converter. It ends with that device, which `keep_devices` removes."""

    def __init__(self, coordinator: HeraldCoordinator, service: Service, key: str) -> None:
        super().__init__(coordinator, key)
        self._service = (service.kind, service.name)
        self._attr_unique_id = f"{coordinator.data.server.id}_{service.kind}_{service.name}_{key}"
        self._attr_device_info = service_device(coordinator, service)

    @property
    def service(self) -> Service | None:
        """As the server tells it now; None where it uses it no more."""
        return self.coordinator.data.configured.get(self._service)

    @property
    def available(self) -> bool:
        return super().available and self.service is not None


@callback
def add_for_services(
    coordinator: HeraldCoordinator,
    add: AddConfigEntryEntitiesCallback,
    make: Callable[[Service], Iterable[Entity]],
) -> None:
    """Adds what `make` makes of each engine and converter: those that there are now, and those that come later."""
    known: set[tuple[Kind, str]] = set()

    @callback
    def look() -> None:
        services = coordinator.data.configured
        new = services.keys() - known
        known.intersection_update(services)
        known.update(new)
        if new:
            add([entity for key, service in services.items() if key in new for entity in make(service)])

    coordinator.config_entry.async_on_unload(coordinator.async_add_listener(look))
    look()
