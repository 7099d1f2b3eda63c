"""What a media player played before an announcement took its place, and how it comes to play that again.

Only addresses can be played again, and only by whoever still plays what we told it, or nothing. Whoever was paused stays silent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from homeassistant.components.media_player.const import (
    ATTR_MEDIA_CONTENT_ID,
    ATTR_MEDIA_CONTENT_TYPE,
    ATTR_MEDIA_DURATION,
    ATTR_MEDIA_POSITION,
    ATTR_MEDIA_POSITION_UPDATED_AT,
    ATTR_MEDIA_SEEK_POSITION,
    SERVICE_PLAY_MEDIA,
    MediaPlayerEntityFeature,
    MediaPlayerState,
    MediaType,
)
from homeassistant.components.media_player.const import DOMAIN as PLAYER
from homeassistant.const import ATTR_ENTITY_ID, ATTR_SUPPORTED_FEATURES, SERVICE_MEDIA_SEEK
from homeassistant.core import Context, Event, EventStateChangedData, HomeAssistant, State, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.entity_component import async_update_entity
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from ...const import DOMAIN, LOGGER
from ..stream import path
from .left import leave, take

AGAIN = ("http://", "https://", "media-source://", "/")
"""How media begin that can be played again; others are of an app, or nobody knows."""
HAD = (MediaPlayerState.PLAYING, MediaPlayerState.BUFFERING, MediaPlayerState.PAUSED)
OURS = path("")
"""In the addresses of announcements, whoever gives them out."""
ASKED = 0.25
"""Seconds until a player whose state is waited for is asked again."""
SEEKABLE = 3.0
"""Seconds in which a player can seek that was told to play."""
ENDED: HassKey[dict[str, datetime]] = HassKey(f"{DOMAIN}_ended")
"""In `hass.data`: since when a player told what it did when an announcement on it had ended."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Media:
    content_id: str | None
    content_type: str
    position: float | None
    """Seconds; None where nobody can go there."""
    was_playing: bool
    """Or else paused."""


@callback
def taken(hass: HomeAssistant, entity_id: str) -> Media | None:
    """What it has to play, before ours takes its place; None: nothing. What the one before ours left is told anew."""
    state = hass.states.get(entity_id)
    left = take(hass, _key(entity_id))
    if left is not None and not _is_others(state, left.value):
        before: Media | None = left.value
        return before
    return None if state is None or _is_ours(hass, state) else _media(state)


@callback
def left(hass: HomeAssistant, entity_id: str, media: Media | None, context: Context | None) -> None:
    """To the one that follows."""
    leave(hass, _key(entity_id), media, partial(put_back, hass, entity_id, media, context))


async def put_back(hass: HomeAssistant, entity_id: str, media: Media | None, context: Context | None) -> bool:
    """Whether it is as it was, or as somebody else wants it by now."""
    if media is None or _is_others(hass.states.get(entity_id), media):
        return True
    if not media.was_playing or media.content_id is None or not media.content_id.startswith(AGAIN):
        return False
    data = {ATTR_MEDIA_CONTENT_ID: media.content_id, ATTR_MEDIA_CONTENT_TYPE: media.content_type}
    try:
        await _call(hass, SERVICE_PLAY_MEDIA, entity_id, data, context)
    except HomeAssistantError as error:
        LOGGER.warning("What %s played could not be played again: %s", entity_id, error)
        return False
    if media.position is not None:
        await _sought(hass, entity_id, media.position, context)
    return True


async def _sought(hass: HomeAssistant, entity_id: str, position: float, context: Context | None) -> None:
    """As soon as it can: some can only when they play. Where it cannot, it plays from the beginning."""
    await _until(hass, entity_id, _can_seek, SEEKABLE)
    try:
        await _call(hass, SERVICE_MEDIA_SEEK, entity_id, {ATTR_MEDIA_SEEK_POSITION: position}, context)
    except HomeAssistantError as error:
        LOGGER.warning("What %s played begins anew: %s", entity_id, error)


@callback
def has(hass: HomeAssistant, entity_id: str, media: Media | None) -> bool:
    """Whether it says that it plays that, or has paused it."""
    state = hass.states.get(entity_id)
    return media is not None and state is not None and state.state in HAD and _content_id(state) == (media.content_id or "")


def content_id(hass: HomeAssistant, entity_id: str) -> str | None:
    """What it says that it plays; None: it does not."""
    state = hass.states.get(entity_id)
    return None if state is None else _content_id(state) or None


async def stopped(hass: HomeAssistant, entity_id: str, within: float) -> None:
    """Returns when it does not play ours any more, so far as it tells, or so many seconds later."""
    if not await _until(hass, entity_id, lambda state: not _plays_ours(state), within):
        LOGGER.debug("%s tells that it still plays what has ended", entity_id)


@callback
def ended(hass: HomeAssistant, entity_id: str) -> None:
    """Ours did. One that tells not what it plays may tell for a while that it plays: that is no music of anybody's."""
    if (state := hass.states.get(entity_id)) is not None:
        hass.data.setdefault(ENDED, {})[entity_id] = state.last_changed


async def _until(hass: HomeAssistant, entity_id: str, condition: Callable[[State | None], bool], within: float) -> bool:
    """Whether its state came to be so in so many seconds."""
    over = asyncio.Event()

    @callback
    def look(_: Event[EventStateChangedData]) -> None:
        if condition(hass.states.get(entity_id)):
            over.set()

    if condition(hass.states.get(entity_id)):
        return True
    stop = async_track_state_change_event(hass, entity_id, look)
    hass.async_create_background_task(_asked(hass, entity_id, over), name=f"what {entity_id} plays")
    try:
        async with asyncio.timeout(within):
            await over.wait()
    except TimeoutError:
        return False
    finally:
        stop()
        over.set()
    return True


async def _asked(hass: HomeAssistant, entity_id: str, over: asyncio.Event) -> None:
    """Some players tell nothing by themselves, and Home Assistant asks them every ten seconds. Nobody is cut short here."""
    while not over.is_set():
        await async_update_entity(hass, entity_id)
        with suppress(TimeoutError):
            async with asyncio.timeout(ASKED):
                await over.wait()


def _plays_ours(state: State | None) -> bool:
    return (
        state is not None and state.state in (MediaPlayerState.PLAYING, MediaPlayerState.BUFFERING) and OURS in _content_id(state)
    )


def _is_ours(hass: HomeAssistant, state: State) -> bool:
    """Or it was, and it tells nothing newer."""
    playing = _content_id(state)
    return OURS in playing or (not playing and hass.data.get(ENDED, {}).get(state.entity_id) == state.last_changed)


def _can_seek(state: State | None) -> bool:
    return (
        state is not None
        and state.state in HAD
        and OURS not in _content_id(state)
        and bool(state.attributes.get(ATTR_SUPPORTED_FEATURES, 0) & MediaPlayerEntityFeature.SEEK)
    )


def _content_id(state: State) -> str:
    return str(state.attributes.get(ATTR_MEDIA_CONTENT_ID) or "")


def _is_others(state: State | None, before: Media | None) -> bool:
    """Somebody had it play something else meanwhile. One that is behind still tells what it played before."""
    if state is None or state.state not in HAD:
        return False
    playing = _content_id(state)
    return playing not in ("", before and before.content_id) and OURS not in playing


def _media(state: State) -> Media | None:
    if state.state not in HAD:
        return None
    return Media(
        content_id=_content_id(state) or None,
        content_type=str(state.attributes.get(ATTR_MEDIA_CONTENT_TYPE) or MediaType.MUSIC),
        position=_position(state),
        was_playing=state.state != MediaPlayerState.PAUSED,
    )


def _position(state: State) -> float | None:
    """Now, of what has an end."""
    told: dict[str, Any] = dict(state.attributes)
    position, duration = (_seconds(told.get(name)) for name in (ATTR_MEDIA_POSITION, ATTR_MEDIA_DURATION))
    at = told.get(ATTR_MEDIA_POSITION_UPDATED_AT)
    if position is None or at is None or not duration or not _can_seek(state):
        return None
    since = (dt_util.utcnow() - at).total_seconds() if state.state == MediaPlayerState.PLAYING else 0.0
    return min(max(position + since, 0.0), duration)


def _seconds(told: Any) -> float | None:
    """Some integrations, such as MPD's, tell a number as text."""
    try:
        return float(told)
    except TypeError, ValueError:
        return None


def _key(entity_id: str) -> str:
    return f"{entity_id} media"


async def _call(hass: HomeAssistant, action: str, entity_id: str, data: dict[str, Any], context: Context | None) -> None:
    await hass.services.async_call(PLAYER, action, {ATTR_ENTITY_ID: entity_id, **data}, blocking=True, context=context)
