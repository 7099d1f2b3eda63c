"""How a server is paired, and what of it is set up in forms."""

from __future__ import annotations

from homeassistant.config_entries import ConfigFlow

from .const import DOMAIN


class HeraldConfigFlow(ConfigFlow, domain=DOMAIN):
    """Of a server."""

    VERSION = 1
