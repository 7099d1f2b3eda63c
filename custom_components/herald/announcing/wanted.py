"""What somebody wants announced, made whole: who speaks, on which server, after which chime. And how people are told failures."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from homeassistant.components.tts import ATTR_VOICE
from homeassistant.components.tts.const import DATA_COMPONENT
from homeassistant.components.tts.const import DOMAIN as TTS
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from .. import chimes
from ..api import Order
from ..const import DOMAIN, LOGGER
from ..coordinator import HeraldConfigEntry, HeraldCoordinator
from ..tts import REVISION, Speaker
from .model import Announcement, Outcome, State

LEAD = 1.0
"""Seconds of audio that a player may be sent ahead of what it plays."""


async def wanted(
    hass: HomeAssistant,
    *,
    voice: str | None,
    options: Mapping[str, Any],
    chime: str | None,
    default: HeraldCoordinator | None = None,
    **more: Any,
) -> tuple[Announcement, HomeAssistantError | None]:
    """The announcement, and why it has no chime where it was to have one: it is heard all the same.

    `voice`: a text-to-speech entity of ours, or whatever the server calls one. `default`: whose server speaks where that does not
    say so. `more`: the other fields of an Announcement. Raises HomeAssistantError where the voice, or the server, is not there.
    """
    coordinator, order = chosen(hass, voice, options, default)
    problem: HomeAssistantError | None = None
    if chime is not None:
        try:
            stored = await chimes.stored(hass, coordinator.client, chime)
            order = replace(order, options={**order.options, "chime": stored})
        except HomeAssistantError as error:
            problem, chime = error, None
            LOGGER.warning("An announcement goes without its chime: %s", error)
    entry_id = coordinator.config_entry.entry_id
    return Announcement(order=order, entry_id=entry_id, chime=chime, **more), problem


def raise_failures(hass: HomeAssistant, outcomes: Mapping[str, Outcome], problem: HomeAssistantError | None = None) -> None:
    """For those who are not told the outcomes. Raises HomeAssistantError, in which all that went wrong is told."""
    failures = [] if problem is None else [str(problem)]
    for entity_id, outcome in outcomes.items():
        if outcome.state is State.FAILED:
            state = hass.states.get(entity_id)
            failures.append(f"{entity_id if state is None else state.name}: {outcome.message or outcome.reason}")
    if failures:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="announcement_failed",
            translation_placeholders={"failures": "; ".join(failures)},
        )


@callback
def chosen(
    hass: HomeAssistant, voice: str | None, options: Mapping[str, Any], default: HeraldCoordinator | None = None
) -> tuple[HeraldCoordinator, Order]:
    """Whose server speaks, and who and how."""
    own: dict[str, Any] = {}
    if voice is not None and voice.startswith(f"{TTS}."):
        coordinator, own = _entity(hass, voice)
    else:
        coordinator = _server(hass, voice) if default is None else default
        own = {} if voice is None else {ATTR_VOICE: voice}
    said = {**own, **options, "share": secrets.token_hex(16)}
    return coordinator, Order(voice=said.pop(ATTR_VOICE, None), pace=LEAD, options=said)


def _entity(hass: HomeAssistant, entity_id: str) -> tuple[HeraldCoordinator, dict[str, Any]]:
    entity = hass.data[DATA_COMPONENT].get_entity(entity_id)
    if not isinstance(entity, Speaker) or not entity.available:
        raise HomeAssistantError(
            translation_domain=DOMAIN, translation_key="voice_unavailable", translation_placeholders={"voice": entity_id}
        )
    return entity.coordinator, {name: value for name, value in (entity.default_options or {}).items() if name != REVISION}


def _server(hass: HomeAssistant, voice: str | None) -> HeraldCoordinator:
    """The first one that has the voice, or else the first one that is there: it may know the name as another one's."""
    entries: list[HeraldConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    there = [entry.runtime_data for entry in entries if entry.runtime_data.last_update_success]
    if not there:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="no_server")
    return next((one for one in there if voice in one.data.catalogue.voices), there[0])
