"""Which player an entity is: by its domain, and the integration that it is of. To be announced on, another kind takes one row."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from homeassistant.components.media_player.const import DOMAIN as PLAYER
from homeassistant.core import HomeAssistant

from ..targets import SATELLITE, Target
from . import esphome, media_player
from .base import NotSupported, Player
from .satellite import Satellite
from .voip import Voip
from .wyoming import Wyoming

type Make = Callable[[HomeAssistant, Target], Player]

ORDINARY: Mapping[str, Make] = {PLAYER: media_player.MediaPlayer, SATELLITE: Satellite}
"""By domain."""
PLAYERS: Mapping[tuple[str, str], Make] = {
    (SATELLITE, "esphome"): esphome.satellite,
    (SATELLITE, "voip"): Voip,
    (SATELLITE, "wyoming"): Wyoming,
    (PLAYER, "esphome"): media_player.EspHome,
    (PLAYER, "sonos"): media_player.Sonos,
}
"""By domain and integration: those that want something else than others of their domain."""


def player_for(hass: HomeAssistant, target: Target) -> Player:
    """For one announcement there. Raises NotSupported."""
    make = PLAYERS.get((target.domain, target.platform or "")) or ORDINARY.get(target.domain)
    if make is None:
        raise NotSupported
    return make(hass, target)
