"""It plays as players in a house do: it resolves the media, fetches the address that it got, and takes what comes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from homeassistant.components.media_player import MediaPlayerEntity
from homeassistant.components.media_player.browse_media import async_process_play_media_url
from homeassistant.components.media_player.const import MediaPlayerEntityFeature, MediaPlayerState
from homeassistant.components.media_source import async_resolve_media, is_media_source_id
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.entity_platform import AddEntitiesCallback
from homeassistant.helpers.typing import ConfigType, DiscoveryInfoType

HEARD = "heard"


async def async_setup_platform(
    hass: HomeAssistant, config: ConfigType, add: AddEntitiesCallback, discovered: DiscoveryInfoType | None = None
) -> None:
    add([FakePlayer()])


class FakePlayer(MediaPlayerEntity):
    """`play_media` returns when all of it was heard."""

    _attr_name = "Fake player"
    _attr_unique_id = "fake_player"
    _attr_state = MediaPlayerState.IDLE
    _attr_supported_features = (
        MediaPlayerEntityFeature.PLAY_MEDIA
        | MediaPlayerEntityFeature.MEDIA_ANNOUNCE
        | MediaPlayerEntityFeature.STOP
        | MediaPlayerEntityFeature.VOLUME_SET
        | MediaPlayerEntityFeature.BROWSE_MEDIA
    )
    _attr_volume_level = 0.5

    async def async_play_media(self, media_type: str, media_id: str, **kwargs: Any) -> None:
        if is_media_source_id(media_id):
            media = await async_resolve_media(self.hass, media_id, self.entity_id)
            media_type, media_id = media.mime_type, media.url
        url = async_process_play_media_url(self.hass, media_id)
        self._attr_state = MediaPlayerState.PLAYING
        self.async_write_ha_state()
        async with async_get_clientsession(self.hass).get(url) as response:
            audio = await response.read()
        told = {"status": response.status, "type": response.content_type, "announced_type": media_type}
        await self.hass.async_add_executor_job(_keep, Path(self.hass.config.path(HEARD)), told, audio)
        self._attr_state = MediaPlayerState.IDLE
        self.async_write_ha_state()


def _keep(folder: Path, told: dict[str, Any], audio: bytes) -> None:
    folder.mkdir(exist_ok=True)
    number = len(list(folder.glob("*.json")))
    (folder / f"{number}.audio").write_bytes(audio)
    (folder / f"{number}.json").write_text(json.dumps(told))
