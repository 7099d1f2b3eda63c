"""What somebody has to mend about a server, in Home Assistant's repairs: told while it is so, and gone when it is mended.

Issues of engines, converters and voices end with the entry's unloading, too. That of a server whose version is not known here
stays until the server is understood, or the entry removed: such an entry isn't loaded.
"""

from __future__ import annotations

from functools import partial

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.issue_registry import IssueSeverity

from .api import Kind, Service, State
from .api.wire import API
from .const import DOMAIN, SUBENTRY_VOICE
from .coordinator import HeraldCoordinator
from .flows.words import name_of, open_fields

SERVICE_ISSUES = {State.REFUSED: "credentials_refused", State.QUOTA: "quota_used_up"}
"""State of an engine or a converter → key of its issue in the translations."""
READ_ONLY = "credentials_refused_read_only"
WRONG_VERSION = "wrong_version"
VOICE_GONE = "voice_gone"


@callback
def watch(hass: HomeAssistant, coordinator: HeraldCoordinator) -> None:
    """Keep the issues of a server as its data says. To be called before it is asked for the first time."""
    entry, told = coordinator.config_entry, set[str]()
    entry.async_on_unload(coordinator.async_add_listener(partial(_tell, hass, coordinator, told)))
    entry.async_on_unload(partial(_forget, hass, told))


@callback
def remove(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Of an entry that is removed."""
    ir.async_delete_issue(hass, DOMAIN, _version_issue(entry))


@callback
def _tell(hass: HomeAssistant, coordinator: HeraldCoordinator, told: set[str]) -> None:
    if not coordinator.last_update_success:
        _tell_version(hass, coordinator)
        return
    ir.async_delete_issue(hass, DOMAIN, _version_issue(coordinator.config_entry))
    services = {_service_issue(coordinator, service): service for service in coordinator.data.configured.values()}
    failing = {issue: service for issue, service in services.items() if service.state in SERVICE_ISSUES}
    gone = {f"{voice.subentry_id}_{VOICE_GONE}": voice for voice in _gone(coordinator)}
    _forget(hass, told - failing.keys() - gone.keys())
    told.clear()
    told.update(failing, gone)
    for issue, service in failing.items():
        _tell_service(hass, coordinator, issue, service)
    for issue, voice in gone.items():
        _tell_voice(hass, coordinator, issue, voice)


@callback
def _tell_service(hass: HomeAssistant, coordinator: HeraldCoordinator, issue: str, service: Service) -> None:
    key = SERVICE_ISSUES[service.state]
    is_fixable = service.state is State.REFUSED and bool(open_fields(service))
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue,
        data={"entry_id": coordinator.config_entry.entry_id, "kind": service.kind.value, "name": service.name},
        is_fixable=is_fixable,
        severity=IssueSeverity.ERROR if service.state is State.REFUSED else IssueSeverity.WARNING,
        translation_key=READ_ONLY if service.state is State.REFUSED and not is_fixable else key,
        translation_placeholders={
            "service": name_of(service),
            "server": coordinator.config_entry.title,
            "message": service.message or "",
        },
    )


def _gone(coordinator: HeraldCoordinator) -> list[ConfigSubentry]:
    """Voices that were set up, and that the server has no more. Those of an engine that fails are told of with it."""
    data = coordinator.data
    failing = {name for (kind, name), service in data.configured.items() if kind is Kind.ENGINE and service.failing}
    return [
        voice
        for voice in coordinator.config_entry.get_subentries_of_type(SUBENTRY_VOICE)
        if voice.data["voice"] not in data.catalogue.voices and voice.data["voice"].partition("/")[0] not in failing
    ]


@callback
def _tell_voice(hass: HomeAssistant, coordinator: HeraldCoordinator, issue: str, voice: ConfigSubentry) -> None:
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue,
        data={"entry_id": coordinator.config_entry.entry_id, "subentry_id": voice.subentry_id},
        is_fixable=True,
        severity=IssueSeverity.WARNING,
        translation_key=VOICE_GONE,
        translation_placeholders={
            "name": voice.title,
            "voice": voice.data["voice"],
            "server": coordinator.config_entry.title,
        },
    )


@callback
def _tell_version(hass: HomeAssistant, coordinator: HeraldCoordinator) -> None:
    if getattr(coordinator.last_exception, "translation_key", None) != WRONG_VERSION:
        return
    ir.async_create_issue(
        hass,
        DOMAIN,
        _version_issue(coordinator.config_entry),
        is_fixable=False,
        severity=IssueSeverity.ERROR,
        translation_key=WRONG_VERSION,
        translation_placeholders={
            "server": coordinator.config_entry.title,
            "error": (getattr(coordinator.last_exception, "translation_placeholders", None) or {}).get("error", ""),
            "known": str(API),
        },
    )


@callback
def _forget(hass: HomeAssistant, told: set[str]) -> None:
    for issue in told:
        ir.async_delete_issue(hass, DOMAIN, issue)


def _service_issue(coordinator: HeraldCoordinator, service: Service) -> str:
    return f"{coordinator.config_entry.entry_id}_{service.kind}_{service.name}_{service.state}"


def _version_issue(entry: ConfigEntry) -> str:
    return f"{entry.entry_id}_{WRONG_VERSION}"
