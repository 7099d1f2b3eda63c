"""What a server's failures are in Home Assistant: exceptions with a translated sentence."""

from __future__ import annotations

from typing import Any

from .api import (
    Address,
    CannotConnect,
    HeraldError,
    Interrupted,
    Refused,
    TextTimeout,
    WrongServer,
    WrongToken,
    WrongVersion,
)
from .const import DOMAIN

SENTENCES: tuple[tuple[type[HeraldError], str], ...] = (
    (CannotConnect, "cannot_connect"),
    (WrongServer, "wrong_server"),
    (WrongToken, "wrong_token"),
    (WrongVersion, "wrong_version"),
    (Refused, "refused"),
    (TextTimeout, "text_timeout"),
    (Interrupted, "interrupted"),
    (HeraldError, "failed"),
)
"""Keys in translations/, `exceptions`; the first that fits."""


def explained(error: HeraldError, address: Address) -> dict[str, Any]:
    """The arguments of an exception that says it: `raise HomeAssistantError(**explained(error, client.address)) from error`."""
    key = next(key for kind, key in SENTENCES if isinstance(error, kind))
    placeholders = {"address": str(address), "error": str(error)}
    return {"translation_domain": DOMAIN, "translation_key": key, "translation_placeholders": placeholders}
