"""Chimes: sounds of Home Assistant's that the server stores, so that it can join them to what it speaks.

One that is stored already, and is still the same file, is neither read nor sent again: an announcement would begin so much later.
"""

from __future__ import annotations

from http import HTTPStatus
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
from .failures import in_words

OWN = "/api/assist_satellite/static/preannounce.mp3"
"""Home Assistant's own, as a media id. Read from its file: nobody need reach an address for it."""
OWN_FILE = Path(components.__path__[0], "assist_satellite", "preannounce.mp3")
SIZE_MAX = 2 * 1024 * 1024
"""Bytes that the server takes."""
TIMEOUT = aiohttp.ClientTimeout(total=10)
"""Seconds in which a sound that is no file is fetched."""
REMEMBERED_MAX = 32
"""Sounds of which it is known that a server has them: it keeps no more."""

MARKS = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}
"""What a web server tells of a file → how it is asked whether that is still so."""

type Mark = tuple[int, int] | dict[str, str]
"""By which a sound is known to be the same: a file's size and time, or what its web server is asked, to say that it is."""


async def stored(hass: HomeAssistant, client: Client, media_id: str) -> str:
    """The name by which the server has it now, whether or not it had it before. Raises HomeAssistantError."""
    mark, name = client.chimes.get(media_id, (None, ""))
    try:
        audio, new = await _audio(hass, media_id, mark)
        if audio is None:
            return name
        name = await client.store_chime(_checked(audio))
    except (HeraldError, HomeAssistantError, OSError, aiohttp.ClientError, TimeoutError) as error:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="chime_failed",
            translation_placeholders={"error": _told(hass, error)},
        ) from error
    if len(client.chimes) >= REMEMBERED_MAX:
        client.chimes.clear()
    client.chimes[media_id] = (new, name)
    return name


def _told(hass: HomeAssistant, error: Exception) -> str:
    """In words, without an address: Home Assistant signs its own, and whoever has the signature can fetch the sound."""
    match error:
        case aiohttp.ClientResponseError():
            return f"{error.status} {error.message}"
        case OSError(strerror=str(said), filename=str(path)):
            return f"{said}: {path}"
    return in_words(hass, error)


async def _audio(hass: HomeAssistant, media_id: str, mark: object) -> tuple[bytes | None, Mark]:
    """None: it is the one with that mark. And its mark now."""
    if media_id == OWN:
        return await hass.async_add_executor_job(_read, OWN_FILE, mark)
    address = media_id
    if is_media_source_id(media_id):
        media = await async_resolve_media(hass, media_id, None)
        if media.path is not None:
            return await hass.async_add_executor_job(_read, media.path, mark)
        address = media.url
    try:
        return await _fetched(hass, async_process_play_media_url(hass, address), mark)
    except aiohttp.InvalidURL as error:
        raise HomeAssistantError(
            translation_domain=DOMAIN, translation_key="not_a_sound", translation_placeholders={"media_id": media_id}
        ) from error


def _read(path: Path, mark: object) -> tuple[bytes | None, Mark]:
    stat = path.stat()
    now = stat.st_size, stat.st_mtime_ns
    if now == mark:
        return None, now
    with path.open("rb") as file:
        return file.read(SIZE_MAX + 1), now


async def _fetched(hass: HomeAssistant, address: str, mark: object) -> tuple[bytes | None, Mark]:
    asked = mark if isinstance(mark, dict) else {}
    audio = bytearray()
    session = async_get_clientsession(hass)
    async with session.get(address, headers=asked, timeout=TIMEOUT, raise_for_status=True) as response:
        if response.status == HTTPStatus.NOT_MODIFIED and asked:
            return None, asked
        async for piece in response.content.iter_any():
            audio += piece
            if len(audio) > SIZE_MAX:
                break
    return bytes(audio), {ask: response.headers[told] for told, ask in MARKS.items() if told in response.headers}


def _checked(audio: bytes) -> bytes:
    if len(audio) > SIZE_MAX:
        msg = f"The sound has more bytes than the {SIZE_MAX} that a chime may have."
        raise OSError(msg)
    return audio
