"""Replies of the voice assistant that our text-to-speech entities speak: whose they are, and how they end.

Home Assistant tells an engine in which chat it answers, and a satellite remembers the chat that it is in. What it was sent
already it plays; what Home Assistant plays again from its cache never comes here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from homeassistant.components.tts.const import DOMAIN as TTS
from homeassistant.core import HomeAssistant

from ..const import DOMAIN
from ..coordinator import HeraldConfigEntry
from ..speech.replies import Running
from .targets import Target

SATELLITE = "assist_satellite"
"""Not imported: it needs more than every Home Assistant has."""


async def interrupt_replies(hass: HomeAssistant, targets: Iterable[Target]) -> int:
    """End what is answered on these satellites, and all that these text-to-speech entities speak. How many replies that were."""
    targets = tuple(targets)
    engines = {target.entity_id for target in targets if target.domain == TTS}
    chats = {chat for target in targets if target.domain == SATELLITE and (chat := _chat(hass, target.entity_id)) is not None}

    def chosen(running: Running) -> bool:
        return running.entity_id in engines or running.conversation_id in chats

    entries: list[HeraldConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    return sum(await asyncio.gather(*(entry.runtime_data.replies.interrupt(chosen) for entry in entries)))


def _chat(hass: HomeAssistant, satellite: str) -> str | None:
    """Id of the one that it is in, or was in last; None before its first. Nothing public tells it."""
    component = hass.data.get(SATELLITE)
    entity = None if component is None else component.get_entity(satellite)
    chat: str | None = getattr(entity, "_conversation_id", None)
    return chat
