"""Players of several kinds, by what they can do and which integration they are of. They fetch what they are told to play."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import aiohttp
from homeassistant.components import media_source
from homeassistant.components.assist_satellite import (
    AssistSatelliteAnnouncement,
    AssistSatelliteConfiguration,
    AssistSatelliteEntity,
    AssistSatelliteEntityFeature,
)
from homeassistant.components.button import ButtonEntity
from homeassistant.components.media_player import MediaPlayerEntity
from homeassistant.components.media_player.browse_media import async_process_play_media_url
from homeassistant.components.media_player.const import MediaPlayerEntityFeature, MediaPlayerState
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity import Entity
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockEntityPlatform

from custom_components.herald.announcing.model import Announcement
from custom_components.herald.announcing.players import player_for
from custom_components.herald.announcing.players.base import Player
from custom_components.herald.announcing.stream import Stream
from custom_components.herald.announcing.targets import Target, target
from custom_components.herald.api import Order
from custom_components.herald.const import LEAD

from .players import fetched
from .speaking import PATIENCE

LONG = "This is a sentence that takes some time. " * 100
"""Longer than any test."""
ORDINARY = (
    MediaPlayerEntityFeature.PLAY_MEDIA
    | MediaPlayerEntityFeature.STOP
    | MediaPlayerEntityFeature.SEEK
    | MediaPlayerEntityFeature.VOLUME_SET
)
ANNOUNCING = ORDINARY | MediaPlayerEntityFeature.MEDIA_ANNOUNCE


@dataclass
class Told:
    """What somebody was told, in order."""

    calls: list[tuple[str, Any]] = field(default_factory=list)

    def __getitem__(self, call: str) -> list[Any]:
        return [value for name, value in self.calls if name == call]

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.calls]


class Speaker(MediaPlayerEntity):
    """A media player."""

    _attr_should_poll = False

    def __init__(self, client: Any, features: MediaPlayerEntityFeature = ORDINARY, *, volume: float = 0.2) -> None:
        self._client = client
        self._attr_supported_features = features
        self._attr_state = MediaPlayerState.IDLE
        self._attr_volume_level = volume
        self.told = Told()
        self.comes = True
        """Whether it fetches what it is told to play."""
        self.tells = True
        """Whether it tells what it plays."""
        self.calls_it: str | None = None
        """What it is told to play; None: by its address."""
        self.fails: Exception | None = None
        self.steps: int | None = None
        """Of its volume."""
        self.is_behind = False
        """It does not tell what it does."""
        self.is_asked = False
        """It tells only that it plays: its end it tells when it is asked."""
        self.begun = asyncio.Event()
        self.stops = asyncio.Event()
        """Set unless it plays on a while when it has got everything."""
        self.stops.set()
        self.fetching: asyncio.Task[None] | None = None

    async def async_play_media(self, media_type: Any, media_id: str, **kwargs: Any) -> None:
        self.told.calls.append(("play_media", {"media_id": media_id, **kwargs}))
        if self.fails is not None:
            raise self.fails
        url = media_id
        if media_source.is_media_source_id(media_id):
            media = await media_source.async_resolve_media(self.hass, media_id, self.entity_id)
            url = async_process_play_media_url(self.hass, media.url)
        if not kwargs.get("announce"):
            self._plays(MediaPlayerState.PLAYING, self.calls_it or url)
        if self.comes and "/api/herald/" in url:
            self.fetching = self.hass.async_create_task(self._fetch(url, announced=bool(kwargs.get("announce"))))

    async def _fetch(self, url: str, *, announced: bool) -> None:
        async with await fetched(self._client, url) as response:
            async for _ in response.content.iter_any():
                self.begun.set()
        await self.stops.wait()
        if not announced and self._attr_media_content_id in (url, self.calls_it, None):
            self._plays(MediaPlayerState.IDLE, None)

    def _plays(self, state: MediaPlayerState, content_id: str | None) -> None:
        if self.is_behind:
            return
        self._attr_state = state
        self._attr_media_content_id = content_id if self.tells else None
        if not (self.is_asked and state is MediaPlayerState.IDLE):
            self.async_write_ha_state()

    def plays(
        self, content_id: str, state: MediaPlayerState = MediaPlayerState.PLAYING, *, position: float | None = None
    ) -> None:
        """Somebody had it play something."""
        self._attr_media_content_type = "music"
        self._attr_media_position = None if position is None else int(position)
        self._attr_media_duration = None if position is None else 300
        self._attr_media_position_updated_at = dt_util.utcnow() - timedelta(seconds=0)
        self._plays(state, content_id)

    def tells_length(self, length: Any) -> None:
        self._attr_media_duration = length
        self.async_write_ha_state()

    def can_seek(self, *, seek: bool) -> None:
        self._attr_supported_features = ORDINARY if seek else ORDINARY & ~MediaPlayerEntityFeature.SEEK
        self.async_write_ha_state()

    async def async_media_stop(self) -> None:
        self.told.calls.append(("media_stop", None))
        self._plays(MediaPlayerState.IDLE, None)

    async def async_media_seek(self, position: float) -> None:
        self.told.calls.append(("media_seek", position))

    async def async_set_volume_level(self, volume: float) -> None:
        self.told.calls.append(("volume_set", volume))
        if not self.is_behind:
            self.has_volume(volume if self.steps is None else round(volume * self.steps) / self.steps)

    def is_there(self, *, there: bool) -> None:
        self._attr_available = there
        self.async_write_ha_state()

    def has_volume(self, volume: float | None) -> None:
        self._attr_volume_level = volume
        self.async_write_ha_state()


class Satellite(AssistSatelliteEntity):
    """It returns when it has played all, as they do, or, where it is stubborn, only when it was cancelled so often."""

    _attr_supported_features = AssistSatelliteEntityFeature.ANNOUNCE

    def __init__(self, client: Any) -> None:
        self._client = client
        self.told: list[AssistSatelliteAnnouncement] = []
        self.begun = asyncio.Event()
        self.fails: Exception | None = None
        self.comes = True
        """For what it announces."""
        self.gives_up = False
        """Once it has begun."""
        self.is_early = False
        """It says that it has played before it comes."""
        self.stubborn = 0
        """How often it takes no notice of being cancelled."""

    def async_get_configuration(self) -> AssistSatelliteConfiguration:
        raise NotImplementedError

    async def async_set_configuration(self, config: AssistSatelliteConfiguration) -> None:
        raise NotImplementedError

    def on_pipeline_event(self, event: Any) -> None:
        raise NotImplementedError

    async def async_announce(self, announcement: AssistSatelliteAnnouncement) -> None:
        self.told.append(announcement)
        if self.fails is not None:
            raise self.fails
        if not self.comes:
            return
        if self.is_early:
            self.hass.async_create_task(self._come(announcement.media_id))
            return
        response = await fetched(self._client, announcement.media_id)
        playing: Coroutine[Any, Any, None] | None = self._play(response)
        while playing is not None or self.stubborn:
            try:
                await (playing or asyncio.Event().wait())
            except asyncio.CancelledError:
                self.stubborn -= 1
                if self.stubborn <= 0:
                    raise
            playing = None

    async def _come(self, media_id: str) -> None:
        await self._play(await fetched(self._client, media_id))

    async def _play(self, response: aiohttp.ClientResponse) -> None:
        async for _ in response.content.iter_any():
            self.begun.set()
            if self.gives_up:
                return


class Button(ButtonEntity):
    _attr_translation_key = "cancel_announcement"

    def __init__(self) -> None:
        self.pressed = 0

    async def async_press(self) -> None:
        self.pressed += 1


class Device:
    """Of an integration, with entities of it."""

    def __init__(self, hass: HomeAssistant, platform: str, model: str | None = None) -> None:
        self._hass = hass
        self._platform = platform
        self._entry = MockConfigEntry(domain=platform)
        self._entry.add_to_hass(hass)
        made = dr.async_get(hass).async_get_or_create(
            config_entry_id=self._entry.entry_id, identifiers={(platform, "kitchen")}, model=model
        )
        self.id = made.id

    async def add(self, domain: str, entity: Entity, name: str = "kitchen") -> Target:
        entity._attr_unique_id = f"{name} {domain}"  # noqa: SLF001  # as its class would
        er.async_get(self._hass).async_get_or_create(
            domain,
            self._platform,
            f"{name} {domain}",
            suggested_object_id=name,
            config_entry=self._entry,
            device_id=self.id,
            translation_key=getattr(entity, "_attr_translation_key", None),
        )
        platform = MockEntityPlatform(self._hass, domain=domain, platform_name=self._platform)
        await platform.async_add_entities([entity])
        er.async_get(self._hass).async_update_entity(entity.entity_id, device_id=self.id)
        await self._hass.async_block_till_done()
        return target(self._hass, entity.entity_id)


@dataclass
class Announced:
    """One announcement on one target."""

    player: Player
    stream: Stream
    playing: asyncio.Task[None]

    async def over(self) -> None:
        """Raises what it failed in."""
        async with asyncio.timeout(PATIENCE):
            await self.playing

    async def interrupted(self, *, follow: bool = False) -> None:
        self.player.follows = lambda: follow
        async with asyncio.timeout(PATIENCE):
            await self.player.interrupt()
            await self.playing


type Announce = Callable[..., Announced]


def announcing(hass: HomeAssistant, entry: MockConfigEntry) -> Announce:
    """On a target: a text, with what an announcement may have, `voice` and `options`."""

    def announced(where: Target, text: str = LONG, **more: Any) -> Announced:
        options = more.pop("options", {})
        voice = more.pop("voice", None)
        order = Order(voice=voice, pace=LEAD, options=options)
        announcement = Announcement(text=text, order=order, entry_id=entry.entry_id, session_id="one", **more)
        player = player_for(hass, where)
        stream = Stream(hass, entry.runtime_data, text, player.order(announcement), targets=(where.entity_id,))
        return Announced(player, stream, asyncio.create_task(player.play(stream, announcement, Context())))

    return announced
