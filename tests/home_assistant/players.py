"""Media players and satellites that really fetch what they are told to play, byte by byte."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from homeassistant.components import media_source
from homeassistant.components.assist_satellite import (
    AssistSatelliteAnnouncement,
    AssistSatelliteConfiguration,
    AssistSatelliteEntity,
    AssistSatelliteEntityFeature,
)
from homeassistant.components.assist_satellite.const import DATA_COMPONENT as SATELLITES
from homeassistant.components.media_player import MediaPlayerEntity
from homeassistant.components.media_player.browse_media import async_process_play_media_url
from homeassistant.components.media_player.const import DATA_COMPONENT as PLAYERS
from homeassistant.components.media_player.const import DOMAIN, MediaPlayerEntityFeature, MediaPlayerState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_setup_component

PLAYER, SATELLITE = "media_player.kitchen", "assist_satellite.hall"


@dataclass(kw_only=True)
class Heard:
    """What one of them played."""

    url: str
    mime_type: str
    audio: bytes = b""
    pieces: list[bytes] = field(default_factory=list)


async def fetched(client: Any, url: str) -> aiohttp.ClientResponse:
    """`client` knows Home Assistant's address by itself."""
    response: aiohttp.ClientResponse = await client.get("/" + url.split("/", 3)[3])
    return response


class Player(MediaPlayerEntity):
    """Accepts, and then plays in a task of its own, as they do."""

    _attr_supported_features = MediaPlayerEntityFeature.PLAY_MEDIA | MediaPlayerEntityFeature.MEDIA_ANNOUNCE
    _attr_state = MediaPlayerState.IDLE
    _attr_should_poll = False

    def __init__(self, client: Any, entity_id: str = PLAYER) -> None:
        self.entity_id = entity_id
        self._attr_name = entity_id.partition(".")[2].capitalize()
        self._client = client
        self.told: list[dict[str, Any]] = []
        self.playing: list[asyncio.Task[Heard]] = []
        self.fails: Exception | None = None

    async def async_play_media(self, media_type: Any, media_id: str, **kwargs: Any) -> None:
        if self.fails is not None:
            raise self.fails
        self.told.append({"media_id": media_id, **kwargs})
        media = await media_source.async_resolve_media(self.hass, media_id, self.entity_id)
        url = async_process_play_media_url(self.hass, media.url)
        self.playing.append(self.hass.async_create_task(self._play(url, media.mime_type)))

    async def _play(self, url: str, mime_type: str) -> Heard:
        heard = Heard(url=url, mime_type=mime_type)
        response = await fetched(self._client, url)
        response.raise_for_status()
        assert response.content_type == mime_type
        while byte := await response.content.read(1):
            heard.audio += byte
        return heard

    async def heard(self) -> Heard:
        """The last one, when it has ended."""
        return await self.playing[-1]


class Satellite(AssistSatelliteEntity):
    """Plays to the end before it says that it did."""

    _attr_supported_features = AssistSatelliteEntityFeature.ANNOUNCE

    def __init__(self, client: Any, entity_id: str, unique_id: str | None) -> None:
        self.entity_id = entity_id
        self._attr_unique_id = unique_id
        self._attr_name = entity_id.partition(".")[2].capitalize()
        self._client = client
        self.heard: list[bytes] = []
        self.told: list[AssistSatelliteAnnouncement] = []

    def async_get_configuration(self) -> AssistSatelliteConfiguration:
        raise NotImplementedError

    async def async_set_configuration(self, config: AssistSatelliteConfiguration) -> None:
        raise NotImplementedError

    def on_pipeline_event(self, event: Any) -> None:
        raise NotImplementedError

    async def async_announce(self, announcement: AssistSatelliteAnnouncement) -> None:
        self.told.append(announcement)
        response = await fetched(self._client, announcement.media_id)
        if response.status != 200:
            msg = f"the answer was {response.status}"
            raise HomeAssistantError(msg)
        self.heard.append(await response.read())


async def set_up(hass: HomeAssistant) -> None:
    """Before a client is made: views cannot be added after it."""
    hass.config.internal_url = "http://homeassistant.local:8123"
    for domain in ("homeassistant", DOMAIN, "assist_satellite"):
        assert await async_setup_component(hass, domain, {})


async def player(hass: HomeAssistant, client: Any, entity_id: str = PLAYER) -> Player:
    made = Player(client, entity_id)
    await hass.data[PLAYERS].async_add_entities([made])
    return made


async def satellite(hass: HomeAssistant, client: Any, entity_id: str = SATELLITE, *, unique_id: str | None = None) -> Satellite:
    """With a `unique_id` it is registered, as one of the integration `assist_satellite`."""
    made = Satellite(client, entity_id, unique_id)
    await hass.data[SATELLITES].async_add_entities([made])
    return made
