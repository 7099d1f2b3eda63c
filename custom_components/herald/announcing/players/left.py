"""What an announcement leaves as it is, since another one follows at once. Where none comes, a timer puts it back."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.util.hass_dict import HassKey

from ...const import DOMAIN

FOLLOWS = 5.0
"""Seconds in which the next one begins: one that was to follow may have been interrupted itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Left:
    value: Any
    """None: that it was nothing is known."""
    stop: CALLBACK_TYPE


@callback
def leave(hass: HomeAssistant, key: str, value: object, put_back: Callable[[], Coroutine[Any, Any, object]]) -> None:
    """To the next one, or to `put_back`. `key`: of the player, and what of it."""

    @callback
    def nobody_came(_: datetime) -> None:
        del hass.data[LEFT][key]
        hass.async_create_task(put_back(), name=f"after an announcement: {key}")

    take(hass, key)
    hass.data[LEFT][key] = Left(value=value, stop=async_call_later(hass, FOLLOWS, nobody_came))


@callback
def take(hass: HomeAssistant, key: str) -> Left | None:
    """What was left; None: nothing was. It is not put back by anybody else then."""
    left = hass.data.setdefault(LEFT, {}).pop(key, None)
    if left is not None:
        left.stop()
    return left


LEFT: HassKey[dict[str, Left]] = HassKey(f"{DOMAIN}_left")
"""In `hass.data`."""
