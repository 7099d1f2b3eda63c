"""In what state each engine and converter is, as far as what was asked of it has shown. Nothing is tried for that.

An answer counts for the service that gave it: one that was replaced in the meantime says nothing of its successor.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from time import monotonic
from typing import Any, TypeAlias

from ..converters.base import Converter
from ..engines.base import Engine
from ..errors import CredentialsRefused, EngineTimeout, EngineUnavailable, HeraldError, QuotaExceeded
from ..models import Notice
from ..roster import Roster
from .replies import words


class Kind(StrEnum):
    ENGINE = "engine"
    CONVERTER = "converter"


class State(StrEnum):
    READY = "ready"
    UNTRIED = "untried"
    """Nothing was asked of it yet."""
    NOT_SET = "not_set"
    """It lacks credentials."""
    REFUSED = "refused"
    """Its service does not accept its credentials."""
    QUOTA = "quota"
    """What the account may use is used up."""
    UNAVAILABLE = "unavailable"


SHOWN_BY: Mapping[str, State] = {
    CredentialsRefused.code: State.REFUSED,
    QuotaExceeded.code: State.QUOTA,
    EngineUnavailable.code: State.UNAVAILABLE,
    EngineTimeout.code: State.UNAVAILABLE,
}
"""Code of a failure → the state that it shows. Any other may be of this text, this voice or this moment alone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceState:
    """Of one engine or converter."""

    state: State
    code: str | None = None
    """Of the failure that showed it."""
    message: str | None = None
    """Of that failure; or something else that its owner should know."""
    since: datetime | None = None
    """When it was first seen so; `None`: nothing was seen."""


@dataclass(kw_only=True, slots=True)
class _Entry:
    known: ServiceState
    renewed: float
    """When there was this service for the first time (monotonic)."""


Services: TypeAlias = Roster[Engine] | Roster[Converter]
Changed: TypeAlias = Callable[[Kind, str], None]


def _nothing(kind: Kind, name: str) -> str:
    """To be said."""
    return ""


class States:
    """`changed` is called with whoever is in another state than before, or is there no more. Nobody is known before `renew`."""

    def __init__(self, services: Mapping[Kind, Services], changed: Changed) -> None:
        self._services = services
        self._changed = changed
        self._entries: dict[tuple[Kind, str], _Entry] = {}
        self.remark: Callable[[Kind, str], str] = _nothing
        """What is to be said of a service beside its state; empty: nothing. A failure's own words go before it."""

    def of(self, kind: Kind, name: str) -> ServiceState | None:
        """`None`: it is not configured."""
        entry = self._entries.get((kind, name))
        if entry is None or entry.known.message or not (remark := self.remark(kind, name)):
            return entry.known if entry is not None else None
        return replace(entry.known, message=remark)

    def all(self, kind: Kind) -> dict[str, ServiceState]:
        """By name."""
        return {name: state for one, name in self._entries if one is kind and (state := self.of(kind, name)) is not None}

    def renew(self, replaced: Collection[str]) -> None:
        """The services are others than before; of those that are `replaced` nothing is known any more."""
        now = {(kind, name) for kind, services in self._services.items() for name in services}
        for key in [key for key in self._entries if key not in now]:
            del self._entries[key]
            self._changed(*key)
        for kind, services in self._services.items():
            for name in services:
                if name in replaced or (kind, name) not in self._entries:
                    self._entries[kind, name] = _Entry(known=_at_first(services, name), renewed=monotonic())
                    self._changed(kind, name)

    def worked(self, kind: Kind, name: str, *, asked: float | None = None) -> None:
        """It did what it was asked. `asked`: when (monotonic); `None`: it is known to be the service that there is now."""
        self._see(kind, name, ServiceState(state=State.READY, since=datetime.now(UTC)), asked)

    def failed(self, kind: Kind, name: str, error: HeraldError | Notice, *, asked: float | None = None) -> None:
        """It answered with this failure, which may say nothing of it."""
        if (state := SHOWN_BY.get(error.code)) is not None:
            self._see(kind, name, _failure(state, error), asked)

    def _see(self, kind: Kind, name: str, seen: ServiceState, asked: float | None) -> None:
        entry = self._entries.get((kind, name))
        if entry is None or (asked is not None and asked < entry.renewed):
            return
        known = entry.known
        if (known.state, seen.state) == (State.NOT_SET, State.REFUSED):
            return  # that it has none is the better word for it
        if (known.state, known.code) != (seen.state, seen.code):
            entry.known = seen
            self._changed(kind, name)


def has_credentials(service: Engine | Converter) -> bool:
    """Whether it has all that it needs to be used."""
    sets, required = service.credential_sets, [field.name for field in service.credentials if field.required]
    return _are_set(service.options, required) and (not sets or any(_are_set(service.options, one) for one in sets))


def _are_set(options: Mapping[str, Any], names: Collection[str]) -> bool:
    return all(str(options.get(name) or "").strip() for name in names)


def _at_first(services: Services, name: str) -> ServiceState:
    """Before anything was asked of it."""
    if not has_credentials(services[name]):
        return ServiceState(state=State.NOT_SET, since=datetime.now(UTC))
    error = services.failures.get(name)
    if error is None:
        return ServiceState(state=State.UNTRIED)
    return _failure(SHOWN_BY.get(error.code, State.UNAVAILABLE), error)


def _failure(state: State, error: HeraldError | Notice) -> ServiceState:
    return ServiceState(state=state, code=error.code, message=words(error), since=datetime.now(UTC))
