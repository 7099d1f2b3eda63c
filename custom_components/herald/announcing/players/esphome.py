"""ESPHome's satellites, such as Voice PE and Linux Voice Assistant.

Home Assistant has FFmpeg read the stream for those that have a media player; others come for it themselves.
A device queues an announcement behind another one, unless it is told of a sound before it: then it takes its place. So there is
always one: the chime, or a moment of silence. One that is interrupted, and that nothing follows, is replaced by silence.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, ClassVar

from homeassistant.components.media_player.const import DOMAIN as PLAYER
from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er

from ...api import Order
from ..model import Announcement
from ..stream import FETCH, Stream
from ..targets import SATELLITE, Target
from ..view import SILENCE
from .media_player import announce_silence, at_volume, tried
from .satellite import Satellite

CHIME_MAX = 10.0
"""Seconds of the longest chime: a device may come for the stream only when it has played that."""
PREANNOUNCED: Mapping[str, Any] = {"preannounce": True, "preannounce_media_id": SILENCE}


PROXIED = ("MKA", 48_000)
"""Format, and rate of most devices, where FFmpeg reads the stream: it makes of it what the device's media player plays."""


class EspHome(Satellite):
    FETCH: ClassVar[float] = FETCH + CHIME_MAX

    def __init__(self, hass: HomeAssistant, target: Target) -> None:
        super().__init__(hass, target)
        self._player = _player(hass, target)

    def order(self, announcement: Announcement) -> Order:
        """Without the chime: the device is told of it."""
        order = super().order(announcement)
        return replace(order, options={name: value for name, value in order.options.items() if name != "chime"})

    def _as_asked(self, order: Order) -> Order:
        if self._player is None:
            return super()._as_asked(order)
        name, rate = PROXIED
        return replace(order, format=name, rate=rate)

    @property
    def _has_volume(self) -> bool:
        return self._player is not None

    def _preannounced(self, announcement: Announcement) -> Mapping[str, Any]:
        return PREANNOUNCED if announcement.chime is None else {**PREANNOUNCED, "preannounce_media_id": announcement.chime}

    @asynccontextmanager
    async def _prepared(self, announcement: Announcement, context: Context | None) -> AsyncGenerator[None]:
        if self._player is None:
            yield
            return
        async with at_volume(self, [self._player], announcement.volume, context):
            yield

    async def _silence(self, stream: Stream, context: Context | None, *, is_ours: bool) -> None:
        if not self.follows():
            await self.hush(context)

    async def hush(self, context: Context | None) -> None:
        if self._player is not None:
            await announce_silence(self, self._player, context)


class LinuxVoiceAssistant(EspHome):
    """Only at the end of an announcement of its own is its music as loud again as it was: its media player's silence is none."""

    MODEL: ClassVar[str] = "Linux Voice Assistant"

    async def play(self, stream: Stream, announcement: Announcement, context: Context | None) -> None:
        await super().play(stream, announcement, context)
        if self._silenced.is_set() and stream.was_fetched and not self.follows():
            await self.hush(context)

    async def _silence(self, stream: Stream, context: Context | None, *, is_ours: bool) -> None:
        """Not before Home Assistant lets go of it."""

    async def hush(self, context: Context | None) -> None:
        data = {ATTR_ENTITY_ID: self.target.entity_id, "media_id": SILENCE, **PREANNOUNCED}
        await tried(self, SATELLITE, "announce", data, context)


def satellite(hass: HomeAssistant, target: Target) -> EspHome:
    """By its device's model."""
    device = None if target.device_id is None else dr.async_get(hass).async_get(target.device_id)
    is_linux = isinstance(device, dr.DeviceEntry) and device.model == LinuxVoiceAssistant.MODEL
    return (LinuxVoiceAssistant if is_linux else EspHome)(hass, target)


def _player(hass: HomeAssistant, target: Target) -> str | None:
    """The device's media player."""
    if target.device_id is None:
        return None
    entries = er.async_entries_for_device(er.async_get(hass), target.device_id)
    return next((entry.entity_id for entry in entries if entry.domain == PLAYER and entry.platform == target.platform), None)
