"""Names that several modules share."""

from __future__ import annotations

import logging
from typing import Final

DOMAIN: Final = "herald"
LOGGER: Final = logging.getLogger(__package__)

CONF_FINGERPRINT: Final = "fingerprint"
"""Of an entry: SHA-256 of the server's certificate to accept, or None."""

CONF_LEAD: Final = "lead"
"""Of an entry's options: seconds of audio that players and satellites may be sent ahead of what they play."""
LEAD: Final = 1.0
"""Where its options do not say."""

SUBENTRY_VOICE: Final = "voice"
SUBENTRY_GROUP: Final = "announcement_group"
