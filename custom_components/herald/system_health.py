"""What the page *System information* tells of the servers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from homeassistant.components.system_health import SystemHealthRegistration
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession

from .api import HeraldError, identify
from .const import DOMAIN
from .coordinator import HeraldConfigEntry
from .data import HeraldData


@callback
def async_register(hass: HomeAssistant, register: SystemHealthRegistration) -> None:
    register.async_register_info(_info)


async def _info(hass: HomeAssistant) -> dict[str, Any]:
    """Of each server that is set up; of several, with their names."""
    entries: list[HeraldConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    return {
        "servers": len(hass.config_entries.async_entries(DOMAIN)),
        "can_reach_server": _reached(hass, entries),
        "version": _each(entries, lambda data: data.server.version),
        "voices": _each(entries, lambda data: str(len(data.catalogue.voices))),
        "engines_with_problems": _each(entries, _failing),
    }


async def _reached(hass: HomeAssistant, entries: list[HeraldConfigEntry]) -> str | dict[str, str]:
    """Whether somebody answers there who may be the server. Asked without the token."""
    session = async_get_clientsession(hass)
    for entry in entries:
        try:
            found = await identify(session, entry.runtime_data.client.address)
        except HeraldError:
            return _unreachable(entry, entries)
        if found != entry.unique_id:
            return _unreachable(entry, entries)
    return "ok"


def _unreachable(entry: HeraldConfigEntry, entries: list[HeraldConfigEntry]) -> dict[str, str]:
    return {"type": "failed", "error": "unreachable" if len(entries) == 1 else f"unreachable: {entry.title}"}


def _each(entries: list[HeraldConfigEntry], tell: Callable[[HeraldData], str]) -> str:
    told = [(entry.title, tell(entry.runtime_data.data)) for entry in entries]
    if len(told) == 1:
        return told[0][1]
    return "; ".join(f"{title}: {value}" for title, value in told)


def _failing(data: HeraldData) -> str:
    return ", ".join(name for (_, name), service in data.configured.items() if service.failing) or "0"
