"""Replies of the voice assistant that our text-to-speech entities speak: whose they are, and how they end.

Home Assistant tells an engine in which chat it answers, and a satellite remembers the chat that it is in. What it was sent
already it plays; what Home Assistant plays again from its cache never comes here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from homeassistant.components.tts.const import DOMAIN as TTS
from homeassistant.core import HomeAssistant

from ..const import DOMAIN
from ..coordinator import HeraldConfigEntry
from ..speech.replies import Running
from .targets import SATELLITE, Target, target

RESPONDING = "responding"
"""State of a satellite that is heard."""


async def interrupt_replies(hass: HomeAssistant, targets: Iterable[Target]) -> int:
    """End what is answered on these satellites, and all that these text-to-speech entities speak. How many replies that were."""
    chosen = _chosen(hass, targets)
    return sum(await asyncio.gather(*(entry.runtime_data.replies.interrupt(chosen) for entry in _entries(hass))))


def answering(hass: HomeAssistant, targets: Iterable[Target]) -> list[Target]:
    """Satellites on which a reply is heard that an interrupt of these would end."""
    chosen = _chosen(hass, targets)
    chats = {one.conversation_id for entry in _entries(hass) for one in entry.runtime_data.replies if chosen(one)} - {None}
    heard = (state.entity_id for state in hass.states.async_all(SATELLITE) if state.state == RESPONDING)
    return [target(hass, satellite) for satellite in heard if _chat(hass, satellite) in chats]


def _chosen(hass: HomeAssistant, targets: Iterable[Target]) -> Callable[[Running], bool]:
    """Whether a reply is spoken by, or on, one of them."""
    targets = tuple(targets)
    engines = {target.entity_id for target in targets if target.domain == TTS}
    chats = {chat for target in targets if target.domain == SATELLITE and (chat := _chat(hass, target.entity_id)) is not None}

    def chosen(running: Running) -> bool:
        return running.entity_id in engines or running.conversation_id in chats

    return chosen


def _entries(hass: HomeAssistant) -> list[HeraldConfigEntry]:
    entries: list[HeraldConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    return entries


def _chat(hass: HomeAssistant, satellite: str) -> str | None:
    """Id of the one that it is in, or was in last; None before its first.

    Nothing public tells it. Where this does not either, a satellite's replies go on; a test fails first.
    """
    component = hass.data.get(SATELLITE)
    entity = None if component is None else component.get_entity(satellite)
    chat: str | None = getattr(entity, "_conversation_id", None)
    return chat
