"""Assist satellites: Home Assistant's own action announces, and returns when they have played it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from homeassistant.const import ATTR_ENTITY_ID, STATE_UNAVAILABLE
from homeassistant.core import Context
from homeassistant.exceptions import HomeAssistantError

from ...api import Order
from ..model import Announcement
from ..stream import Stream
from ..targets import SATELLITE
from .base import Busy, Unavailable
from .playing import Playing

ORDINARY = 50
"""The server's volume that is the engine's own; twice as much is twice as loud."""


class Satellite(Playing):
    """One of which nothing else is known. It stops with the stream: what was sent ahead is heard.

    It tells no volume, so that the server makes it: 1 is as loud as ever.
    """

    HOLDS: ClassVar[bool] = True

    def order(self, announcement: Announcement) -> Order:
        order = super().order(announcement)
        if announcement.volume is None or self._has_volume:
            return order
        volume = round(order.options.get("volume", ORDINARY) * announcement.volume)
        return replace(order, options={**order.options, "volume": volume})

    @property
    def _has_volume(self) -> bool:
        """Of its own, which is set."""
        return False

    async def _call(self, stream: Stream, announcement: Announcement, context: Context | None) -> None:
        state = self.hass.states.get(self.target.entity_id)
        if state is None or state.state == STATE_UNAVAILABLE:
            raise Unavailable
        data = {ATTR_ENTITY_ID: self.target.entity_id, "media_id": stream.media_id, **self._preannounced(announcement)}
        try:
            await self.hass.services.async_call(SATELLITE, "announce", data, blocking=True, context=context)
        except HomeAssistantError as error:
            if _is_busy(error):
                raise Busy from error
            raise
        except ConnectionError as error:
            raise Unavailable from error

    def _preannounced(self, announcement: Announcement) -> Mapping[str, Any]:
        """What is heard before the stream; the chime is in it already."""
        return {"preannounce": False}


def _is_busy(error: HomeAssistantError) -> bool:
    """Home Assistant announces something there, which nobody can interrupt."""
    from homeassistant.components.assist_satellite.errors import SatelliteBusyError  # noqa: PLC0415  # not every one has it

    return isinstance(error, SatelliteBusyError)
