"""What helps to find a fault, without what is nobody's business: no token, no address, no names of sessions, no instructions."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_HOST, CONF_TOKEN, __version__
from homeassistant.core import HomeAssistant

from .api import Catalogue, HeraldError, Server, Service, Session
from .const import CONF_FINGERPRINT, LOGGER
from .coordinator import HeraldConfigEntry, HeraldCoordinator

TO_REDACT = frozenset({CONF_HOST, CONF_TOKEN, CONF_FINGERPRINT, "unique_id", "id", "client", "name_of_server", "instructions"})
"""`instructions` are what somebody wrote of how a voice shall speak."""


async def async_get_config_entry_diagnostics(hass: HomeAssistant, entry: HeraldConfigEntry) -> dict[str, Any]:
    """As much as is known; of an entry that isn't loaded that is the entry."""
    told: dict[str, Any] = {
        "home_assistant": __version__,
        "loggers": [LOGGER.name],
        "entry": {
            "state": entry.state.value,
            "version": f"{entry.version}.{entry.minor_version}",
            "unique_id": entry.unique_id,
            "source": entry.source,
            "data": dict(entry.data),
            "options": dict(entry.options),
            "subentries": [
                {"type": one.subentry_type, "title": one.title, "data": dict(one.data)} for one in entry.subentries.values()
            ],
        },
    }
    if entry.state is ConfigEntryState.LOADED:
        told |= await _of_server(entry.runtime_data)
    return dict(async_redact_data(told, TO_REDACT))


async def _of_server(coordinator: HeraldCoordinator) -> dict[str, Any]:
    data, exception = coordinator.data, coordinator.last_exception
    return {
        "connected": coordinator.last_update_success,
        "following": coordinator.following.is_set(),
        "last_failure": None if exception is None else _kind(exception),
        "server": _server(data.server),
        "services": [_service(service) for service in data.services.values()],
        "catalogue": _summary(data.catalogue),
        "usage": asdict(data.usage),
        "sessions": await _sessions(coordinator),
    }


def _kind(exception: BaseException) -> str:
    """Of failure: its words name the address."""
    return type(exception.__cause__ or exception).__name__


def _server(server: Server) -> dict[str, Any]:
    told = {key: value for key, value in asdict(server).items() if key != "name"}
    return {**told, "name_of_server": server.name, "formats": sorted(server.formats)}


def _service(service: Service) -> dict[str, Any]:
    """Which of its credentials are set, and by whom: what they are, the server tells nobody."""
    credentials = {field.name: field.source for field in service.credentials}
    told = asdict(service)
    return {**told, "credentials": credentials, "any_of": [list(names) for names in service.any_of]}


def _summary(catalogue: Catalogue) -> dict[str, Any]:
    voices = catalogue.voices.values()
    return {
        "revision": catalogue.revision,
        "default": catalogue.default,
        "voices": len(catalogue.voices),
        "configured": [voice.name for voice in voices if voice.configured],
        "by_engine": dict(Counter(voice.engine for voice in voices)),
        "by_language": dict(Counter(voice.language for voice in voices)),
    }


async def _sessions(coordinator: HeraldCoordinator) -> list[dict[str, Any]] | str:
    """Those that speak now. A server that is away isn't asked: somebody else may be there."""
    if not coordinator.last_update_success:
        return "not connected"
    try:
        return [_session(session) for session in await coordinator.client.sessions()]
    except HeraldError as error:
        return _kind(error)


def _session(session: Session) -> dict[str, Any]:
    return asdict(session)
