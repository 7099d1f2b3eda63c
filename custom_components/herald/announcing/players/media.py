"""What a media player played before an announcement took its place, and how it comes to play that again.

Only addresses can be played again, and only by whoever still plays what we told it, or nothing. Whoever was paused stays silent.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
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
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.util import dt as dt_util

from ...const import LOGGER
from ..stream import path
from .left import leave, take

AGAIN = ("http://", "https://", "media-source://", "/")
"""How media begin that can be played again; others are of an app, or nobody knows."""
HAD = (MediaPlayerState.PLAYING, MediaPlayerState.BUFFERING, MediaPlayerState.PAUSED)
OURS = path("")
"""In the addresses of announcements, whoever gives them out."""


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
    left: Media | None = take(hass, _key(entity_id))
    if left is not None and not _is_others(state):
        return left
    return None if state is None or OURS in _content_id(state) else _media(state)


@callback
def left(hass: HomeAssistant, entity_id: str, media: Media | None, context: Context | None) -> None:
    """To the one that follows."""
    if media is not None:
        leave(hass, _key(entity_id), media, partial(put_back, hass, entity_id, media, context))


async def put_back(hass: HomeAssistant, entity_id: str, media: Media | None, context: Context | None) -> bool:
    """Whether it is as it was, or as somebody else wants it by now."""
    if media is None or _is_others(hass.states.get(entity_id)):
        return True
    if not media.was_playing or media.content_id is None or not media.content_id.startswith(AGAIN):
        return False
    data = {ATTR_MEDIA_CONTENT_ID: media.content_id, ATTR_MEDIA_CONTENT_TYPE: media.content_type}
    try:
        await _call(hass, SERVICE_PLAY_MEDIA, entity_id, data, context)
        if media.position is not None:
            await _call(hass, SERVICE_MEDIA_SEEK, entity_id, {ATTR_MEDIA_SEEK_POSITION: media.position}, context)
    except HomeAssistantError as error:
        LOGGER.warning("What %s played could not be played again: %s", entity_id, error)
        return False
    return True


def content_id(hass: HomeAssistant, entity_id: str) -> str | None:
    """What it says that it plays; None: it does not."""
    state = hass.states.get(entity_id)
    return None if state is None else _content_id(state) or None


async def stopped(hass: HomeAssistant, entity_id: str, within: float) -> None:
    """Returns when it does not play ours any more, so far as it tells, or so many seconds later."""
    over = asyncio.Event()

    @callback
    def look(_: Event[EventStateChangedData]) -> None:
        if not _plays_ours(hass.states.get(entity_id)):
            over.set()

    if not _plays_ours(hass.states.get(entity_id)):
        return
    stop = async_track_state_change_event(hass, entity_id, look)
    try:
        async with asyncio.timeout(within):
            await over.wait()
    except TimeoutError:
        LOGGER.debug("%s tells that it still plays what has ended", entity_id)
    finally:
        stop()


def _plays_ours(state: State | None) -> bool:
    return (
        state is not None and state.state in (MediaPlayerState.PLAYING, MediaPlayerState.BUFFERING) and OURS in _content_id(state)
    )


def _content_id(state: State) -> str:
    return str(state.attributes.get(ATTR_MEDIA_CONTENT_ID) or "")


def _is_others(state: State | None) -> bool:
    """Somebody had it play something else meanwhile."""
    return state is not None and state.state in HAD and _content_id(state) != "" and OURS not in _content_id(state)


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
    position, at = told.get(ATTR_MEDIA_POSITION), told.get(ATTR_MEDIA_POSITION_UPDATED_AT)
    can_seek = told.get(ATTR_SUPPORTED_FEATURES, 0) & MediaPlayerEntityFeature.SEEK
    if position is None or at is None or not told.get(ATTR_MEDIA_DURATION) or not can_seek:
        return None
    since = (dt_util.utcnow() - at).total_seconds() if state.state == MediaPlayerState.PLAYING else 0.0
    return float(min(max(position + since, 0.0), told[ATTR_MEDIA_DURATION]))


def _key(entity_id: str) -> str:
    return f"{entity_id} media"


async def _call(hass: HomeAssistant, action: str, entity_id: str, data: dict[str, Any], context: Context | None) -> None:
    await hass.services.async_call(PLAYER, action, {ATTR_ENTITY_ID: entity_id, **data}, blocking=True, context=context)
