"""How a service and its credentials are, as anybody may know it: names and states, never a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..config import Config
from ..config.values import Source
from ..models import CredentialField, CredentialKind
from ..monitoring.states import Kind, ServiceState, State, States
from ..synthesis.fallback.breakers import Breakers
from .kinds import ServiceConfig, class_of, configured, strangers, type_of, unused

_LEFT = "Credentials are stored for this name, which nothing in herald.yaml has. Delete them, or give it an entry there."
_OFF = "Credentials are stored for it, and it is switched off in herald.yaml."


@dataclass(frozen=True, kw_only=True, slots=True)
class CredentialStatus:
    """One credential of a service."""

    field: CredentialField
    set: bool
    """It has a value."""
    source: Source | None
    """Who said the value, or that it has none; `None`: nobody."""

    @property
    def secret(self) -> bool:
        """It is typed unseen."""
        return self.field.kind is CredentialKind.SECRET

    @property
    def read_only(self) -> bool:
        """It can be changed only where it is set."""
        return self.source in (Source.ENVIRONMENT, Source.FILE)


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceStatus:
    """An engine or a converter, as it is now."""

    name: str
    kind: Kind
    type: str
    title: str
    """Its name for people."""
    configured: bool
    """False: it is there as soon as it has credentials."""
    state: State
    code: str | None
    """Why it is in this state, of `errors.CODES`."""
    message: str | None
    """The same as a sentence."""
    since: datetime | None
    any_of: tuple[tuple[str, ...], ...]
    """Names of credentials that are enough together; any of the sets will do. Empty: it may work without."""
    credentials: tuple[CredentialStatus, ...]
    breaker: Mapping[str, Any] | None = None
    """Of an engine that is configured: whether it is spared because it fails again and again. See synthesis.fallback."""


def status(kind: Kind, name: str, config: Config, states: States, breakers: Breakers) -> ServiceStatus:
    """Raises UnknownService."""
    kept = unused(kind, name, config)
    if name in strangers(kind, config):
        return nobody(kind, name, kept)
    its_type, entry = type_of(kind, name, config), configured(kind, config).get(name)
    its_class = class_of(kind, its_type)
    now = states.of(kind, name) or ServiceState(state=State.NOT_SET)
    return ServiceStatus(
        name=name,
        kind=kind,
        type=its_type,
        title=its_class.title,
        configured=entry is not None,
        state=now.state,
        code=now.code,
        message=now.message or (_OFF if kept else None),
        since=now.since,
        any_of=its_class.credential_sets,
        credentials=tuple(_credential(field, entry, kept) for field in its_class.credentials),
        breaker=breakers.of(name).described() if kind is Kind.ENGINE and entry is not None else None,
    )


def nobody(kind: Kind, name: str, kept: tuple[str, ...] = ()) -> ServiceStatus:
    """Of a name that is no service's: one that is gone, or of which no more than these credentials is left."""
    fields = [CredentialField(name=field, label=field, help="", kind=CredentialKind.SECRET) for field in kept]
    return ServiceStatus(
        name=name,
        kind=kind,
        type=name,
        title=name,
        configured=False,
        state=State.NOT_SET,
        code=None,
        message=_LEFT if kept else None,
        since=None,
        any_of=(),
        credentials=tuple(_credential(field, None, kept) for field in fields),
    )


def _credential(field: CredentialField, entry: ServiceConfig | None, kept: tuple[str, ...]) -> CredentialStatus:
    if entry is None:
        is_kept = field.name in kept
        return CredentialStatus(field=field, set=is_kept, source=Source.STORED if is_kept else None)
    source = entry.sources.get(field.name)
    is_set = source is not None and entry.options.get(field.name) not in (None, "")
    return CredentialStatus(field=field, set=is_set, source=source)
