"""Chimes: sounds of Home Assistant's that the server stores, so that it can join them to what it speaks."""

from __future__ import annotations

from pathlib import Path

import aiohttp
from homeassistant import components
from homeassistant.components.media_player.browse_media import async_process_play_media_url
from homeassistant.components.media_source import async_resolve_media, is_media_source_id
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.aiohttp_client import async_get_clientsession

from .api import Client, HeraldError
from .const import DOMAIN

OWN = "/api/assist_satellite/static/preannounce.mp3"
"""Home Assistant's own, as a media id. Read from its file: nobody need reach an address for it."""
OWN_FILE = Path(components.__path__[0], "assist_satellite", "preannounce.mp3")
SIZE_MAX = 2 * 1024 * 1024
"""Bytes that the server takes."""
TIMEOUT = aiohttp.ClientTimeout(total=10)
"""Seconds in which a sound that is no file is fetched."""


async def stored(hass: HomeAssistant, client: Client, media_id: str) -> str:
    """The name by which the server has it now, whether or not it had it before. Raises HomeAssistantError."""
    try:
        return await client.store_chime(await _audio(hass, media_id))
    except (HeraldError, OSError, aiohttp.ClientError, TimeoutError) as error:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="chime_failed",
            translation_placeholders={"error": _told(error)},
        ) from error


def _told(error: Exception) -> str:
    """In words, without an address: Home Assistant signs its own, and whoever has the signature can fetch the sound."""
    if isinstance(error, aiohttp.ClientResponseError):
        return f"{error.status} {error.message}"
    return str(error) or type(error).__name__


async def _audio(hass: HomeAssistant, media_id: str) -> bytes:
    if media_id == OWN:
        return _checked(await hass.async_add_executor_job(_read, OWN_FILE))
    address = media_id
    if is_media_source_id(media_id):
        media = await async_resolve_media(hass, media_id, None)
        if media.path is not None:
            return _checked(await hass.async_add_executor_job(_read, media.path))
        address = media.url
    return _checked(await _fetched(hass, async_process_play_media_url(hass, address)))


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(SIZE_MAX + 1)


async def _fetched(hass: HomeAssistant, address: str) -> bytes:
    audio = bytearray()
    async with async_get_clientsession(hass).get(address, timeout=TIMEOUT, raise_for_status=True) as response:
        async for piece in response.content.iter_any():
            audio += piece
            if len(audio) > SIZE_MAX:
                break
    return bytes(audio)


def _checked(audio: bytes) -> bytes:
    if len(audio) > SIZE_MAX:
        msg = f"The sound has more bytes than the {SIZE_MAX} that a chime may have."
        raise OSError(msg)
    return audio
