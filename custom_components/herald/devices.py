"""The devices of a server: its own, and one for each engine and converter. Those that are gone are removed."""

from __future__ import annotations

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo

from .api import Kind, Service
from .const import DOMAIN
from .coordinator import HeraldCoordinator

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
        via_device_id=dr.async_get_device_id_by_identifier(
            coordinator.hass, (DOMAIN, server.id), config_entry_id=coordinator.config_entry.entry_id
        ),
    )


@callback
def keep_devices(hass: HomeAssistant, coordinator: HeraldCoordinator) -> None:
    """Registers the server's device, and removes those of engines and converters that are gone; not those of subentries."""
    entry, data = coordinator.config_entry, coordinator.data
    registry = dr.async_get(hass)
    registry.async_get_or_create(config_entry_id=entry.entry_id, **server_device(coordinator))
    wanted = {data.server.id, *(_of_service(data.server.id, service) for service in data.services.values())}
    for device in dr.async_entries_for_config_entry(registry, entry.entry_id):
        names = {name for domain, name in device.identifiers if domain == DOMAIN}
        if device.config_subentry_id is None and not names & wanted:
            registry.async_remove_device(device.id)


def _of_service(server_id: str, service: Service) -> str:
    return f"{server_id}_{service.kind}_{service.name}"
