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
from ..failures import in_words
from ..tts import REVISION, Speaker
from .model import Announcement, Outcome, State

NO_CHIME = "no_chime"
"""Why it was not heard as it was to be."""
HEARD = (State.COMPLETED, None)
"""State and reason of an outcome that is as it should be."""


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
    speaker = voice if _is_entity(voice) else None
    return Announcement(order=order, entry_id=entry_id, speaker=speaker, chime=chime, **more), problem


def raise_failures(hass: HomeAssistant, outcomes: Mapping[str, Outcome], problem: HomeAssistantError | None = None) -> None:
    """For those who are not told the outcomes. Raises HomeAssistantError, in which all that went wrong is told."""
    chime = [] if problem is None else [in_words(hass, problem)]
    failures = [f"{', '.join(names)}: {message}" for message, names in _failures(hass, outcomes).items()]
    if failures:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="announcement_failed",
            translation_placeholders={"failures": "; ".join((*chime, *failures))},
        )
    if chime:
        raise HomeAssistantError(
            translation_domain=DOMAIN, translation_key="announced_without_chime", translation_placeholders={"error": chime[0]}
        )


def _failures(hass: HomeAssistant, outcomes: Mapping[str, Outcome]) -> dict[str, list[str]]:
    """What was said of each, and by their names those of whom it was said."""
    told: dict[str, list[str]] = {}
    for entity_id, outcome in outcomes.items():
        if outcome.state is State.FAILED:
            state = hass.states.get(entity_id)
            told.setdefault(outcome.message or str(outcome.reason), []).append(entity_id if state is None else state.name)
    return told


def chimeless(hass: HomeAssistant, outcomes: Mapping[str, Outcome], problem: HomeAssistantError) -> dict[str, Outcome]:
    """The outcomes, in which that is told wherever it was heard and nothing else was amiss."""
    told = in_words(hass, problem)
    return {
        entity_id: replace(outcome, reason=NO_CHIME, message=told) if (outcome.state, outcome.reason) == HEARD else outcome
        for entity_id, outcome in outcomes.items()
    }


@callback
def chosen(
    hass: HomeAssistant, voice: str | None, options: Mapping[str, Any], default: HeraldCoordinator | None = None
) -> tuple[HeraldCoordinator, Order]:
    """Whose server speaks, and who and how."""
    own: dict[str, Any] = {}
    if voice is not None and _is_entity(voice):
        coordinator, own = _entity(hass, voice)
    else:
        coordinator = _server(hass, voice) if default is None else default
        own = {} if voice is None else {ATTR_VOICE: voice}
    said = {**own, **options, "share": secrets.token_hex(16)}
    return coordinator, Order(voice=said.pop(ATTR_VOICE, None), pace=coordinator.lead, options=said)


def _is_entity(voice: str | None) -> bool:
    return voice is not None and voice.startswith(f"{TTS}.")


def _entity(hass: HomeAssistant, entity_id: str) -> tuple[HeraldCoordinator, dict[str, Any]]:
    entity = hass.data[DATA_COMPONENT].get_entity(entity_id)
    if not isinstance(entity, Speaker):
        raise HomeAssistantError(
            translation_domain=DOMAIN, translation_key="not_a_voice", translation_placeholders={"voice": entity_id}
        )
    if not entity.available:
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
