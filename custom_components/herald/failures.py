"""What a server's failures are in Home Assistant: exceptions with a translated sentence. And what such a sentence says."""

from __future__ import annotations

from typing import Any

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.translation import async_get_cached_translations

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


@callback
def in_words(hass: HomeAssistant, error: BaseException) -> str:
    """In the language of Home Assistant, as part of another sentence: `str(error)` is in English, for logs."""
    if not isinstance(error, HomeAssistantError) or error.translation_key is None or error.translation_domain is None:
        return str(error) or type(error).__name__
    texts = async_get_cached_translations(hass, hass.config.language, "exceptions", error.translation_domain)
    text = texts.get(f"component.{error.translation_domain}.exceptions.{error.translation_key}.message")
    if text is None:
        return str(error)
    return text.format(**(error.translation_placeholders or {})).rstrip(".。")
