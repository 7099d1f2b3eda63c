"""Announcements, by what Home Assistant has: every target is told to play an address, and what it plays is spoken once for all.

Nothing here stops one that runs, waits for its turn, or sets and restores a device's volume.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from homeassistant.components.media_player.const import DOMAIN as PLAYER
from homeassistant.components.tts import ATTR_VOICE
from homeassistant.components.tts.const import DATA_COMPONENT
from homeassistant.const import ATTR_ENTITY_ID, STATE_UNAVAILABLE
from homeassistant.core import Context, HomeAssistant, callback, split_entity_id
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er

from .api import Ended, Order, Session
from .chimes import stored
from .const import DOMAIN, LOGGER
from .coordinator import HeraldCoordinator
from .media_source import announcement_id
from .orders import ORDERS, Speech
from .tts import REVISION, Speaker

SATELLITE = "assist_satellite"
"""Not imported: it needs more than every Home Assistant has."""
LEAD = 1.0
"""Seconds of audio that a player may be sent ahead of what it plays."""
FORMATS: Mapping[str, str] = {"wyoming": "MKA"}
"""By the integration of a satellite: FFmpeg reads it there, and begins at once with this one."""
PLAIN = "MP3"
"""What all others play."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Announcement:
    text: str = field(repr=False)
    voice: str | None
    """A text-to-speech entity of ours; None: the server's default voice."""
    targets: Sequence[str]
    """Media players and satellites."""
    chime: str | None
    """A media id."""


def _played(media_id: str) -> dict[str, Any]:
    return {"media_content_id": media_id, "media_content_type": "music", "announce": True}


def _announced(media_id: str) -> dict[str, Any]:
    return {"media_id": media_id, "preannounce": False}  # the chime is in it already


CALLS: Mapping[str, tuple[str, Callable[[str], dict[str, Any]]]] = {
    PLAYER: ("play_media", _played),
    SATELLITE: ("announce", _announced),
}
"""Domain of a target → its action, and what that is told."""


async def announce(hass: HomeAssistant, coordinator: HeraldCoordinator, wanted: Announcement, context: Context | None) -> None:
    """Returns when every target has accepted it, satellites when they have played it.

    Every target is tried, whatever the others do, and without the chime if there is none. Raises HomeAssistantError, in which all
    that went wrong is told.
    """
    speaker, options = _speaker(hass, coordinator, wanted.voice)
    failures: list[str] = []
    if wanted.chime is not None:
        try:
            options["chime"] = await stored(hass, speaker.client, wanted.chime)
        except HomeAssistantError as error:
            failures.append(str(error))
    options["share"] = secrets.token_hex(16)
    order = Order(voice=options.pop(ATTR_VOICE, None), pace=LEAD, options=options)
    speech = Speech(entry_id=speaker.config_entry.entry_id, text=wanted.text, order=order)
    outcomes = await asyncio.gather(*(_tell(hass, speech, target, context) for target in wanted.targets), return_exceptions=True)
    failures += [
        _told(hass, target, outcome)
        for target, outcome in zip(wanted.targets, outcomes, strict=True)
        if isinstance(outcome, Exception)
    ]
    if failures:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="announcement_failed",
            translation_placeholders={"failures": "; ".join(failures)},
        )


@callback
def forget_targets(coordinator: HeraldCoordinator, _: str, session: Session) -> None:
    """Of a session that has ended. To be told of it after everybody who asks for them."""
    if isinstance(session, Ended):
        coordinator.targets.pop(session.id, None)


def _speaker(
    hass: HomeAssistant, coordinator: HeraldCoordinator, entity_id: str | None
) -> tuple[HeraldCoordinator, dict[str, Any]]:
    """Whose server speaks, and who and how."""
    if entity_id is None:
        return coordinator, {}
    entity = hass.data[DATA_COMPONENT].get_entity(entity_id)
    if not isinstance(entity, Speaker) or not entity.available:
        raise HomeAssistantError(
            translation_domain=DOMAIN, translation_key="voice_unavailable", translation_placeholders={"voice": entity_id}
        )
    options = {name: value for name, value in (entity.default_options or {}).items() if name != REVISION}
    return entity.coordinator, options


async def _tell(hass: HomeAssistant, speech: Speech, target: str, context: Context | None) -> None:
    """Have it play what it plays best."""
    state = hass.states.get(target)
    if state is None or state.state == STATE_UNAVAILABLE:
        raise HomeAssistantError(translation_domain=DOMAIN, translation_key="target_unavailable")
    order = replace(speech.order, format=_format(hass, target))
    token = hass.data[ORDERS].add(replace(speech, order=order, targets=(target,)))
    domain, _ = split_entity_id(target)
    action, told = CALLS[domain]
    data = {ATTR_ENTITY_ID: target, **told(announcement_id(token))}
    await hass.services.async_call(domain, action, data, blocking=True, context=context)


def _format(hass: HomeAssistant, target: str) -> str:
    entry = er.async_get(hass).async_get(target)
    return FORMATS.get(entry.platform, PLAIN) if entry is not None and entry.domain == SATELLITE else PLAIN


def _told(hass: HomeAssistant, target: str, error: Exception) -> str:
    """Of one target, for people."""
    if not isinstance(error, HomeAssistantError):
        LOGGER.error("%s failed to announce", target, exc_info=error)
    state = hass.states.get(target)
    return f"{target if state is None else state.name}: {str(error) or type(error).__name__}"
