"""A room's loudspeaker: it accepts what it is to play, fetches it over HTTP, plays it in real time, and writes down all of it.

It asks what it would get, and then for all of it as a part, as many do. What it fetched and did not play yet is gone when it is
stopped. A line of JSON each, with the machine's clock, goes into `rooms/NAME.jsonl` of the configuration folder, and the audio
into `rooms/NAME.audio`. One that `announces` does so over its music, which then goes on.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import IO, Any, NamedTuple

import voluptuous as vol
from homeassistant.components.media_player import PLATFORM_SCHEMA, MediaPlayerEntity
from homeassistant.components.media_player.browse_media import async_process_play_media_url
from homeassistant.components.media_player.const import MediaPlayerEntityFeature, MediaPlayerState, MediaType
from homeassistant.components.media_source import async_resolve_media, is_media_source_id
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity_platform import AddEntitiesCallback
from homeassistant.helpers.typing import ConfigType, DiscoveryInfoType

PLATFORM_SCHEMA = PLATFORM_SCHEMA.extend({vol.Required("name"): cv.string, vol.Optional("announces", default=False): cv.boolean})
MUSIC = "music://"
"""Begin of the ids of what it plays by itself, without an end."""
VOLUME = 0.5
KBPS = {
    3: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""Of MPEG 1, and of MPEG 2 and 2.5; layer III."""
RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}


async def async_setup_platform(
    hass: HomeAssistant, config: ConfigType, add: AddEntitiesCallback, discovered: DiscoveryInfoType | None = None
) -> None:
    opened = await hass.async_add_executor_job(files, Path(hass.config.path("rooms")), config["name"])
    add([Room(opened, config["name"], announces=config["announces"])])


class Files(NamedTuple):
    journal: IO[str]
    audio: IO[bytes]
    volume: float
    """That it had when it was last heard of."""


def files(folder: Path, name: str) -> Files:
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    volume = next((line["level"] for line in reversed(lines) if line["what"] == "volume"), VOLUME)
    return Files(path.open("a", buffering=1), (folder / f"{name}.audio").open("ab", buffering=0), volume)


class Room(MediaPlayerEntity):
    _attr_should_poll = False
    _attr_state: MediaPlayerState | None = MediaPlayerState.IDLE

    def __init__(self, files: Files, name: str, *, announces: bool, device: DeviceInfo | None = None) -> None:
        self._journal, self._audio, self._attr_volume_level = files
        self._announces = announces
        self._attr_name = name
        self._attr_unique_id = f"room_{name}"
        self._attr_device_info = device
        self._attr_supported_features = (
            MediaPlayerEntityFeature.PLAY_MEDIA | MediaPlayerEntityFeature.STOP | MediaPlayerEntityFeature.VOLUME_SET
        )
        if announces:
            self._attr_supported_features |= MediaPlayerEntityFeature.MEDIA_ANNOUNCE
        self._playing: asyncio.Task[None] | None = None
        self._music: str | None = None
        """That it plays by itself, or will again."""

    def _note(self, what: str, **more: Any) -> None:
        self._journal.write(json.dumps({"what": what, "time": monotonic(), **more}) + "\n")

    async def async_set_volume_level(self, volume: float) -> None:
        self._attr_volume_level = volume
        self._note("volume", level=volume)
        self.async_write_ha_state()

    async def async_media_stop(self) -> None:
        self._music = None
        await self._silence("stopped")
        self._rest()

    async def async_play_media(self, media_type: str, media_id: str, **kwargs: Any) -> None:
        await self._silence("replaced")
        is_music = media_id.startswith(MUSIC)
        if is_music or not (self._announces and kwargs.get("announce")):
            self._music = media_id if is_music else None
        self._attr_state, self._attr_media_content_id = MediaPlayerState.PLAYING, media_id
        self._note("play", music=is_music)
        self.async_write_ha_state()
        if is_music:
            return
        if is_media_source_id(media_id):
            media_id = (await async_resolve_media(self.hass, media_id, self.entity_id)).url
        url = async_process_play_media_url(self.hass, media_id)
        self._playing = self.hass.async_create_background_task(self._play(url), f"{self.name} plays")

    async def announce(self, url: str) -> None:
        """Until it was heard."""
        await self.async_play_media(MediaType.MUSIC, url, announce=True)
        if self._playing is not None:
            await self._playing

    async def _silence(self, why: str) -> None:
        playing, self._playing = self._playing, None
        if playing is not None and not playing.done():
            playing.cancel()
            with suppress(asyncio.CancelledError):
                await playing
            self._note(why)

    async def _play(self, url: str) -> None:
        session, file, ends = async_get_clientsession(self.hass), Mp3(), 0.0
        async with session.head(url) as response:
            self._note("head", status=response.status)
        async with session.get(url, headers={"Range": "bytes=0-"}) as response:
            self._note("fetch", status=response.status)
            async for piece in response.content.iter_any():
                seconds = file.feed(piece)
                begins = max(monotonic(), ends)
                ends = begins + seconds
                self._audio.write(piece)
                self._note("chunk", begins=begins, seconds=seconds, bytes=len(piece))
        self._note("end")
        await asyncio.sleep(ends - monotonic())
        self._note("played")
        self._playing = None
        self._rest()

    def _rest(self) -> None:
        self._attr_state = MediaPlayerState.IDLE if self._music is None else MediaPlayerState.PLAYING
        self._attr_media_content_id = self._music
        self.async_write_ha_state()


class Mp3:
    """Counts the audio of a file as it comes, by its frames."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> float:
        """Seconds of the frames that are whole with it."""
        self._rest += data
        seconds = 0.0
        while len(self._rest) >= 10:
            size, of_it = self._next()
            if len(self._rest) < size:
                break
            self._rest = self._rest[size:]
            seconds += of_it
        return seconds

    def _next(self) -> tuple[int, float]:
        """Bytes and seconds of what is next: a tag, a frame, or a byte of neither."""
        head = self._rest
        if head[:3] == b"ID3":
            return 10 + (head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]), 0.0
        version, rate = head[1] >> 3 & 3, head[2] >> 2 & 3
        if head[0] != 0xFF or head[1] & 0xE6 != 0xE2 or version == 1 or rate == 3 or head[2] >> 4 in {0, 15}:
            return 1, 0.0
        hertz = RATES[version][rate]
        kbps = KBPS[3 if version == 3 else 2][head[2] >> 4]
        samples = 1152 if version == 3 else 576
        return samples // 8 * kbps * 1000 // hertz + (head[2] >> 1 & 1), samples / hertz
