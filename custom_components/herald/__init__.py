"""Herald: good voices, fast, that can be interrupted. Pairs Home Assistant with a Herald server."""

from __future__ import annotations

from functools import partial

from homeassistant.const import CONF_HOST, CONF_PORT, CONF_SSL, CONF_TOKEN, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.device_registry import DeviceEntry
from homeassistant.helpers.typing import ConfigType

from . import issues, players, services, views
from .announcing import view, volumes
from .announcing.session import SESSIONS
from .announcing.speaking import By, forget
from .api import Address, Client
from .const import CONF_FINGERPRINT, DOMAIN
from .coordinator import HeraldConfigEntry, HeraldCoordinator
from .devices import is_in_use, keep_devices

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)
PLATFORMS: list[Platform] = [
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.EVENT,
    Platform.NOTIFY,
    Platform.SENSOR,
    Platform.TTS,
]


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Set up what there is once, however many servers there are."""
    views.register(hass)
    view.register(hass)
    await volumes.set_up(hass)
    services.register(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: HeraldConfigEntry) -> bool:
    """Connect to a server, and follow what it tells."""
    coordinator = HeraldCoordinator(hass, entry, client(hass, entry))
    issues.watch(hass, coordinator)
    await coordinator.async_config_entry_first_refresh()
    entry.runtime_data = coordinator
    keep_devices(hass, coordinator)
    entry.async_on_unload(coordinator.async_add_listener(partial(keep_devices, hass, coordinator)))
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    entry.async_on_unload(coordinator.listen_to_sessions(partial(forget, coordinator)))
    entry.async_create_background_task(hass, coordinator.listen(), name=f"events of {entry.title}")
    players.watch(hass, entry)
    entry.async_on_unload(entry.add_update_listener(_reload))
    return True


async def async_unload_entry(hass: HomeAssistant, entry: HeraldConfigEntry) -> bool:
    """Let the server go."""
    if unloaded := await hass.config_entries.async_unload_platforms(entry, PLATFORMS):
        await hass.data[SESSIONS].interrupt(lambda room: room.announcement.entry_id == entry.entry_id, By.UNLOAD)
        await entry.runtime_data.replies.interrupt()
    return unloaded


async def async_remove_entry(hass: HomeAssistant, entry: HeraldConfigEntry) -> None:
    """Leave nothing here. What the server stores, credentials too, stays there."""
    issues.remove(hass, entry)
    if all(other is entry for other in hass.config_entries.async_entries(DOMAIN)):
        await volumes.remove(hass)


async def async_migrate_entry(hass: HomeAssistant, entry: HeraldConfigEntry) -> bool:
    """Accept every entry of version 1: there was none before it. Those of a later one are refused by Home Assistant itself."""
    return entry.version == 1


async def async_remove_config_entry_device(hass: HomeAssistant, entry: HeraldConfigEntry, device: DeviceEntry) -> bool:
    """Whether somebody may remove a device by hand: one that is used by nothing."""
    return not is_in_use(entry, device)


def client(hass: HomeAssistant, entry: HeraldConfigEntry) -> Client:
    """Of the entry's server."""
    data = entry.data
    address = Address(host=data[CONF_HOST], port=data[CONF_PORT], tls=data[CONF_SSL], fingerprint=data[CONF_FINGERPRINT])
    return Client(async_get_clientsession(hass), address, data[CONF_TOKEN], server_id=entry.unique_id)


async def _reload(hass: HomeAssistant, entry: HeraldConfigEntry) -> None:
    """Another address, option, voice or group."""
    await hass.config_entries.async_reload(entry.entry_id)
