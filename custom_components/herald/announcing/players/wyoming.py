"""Wyoming satellites: Home Assistant has FFmpeg read the stream, and sends them what comes of it at once.

Their protocol knows no stop: what they were sent is heard, so that the stream's lead is how long they go on. What one still plays
of another announcement is part of that lead, however many follow each other. A call whose stream has ended, and that is cancelled
until it is done, leaves the satellite free at once. Cancelled before that, it would leave FFmpeg behind.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import ClassVar

from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import Context, HomeAssistant
from homeassistant.util.hass_dict import HassKey

from ...api import Order
from ...const import DOMAIN
from ..model import Announcement
from ..stream import Stream
from ..targets import SATELLITE, Target
from ..view import NOTHING
from .media_player import tried
from .satellite import Satellite

WAY = 0.1
"""Seconds that a satellite is behind what it is sent, the fade of an interrupt with it: they are part of its lead, too."""


class Wyoming(Satellite):
    FORMAT: ClassVar[str] = "MKA"  # FFmpeg gives it out at once, of others it waits for seconds
    RATE: ClassVar[int | None] = 22_050  # as Home Assistant sends it
    LATE: ClassVar[float] = 0.5  # most never tell that they have played it, and are waited for as long again

    def __init__(self, hass: HomeAssistant, target: Target) -> None:
        super().__init__(hass, target)
        self._silent_at = hass.data.setdefault(SILENT_AT, {}).get(target.entity_id, -inf)
        """The loop's time when it has played what it was sent before."""

    def order(self, announcement: Announcement) -> Order:
        rest = max(0.0, self._silent_at - self.hass.loop.time())
        order = super().order(announcement)
        return order if order.pace is None else replace(order, pace=max(0.0, order.pace - WAY - rest))

    async def play(self, stream: Stream, announcement: Announcement, context: Context | None) -> None:
        try:
            await super().play(stream, announcement, context)
        finally:
            self.hass.data[SILENT_AT][self.target.entity_id] = self._heard_at(stream)

    async def hush(self, context: Context | None) -> None:
        """An announcement of nothing: Home Assistant tells it of a beginning and an end, and takes it for idle again."""
        data = {ATTR_ENTITY_ID: self.target.entity_id, "media_id": NOTHING, "preannounce": False}
        await tried(self, SATELLITE, "announce", data, context)

    def _as_asked(self, order: Order) -> Order:
        """FFmpeg reads it, and not the satellite."""
        return order

    def _heard_at(self, stream: Stream) -> float:
        if stream.first_audio is None:
            return self._silent_at
        return stream.heard_at + max(0.0, self._silent_at - stream.first_audio)


SILENT_AT: HassKey[dict[str, float]] = HassKey(f"{DOMAIN}_silent_at")
"""In `hass.data`: of each satellite, by its entity."""
