"""Who is spoken to: what an action names, by Home Assistant's own rules, as the players that it comes to.

One device speaks once, its satellite before its media player; a group speaks instead of its members.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from homeassistant.auth.permissions.const import POLICY_CONTROL
from homeassistant.components.media_player.const import DOMAIN as PLAYER
from homeassistant.components.media_player.const import MediaPlayerEntityFeature
from homeassistant.components.tts.const import DOMAIN as TTS
from homeassistant.const import ATTR_DEVICE_ID, ATTR_ENTITY_ID, ATTR_SUPPORTED_FEATURES, ENTITY_MATCH_ALL, STATE_UNAVAILABLE
from homeassistant.core import Context, HomeAssistant, callback, split_entity_id
from homeassistant.exceptions import ServiceValidationError, Unauthorized, UnknownUser
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.target import TargetSelection, async_extract_referenced_entity_ids

from ..const import DOMAIN

SATELLITE = "assist_satellite"
"""Not imported: it needs more than every Home Assistant has."""
ABLE: Mapping[str, int] = {SATELLITE: 1, PLAYER: int(MediaPlayerEntityFeature.PLAY_MEDIA)}
"""Domains that are spoken to, the first ones first, and the feature that it takes: of a satellite ANNOUNCE."""
INTERRUPTED = (*ABLE, TTS)
"""Domains that can be interrupted."""
IN_GROUP, SAME_DEVICE = "in_group", "same_device"
"""Why an entity is not spoken to: another one of the same call speaks for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    entity_id: str
    platform: str | None
    """Integration that it is of; None where it is in no registry."""
    domain: str
    device_id: str | None
    members: frozenset[str] = frozenset()
    """Of a group: entities that play what it plays."""
    keys: frozenset[str]
    """What is taken while it speaks: its device, or itself where it has none, and those of its members."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    targets: tuple[Target, ...]
    skipped: Mapping[str, str] = field(default_factory=dict)
    """Entities that were named, and are not spoken to themselves: why."""


async def resolve(hass: HomeAssistant, data: Mapping[str, Any], context: Context, *, interrupting: bool = False) -> Selection:
    """Who is meant by an action's entities, devices, areas, floors and labels: whoever can play it there, or may be playing it.

    Raises ServiceValidationError where that is `all`, or something that does not speak, and Unauthorized where the caller may not
    control one of them.
    """
    if data.get(ATTR_ENTITY_ID) == ENTITY_MATCH_ALL:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="all_refused")
    domains = INTERRUPTED if interrupting else tuple(ABLE)
    meant = _is_spoken_to if interrupting else _plays
    found = async_extract_referenced_entity_ids(hass, TargetSelection(dict(data)))
    for entity_id in sorted(found.referenced):
        if split_entity_id(entity_id)[0] not in domains:
            raise ServiceValidationError(
                translation_domain=DOMAIN, translation_key="not_a_player", translation_placeholders={"entity": entity_id}
            )
    also = {entity_id for entity_id in found.indirectly_referenced if meant(hass, entity_id)}
    if interrupting:
        also |= _voices(hass, cv.ensure_list(data.get(ATTR_DEVICE_ID)))
    also -= found.referenced
    targets = [target(hass, entity_id) for entity_id in (*sorted(found.referenced), *sorted(also))]
    may = await permission(hass, context)
    for one in targets:
        for entity_id in (one.entity_id, *one.members):
            if not may(entity_id):
                raise Unauthorized(context=context, entity_id=entity_id, permission=POLICY_CONTROL)
    return _once(targets, named=found.referenced)


@callback
def select(hass: HomeAssistant, entity_ids: Iterable[str]) -> tuple[Target, ...]:
    """Of entities that somebody chose."""
    entity_ids = tuple(entity_ids)
    return _once([target(hass, entity_id) for entity_id in entity_ids], named=entity_ids).targets


async def permission(hass: HomeAssistant, context: Context) -> Callable[[str], bool]:
    """Whether the caller may control an entity. Raises UnknownUser."""
    if context.user_id is None:
        return lambda _: True
    user = await hass.auth.async_get_user(context.user_id)
    if user is None:
        raise UnknownUser(context=context, permission=POLICY_CONTROL)
    if user.is_admin:
        return lambda _: True
    return lambda entity_id: user.permissions.check_entity(entity_id, POLICY_CONTROL)


@callback
def target(hass: HomeAssistant, entity_id: str) -> Target:
    """Of an entity, whether or not it is there now."""
    entry = er.async_get(hass).async_get(entity_id)
    members = _members(hass, entity_id)
    return Target(
        entity_id=entity_id,
        platform=None if entry is None else entry.platform,
        domain=split_entity_id(entity_id)[0],
        device_id=None if entry is None else entry.device_id,
        members=members,
        keys=frozenset(_key(hass, one) for one in (entity_id, *members)),
    )


@callback
def everybody(hass: HomeAssistant) -> list[Target]:
    """Whoever can be interrupted: satellites, media players, and text-to-speech entities of ours."""
    registry = er.async_get(hass)
    return [
        target(hass, entity_id)
        for entity_id in hass.states.async_entity_ids(INTERRUPTED)
        if split_entity_id(entity_id)[0] != TTS or ((entry := registry.async_get(entity_id)) and entry.platform == DOMAIN)
    ]


def _is_spoken_to(_: HomeAssistant, entity_id: str) -> bool:
    """Also one that has gone since."""
    return split_entity_id(entity_id)[0] in ABLE


def _voices(hass: HomeAssistant, devices: Iterable[str]) -> set[str]:
    """Of devices that were named themselves: those of an area speak elsewhere, too."""
    registry = er.async_get(hass)
    entries = (entry for device in devices for entry in er.async_entries_for_device(registry, device))
    return {entry.entity_id for entry in entries if (entry.domain, entry.platform) == (TTS, DOMAIN)}


def _plays(hass: HomeAssistant, entity_id: str) -> bool:
    """Whether one that nobody named is there, and can: as with every action, nobody misses the others."""
    state = hass.states.get(entity_id)
    if state is None or state.state == STATE_UNAVAILABLE or not _is_spoken_to(hass, entity_id):
        return False
    return bool(state.attributes.get(ATTR_SUPPORTED_FEATURES, 0) & ABLE[state.domain])


def _members(hass: HomeAssistant, entity_id: str, above: frozenset[str] = frozenset()) -> frozenset[str]:
    """Of a group of media players, and of groups in it."""
    state = hass.states.get(entity_id)
    told = () if state is None else state.attributes.get(ATTR_ENTITY_ID, ())
    above |= {entity_id}
    members = [member for member in told if member not in above]
    return frozenset(members).union(*(_members(hass, member, above) for member in members))


def _key(hass: HomeAssistant, entity_id: str) -> str:
    entry = er.async_get(hass).async_get(entity_id)
    return entity_id if entry is None or entry.device_id is None else entry.device_id


def _once(targets: Iterable[Target], *, named: Collection[str]) -> Selection:
    """Without those that another one speaks for. Of a device's equals, the first that was named speaks."""
    order = list(INTERRUPTED)
    skipped: dict[str, str] = {}
    speaking: list[Target] = []
    grouped: set[str] = set()
    taken: set[str] = set()
    for one in sorted(targets, key=lambda one: (not one.members, order.index(one.domain))):  # stable: who was named comes first
        if one.keys <= grouped:
            skipped[one.entity_id] = IN_GROUP
        elif not one.members and one.keys <= taken:
            skipped[one.entity_id] = SAME_DEVICE
        else:
            speaking.append(one)
            taken |= one.keys
            grouped |= one.keys if one.members else frozenset()
    return Selection(
        targets=tuple(speaking), skipped={entity_id: why for entity_id, why in skipped.items() if entity_id in named}
    )
