"""Names that several modules share."""

from __future__ import annotations

import logging
from typing import Final

DOMAIN: Final = "herald"
LOGGER: Final = logging.getLogger(__package__)

CONF_FINGERPRINT: Final = "fingerprint"
"""Of an entry: SHA-256 of the server's certificate to accept, or None."""

SUBENTRY_VOICE: Final = "voice"
SUBENTRY_GROUP: Final = "announcement_group"
