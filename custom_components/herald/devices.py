"""The devices of a server: its own, and one for each engine and converter that it uses. Those that are gone are removed.

The devices of voices and groups stand under their subentries, and are not touched here: Home Assistant removes them.
"""

from __future__ import annotations

from collections.abc import Container

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.device_registry import DeviceEntry, DeviceEntryType, DeviceInfo

from .api import Kind, Service
from .const import DOMAIN
from .coordinator import HeraldConfigEntry, HeraldCoordinator
from .data import HeraldData

MANUFACTURER = "Herald"
MODELS = {Kind.ENGINE: "Speech engine", Kind.CONVERTER: "Voice converter"}


def server_device(coordinator: HeraldCoordinator) -> DeviceInfo:
    server = coordinator.data.server
    return DeviceInfo(
        identifiers={(DOMAIN, server.id)},
        entry_type=DeviceEntryType.SERVICE,
        name=coordinator.config_entry.title,
        manufacturer=MANUFACTURER,
        model="Speech server",
        sw_version=server.version,
        configuration_url=str(coordinator.client.address),
    )


def service_device(coordinator: HeraldCoordinator, service: Service) -> DeviceInfo:
    """Of an engine or a converter, under the server's, which `keep_devices` registered."""
    server = coordinator.data.server
    return DeviceInfo(
        identifiers={(DOMAIN, _of_service(server.id, service))},
        entry_type=DeviceEntryType.SERVICE,
        name=service.title if service.name == service.type else f"{service.title} ({service.name})",
        manufacturer=MANUFACTURER,
        model=MODELS[service.kind],
        via_device_id=server_device_id(coordinator),
    )


def server_device_id(coordinator: HeraldCoordinator) -> str:
    """In the registry, where `keep_devices` put it."""
    return dr.async_get_device_id_by_identifier(
        coordinator.hass, (DOMAIN, coordinator.data.server.id), config_entry_id=coordinator.config_entry.entry_id
    )


@callback
def keep_devices(hass: HomeAssistant, coordinator: HeraldCoordinator) -> None:
    """Registers those that there are, and removes those of engines and converters that are gone."""
    entry, registry = coordinator.config_entry, dr.async_get(hass)
    registry.async_get_or_create(config_entry_id=entry.entry_id, **server_device(coordinator))
    for service in coordinator.data.configured.values():
        registry.async_get_or_create(config_entry_id=entry.entry_id, **service_device(coordinator, service))
    used = _used(entry, coordinator.data)
    for device in dr.async_entries_for_config_entry(registry, entry.entry_id):
        if device.config_subentry_id is None and not _is_one_of(used, device):
            registry.async_remove_device(device.id)


def is_in_use(entry: HeraldConfigEntry, device: DeviceEntry) -> bool:
    """Whether it is one of the server, its engines, voices and groups. While it isn't loaded, nobody knows its engines."""
    data = entry.runtime_data.data if entry.state is ConfigEntryState.LOADED else None
    return _is_one_of(_used(entry, data), device)


def _used(entry: HeraldConfigEntry, data: HeraldData | None) -> set[str | None]:
    services = () if data is None else (_of_service(data.server.id, service) for service in data.configured.values())
    return {entry.unique_id, *entry.subentries, *services}


def _is_one_of(names: Container[str | None], device: DeviceEntry) -> bool:
    return any(domain == DOMAIN and name in names for domain, name in device.identifiers)


def _of_service(server_id: str, service: Service) -> str:
    return f"{server_id}_{service.kind}_{service.name}"
