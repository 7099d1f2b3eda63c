"""What a server speaks for whomever, ended by the id that it has there: who may press the server's button may do that.

Announcements are ended here, one by one; this is for the rest: replies of the voice assistant, and other clients of the server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from homeassistant.components.button.const import DOMAIN as BUTTON
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from ..api import HeraldError
from ..const import DOMAIN, LOGGER
from ..coordinator import HeraldConfigEntry, HeraldCoordinator


async def interrupt_session(hass: HomeAssistant, session_id: str, may: Callable[[str], bool]) -> int:
    """On every server that is there, as far as the caller `may` control its button. How many spoke in it."""
    entries: list[HeraldConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    there = (entry.runtime_data for entry in entries if entry.runtime_data.last_update_success)
    return sum(await asyncio.gather(*(_ended(one, session_id) for one in there if _may_press(hass, one, may))))


def _may_press(hass: HomeAssistant, coordinator: HeraldCoordinator, may: Callable[[str], bool]) -> bool:
    button = er.async_get(hass).async_get_entity_id(BUTTON, DOMAIN, f"{coordinator.data.server.id}_interrupt")
    return button is not None and may(button)


async def _ended(coordinator: HeraldCoordinator, session_id: str) -> bool:
    try:
        return await coordinator.client.interrupt(session_id)
    except HeraldError as error:
        coordinator.notice(error)
        LOGGER.warning("%s could not be asked to end a session: %s", coordinator.name, error)
        return False
