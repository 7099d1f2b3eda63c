"""Assist satellites: Home Assistant's own action announces, and returns when they have played it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from homeassistant.const import ATTR_ENTITY_ID, STATE_UNAVAILABLE
from homeassistant.core import Context
from homeassistant.exceptions import HomeAssistantError

from ...api import Order
from ...speech.formats import KINDS, Wanted
from ..model import Announcement
from ..stream import MIME_TYPES, Stream
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
        order = self._as_asked(super().order(announcement))
        if announcement.volume is None or self._has_volume:
            return order
        volume = round(order.options.get("volume", ORDINARY) * announcement.volume)
        return replace(order, options={**order.options, "volume": volume})

    def _as_asked(self, order: Order) -> Order:
        """In the format that it asks Home Assistant for, where the server makes that and its length can be judged."""
        asked = self._asked
        wanted = None if asked is None else Wanted.read(asked)
        kind = None if wanted is None else KINDS.get(wanted.format)
        if wanted is None or kind is None or kind.name not in MIME_TYPES or not wanted.is_made_by(kind):
            return order
        return replace(order, format=kind.name, rate=wanted.rate or order.rate, channels=wanted.channels or 1)

    @property
    def _asked(self) -> Mapping[str, Any] | None:
        """Options of Home Assistant's for speech; None: it has no wishes, or is not there."""
        component = self.hass.data.get(SATELLITE)
        entity = None if component is None else component.get_entity(self.target.entity_id)
        asked: Mapping[str, Any] | None = None if entity is None else entity.tts_options
        return asked

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
