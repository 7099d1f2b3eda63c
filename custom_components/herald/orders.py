"""What is to be spoken once somebody fetches its address: for a time, a few times, and whoever has the token.

Players and browsers show no credentials, so that the address itself is the key. Nothing is asked of a server here.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from time import monotonic

from homeassistant.util.hass_dict import HassKey

from .api import Order
from .const import DOMAIN

LIFETIME = 600.0
"""Seconds in which it may be fetched."""
FETCHES_MAX = 20
"""Of one: every one of them is a synthesis. Players ask twice; nobody asks for ever."""
ORDERS_MAX = 256
"""At once; of more, the oldest are forgotten."""
MIME_TYPES = {"MP3": "audio/mpeg"}
"""By the server's name of a format."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Speech:
    entry_id: str
    """Of the server that speaks it."""
    text: str = field(repr=False)
    order: Order

    @property
    def mime_type(self) -> str:
        return MIME_TYPES[self.order.format]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kept:
    speech: Speech
    until: float
    fetches: int = 0


class Orders:
    """`clock`: seconds, of any beginning."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._kept: dict[str, _Kept] = {}

    def add(self, speech: Speech, *, lifetime: float = LIFETIME) -> str:
        """The token by which it is fetched."""
        now = self._clock()
        self._kept = {token: kept for token, kept in self._kept.items() if kept.until > now}
        while len(self._kept) >= ORDERS_MAX:
            del self._kept[next(iter(self._kept))]
        token = secrets.token_urlsafe(24)
        self._kept[token] = _Kept(speech=speech, until=now + lifetime)
        return token

    def get(self, token: str) -> Speech | None:
        """None where there is none any more."""
        kept = self._kept.get(token)
        return kept.speech if kept is not None and kept.until > self._clock() and kept.fetches < FETCHES_MAX else None

    def fetch(self, token: str) -> Speech | None:
        """The same, by somebody who will hear it."""
        if (speech := self.get(token)) is not None:
            kept = self._kept[token]
            self._kept[token] = replace(kept, fetches=kept.fetches + 1)
        return speech


ORDERS: HassKey[Orders] = HassKey(f"{DOMAIN}_orders")
"""In `hass.data`: of all servers."""
