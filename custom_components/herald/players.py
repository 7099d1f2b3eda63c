"""Whether players can fetch what they are told to play: Home Assistant gives them an address of its own.

Looked at where there are voices or groups: once Home Assistant has started, when they are set up, and when its addresses change.
Only what is certain is told: an address that cannot be reached from here may well be reached by players.
"""

from __future__ import annotations

from functools import partial

import aiohttp
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import EVENT_CORE_CONFIG_UPDATE
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.issue_registry import IssueSeverity
from homeassistant.helpers.network import NoURLAvailableError, get_url
from homeassistant.helpers.start import async_at_started

from .const import DOMAIN, LOGGER

NO_ADDRESS, UNTRUSTED_ADDRESS = "no_address", "untrusted_address"
ISSUES = (NO_ADDRESS, UNTRUSTED_ADDRESS)
"""Keys in the translations, and the issues' ids: there is one Home Assistant, however many servers."""
TIMEOUT = aiohttp.ClientTimeout(total=10)
IN_USE = (ConfigEntryState.SETUP_IN_PROGRESS, ConfigEntryState.LOADED)


@callback
def watch(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """As long as the entry is loaded."""

    @callback
    def look(_: HomeAssistant | Event) -> None:
        entry.async_create_background_task(hass, check(hass), name="address that players are told")

    entry.async_on_unload(async_at_started(hass, look))
    entry.async_on_unload(hass.bus.async_listen(EVENT_CORE_CONFIG_UPDATE, look))
    entry.async_on_unload(partial(_forget, hass))


async def check(hass: HomeAssistant) -> bool:
    """Whether nothing is to be mended, so far as is known. What is, is told."""
    problem, texts = await _problem(hass)
    _tell(hass, problem, texts)
    return problem is None


async def _problem(hass: HomeAssistant) -> tuple[str | None, dict[str, str]]:
    """The issue, and its placeholders."""
    try:
        address = get_url(hass)
    except NoURLAvailableError:
        return NO_ADDRESS, {}
    if not address.startswith("https:"):
        return None, {}
    try:
        async with async_get_clientsession(hass).head(address, allow_redirects=False, timeout=TIMEOUT):
            pass
    except aiohttp.ClientConnectorCertificateError as error:
        return UNTRUSTED_ADDRESS, {"address": address, "error": _reason(error)}
    except (aiohttp.ClientError, TimeoutError) as error:
        LOGGER.debug("Whether players trust %s is not known: %r", address, error)
    return None, {}


def _reason(error: aiohttp.ClientConnectorCertificateError) -> str:
    """In the words of the library that checked it."""
    cause = error.certificate_error
    return str(getattr(cause, "verify_message", None) or cause)


@callback
def _tell(hass: HomeAssistant, problem: str | None, texts: dict[str, str]) -> None:
    for issue in ISSUES:
        if issue != problem:
            ir.async_delete_issue(hass, DOMAIN, issue)
    if problem is not None and _is_used(hass):
        ir.async_create_issue(
            hass,
            DOMAIN,
            problem,
            is_fixable=True,
            severity=IssueSeverity.WARNING,
            translation_key=problem,
            translation_placeholders=texts,
        )


@callback
def _forget(hass: HomeAssistant) -> None:
    """With the last entry that speaks to players."""
    if not _is_used(hass):
        _tell(hass, None, {})


def _is_used(hass: HomeAssistant) -> bool:
    """An entry without voices and groups may have nobody speak to players."""
    return any(entry.subentries for entry in hass.config_entries.async_entries(DOMAIN) if entry.state in IN_USE)
