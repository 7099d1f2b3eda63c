"""Media players. Those that can announce duck or pause what they play, and go on with it; the others are told to play.

Only what is still ours is stopped, and what an announcement replaced is played again where that can be. Those that announce are
never stopped, since that would be their music. When all was heard, no player tells: it is judged by the audio's length.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from homeassistant.components.media_player.const import (
    ATTR_MEDIA_ANNOUNCE,
    ATTR_MEDIA_CONTENT_ID,
    ATTR_MEDIA_CONTENT_TYPE,
    ATTR_MEDIA_EXTRA,
    SERVICE_PLAY_MEDIA,
    MediaPlayerEntityFeature,
    MediaType,
)
from homeassistant.components.media_player.const import DOMAIN as PLAYER
from homeassistant.const import ATTR_ENTITY_ID, ATTR_SUPPORTED_FEATURES, SERVICE_MEDIA_STOP, STATE_UNAVAILABLE
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er

from ...api import Outcome
from ...const import LOGGER
from ..model import Announcement
from ..stream import Stream
from ..targets import Target, target
from ..view import SILENCE
from ..volumes import VOLUMES
from . import media
from .base import Unavailable
from .left import leave, take
from .playing import Playing

EXTRAS: Mapping[str, Callable[[float], dict[str, Any]]] = {
    "sonos": lambda volume: {"volume": round(100 * volume)},
    "music_assistant": lambda volume: {"announce_volume": round(100 * volume)},
}
"""Integrations that are told an announcement's volume with it, and keep their own."""
LAG = 0.5
"""Seconds by which a player may be behind the audio that it takes."""
TAIL = 5.0
"""Seconds that one may be behind that tells what it plays."""
NOT_RESTORED, VOLUME_NOT_SET = "not_restored", "volume_not_set"
"""Notices."""


class MediaPlayer(Playing):
    def __init__(self, hass: HomeAssistant, target: Target) -> None:
        super().__init__(hass, target)
        self._before: str | None = None
        """Content id of what it played."""

    async def _call(self, stream: Stream, announcement: Announcement, context: Context | None) -> None:
        extra = self._extra(announcement)
        data = {
            ATTR_ENTITY_ID: self.target.entity_id,
            ATTR_MEDIA_CONTENT_ID: stream.media_id,
            ATTR_MEDIA_CONTENT_TYPE: MediaType.MUSIC,
            **({ATTR_MEDIA_ANNOUNCE: True} if self._announces else {}),
            **({ATTR_MEDIA_EXTRA: extra} if extra else {}),
        }
        await self.hass.services.async_call(PLAYER, SERVICE_PLAY_MEDIA, data, blocking=True, context=context)

    @asynccontextmanager
    async def _prepared(self, announcement: Announcement, context: Context | None) -> AsyncGenerator[None]:
        state = self.hass.states.get(self.target.entity_id)
        if state is None or state.state == STATE_UNAVAILABLE:
            raise Unavailable
        async with self._media(context), self._volume(announcement, context):  # music goes on as loud as it was
            yield

    @asynccontextmanager
    async def _volume(self, announcement: Announcement, context: Context | None) -> AsyncGenerator[None]:
        own = None if self._extra(announcement) else announcement.volume
        async with at_volume(self, self._loudspeakers(), own, context):
            yield

    def _loudspeakers(self) -> Sequence[str]:
        """Whose volume it is: of a group, its members', since it tells the mean of them alone."""
        members = [one for one in sorted(self.target.members) if not target(self.hass, one).members]
        return members or [self.target.entity_id]

    @asynccontextmanager
    async def _media(self, context: Context | None) -> AsyncGenerator[None]:
        """What it plays is played again after it, unless it sees to that itself."""
        if self._announces:
            yield
            return
        replaced = media.taken(self.hass, self.target.entity_id)
        self._before = None if replaced is None else replaced.content_id
        try:
            yield
        finally:
            if self.follows():
                media.left(self.hass, self.target.entity_id, replaced, context)
            elif not self._goes_on(replaced) and not await media.put_back(self.hass, self.target.entity_id, replaced, context):
                self.notice = NOT_RESTORED

    def _goes_on(self, replaced: media.Media | None) -> bool:
        """With what it played: it never came for ours."""
        was_fetched = self._stream is not None and self._stream.was_fetched
        return not was_fetched and media.has(self.hass, self.target.entity_id, replaced)

    async def _to_its_end(self, stream: Stream, call: asyncio.Task[None]) -> None:
        await super()._to_its_end(stream, call)
        if stream.ended.result().outcome is Outcome.COMPLETED:
            await asyncio.sleep(LAG)
            if not self._announces:
                await media.stopped(self.hass, self.target.entity_id, TAIL)
                media.ended(self.hass, self.target.entity_id)

    async def _silence(self, stream: Stream, context: Context | None, *, is_ours: bool) -> None:
        if not self._announces and is_ours and self._can(MediaPlayerEntityFeature.STOP):
            data = {ATTR_ENTITY_ID: self.target.entity_id}
            await tried(self, PLAYER, SERVICE_MEDIA_STOP, data, context)

    def _is_ours(self, stream: Stream) -> bool:
        """It still takes the audio, and tells of no other address. Some tell nothing, or words of their own, or are behind."""
        playing = media.content_id(self.hass, self.target.entity_id)
        is_another = playing not in (None, self._before) and playing.startswith(media.AGAIN) and stream.token not in playing
        return stream.is_heard and not is_another

    def _extra(self, announcement: Announcement) -> dict[str, Any]:
        told = EXTRAS.get(self.target.platform or "")
        return {} if told is None or announcement.volume is None or not self._announces else told(announcement.volume)

    @property
    def _announces(self) -> bool:
        return self._can(MediaPlayerEntityFeature.MEDIA_ANNOUNCE)

    def _can(self, feature: MediaPlayerEntityFeature) -> bool:
        state = self.hass.states.get(self.target.entity_id)
        return state is not None and bool(state.attributes.get(ATTR_SUPPORTED_FEATURES, 0) & feature)


class Sonos(MediaPlayer):
    """It goes on with what it has of a clip, unless the button is pressed that its owner may have enabled."""

    BUTTON = "cancel_announcement"

    async def _silence(self, stream: Stream, context: Context | None, *, is_ours: bool) -> None:
        await super()._silence(stream, context, is_ours=is_ours)
        if self._announces and (button := self._button()) is not None:
            await tried(self, "button", "press", {ATTR_ENTITY_ID: button}, context)

    def _button(self) -> str | None:
        if self.target.device_id is None:
            return None
        entries = er.async_entries_for_device(er.async_get(self.hass), self.target.device_id)
        return next(
            (entry.entity_id for entry in entries if entry.domain == "button" and entry.translation_key == self.BUTTON), None
        )


class EspHome(MediaPlayer):
    """An announcement takes the place of another one; a moment of silence stops it."""

    async def _silence(self, stream: Stream, context: Context | None, *, is_ours: bool) -> None:
        await super()._silence(stream, context, is_ours=is_ours)
        if self._announces and not self.follows():
            await announce_silence(self, self.target.entity_id, context)


@asynccontextmanager
async def at_volume(
    player: Playing, entity_ids: Sequence[str], level: float | None, context: Context | None
) -> AsyncGenerator[None]:
    """Of media players, in the block. One that has none is left alone, and that is told."""
    volumes = player.hass.data[VOLUMES]

    async def restore() -> None:
        await asyncio.gather(*(volumes.restore(entity_id, context) for entity_id in entity_ids))

    for entity_id in entity_ids:
        take(player.hass, _key(entity_id))
    if level is None:
        await restore()  # what the one before it left, since this one follows
        yield
        return
    try:
        were_set = await asyncio.gather(*(_is_set(player.hass, entity_id, level, context) for entity_id in entity_ids))
        if not all(were_set):
            player.notice = VOLUME_NOT_SET
        yield
    finally:
        if player.follows():
            for entity_id in entity_ids:
                leave(player.hass, _key(entity_id), level, partial(volumes.restore, entity_id, context))
        else:
            await restore()


async def _is_set(hass: HomeAssistant, entity_id: str, level: float, context: Context | None) -> bool:
    try:
        return await hass.data[VOLUMES].set(entity_id, level, context)
    except HomeAssistantError as error:
        LOGGER.warning("The volume of %s could not be set: %s", entity_id, error)
        return False


def _key(entity_id: str) -> str:
    return f"{entity_id} volume"


async def announce_silence(player: Playing, entity_id: str, context: Context | None) -> None:
    """On a media player, in the place of what it announces."""
    data = {
        ATTR_ENTITY_ID: entity_id,
        ATTR_MEDIA_CONTENT_ID: SILENCE,
        ATTR_MEDIA_CONTENT_TYPE: MediaType.MUSIC,
        ATTR_MEDIA_ANNOUNCE: True,
    }
    await tried(player, PLAYER, SERVICE_PLAY_MEDIA, data, context)


async def tried(player: Playing, domain: str, action: str, data: dict[str, Any], context: Context | None) -> None:
    """What it fails in is told in the log: nobody waits for more than silence."""
    try:
        await player.hass.services.async_call(domain, action, data, blocking=True, context=context)
    except (HomeAssistantError, ConnectionError) as error:
        LOGGER.warning("%s failed to fall silent: %s", player.target.entity_id, error)
