"""Credentials as somebody offers them: which there may be, who may say them, and words that do not repeat them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias
from urllib.parse import unquote

import voluptuous as vol

from ..config import Config
from ..config.environment import FILE_SUFFIX, OTHER_NAMES, names_in_use
from ..config.fields import Section
from ..config.values import Source
from ..errors import BadSetting, ReadOnly, TooLarge
from ..models import CredentialField, CredentialKind, shortened
from ..monitoring.states import Kind
from ..state.credentials import VALUE_MAX
from .kinds import SECTIONS, ServiceClass, ServiceConfig

Offered: TypeAlias = Mapping[str, str | None]
"""Field → text; `None` or a blank takes it out."""


def check(name: str, its_class: ServiceClass, offered: Mapping[str, Any]) -> None:
    """Raise BadSetting or TooLarge, in words without a value, for what is no credential of this service."""
    fields = [field.name for field in its_class.credentials]
    if unknown := [shortened(field) for field in offered if field not in fields]:
        has = f"its credentials are {', '.join(fields)}" if fields else "it has none"
        msg = f"{name} has no credential {' and no '.join(unknown[: len(fields) + 1])}; {has}."
        raise BadSetting(msg)
    for field, value in offered.items():
        if value is not None and not isinstance(value, str):
            msg = f"The credential {field} of {name} must be text."
            raise BadSetting(msg)
        if value is not None and len(value) > VALUE_MAX:
            msg = f"The credential {field} of {name} has {len(value)} characters; {VALUE_MAX} are allowed."
            raise TooLarge(msg)


def check_free(kind: Kind, name: str, fields: Iterable[str], config: Config, environ: Mapping[str, str]) -> None:
    """Raise ReadOnly for a field that somebody else says, naming the variable or the file."""
    entry: ServiceConfig | None = (config.engines if kind is Kind.ENGINE else config.converters).get(name)
    for field in fields if entry is not None else ():
        match entry.sources.get(field) if entry is not None else None:
            case Source.ENVIRONMENT:
                where = _variable((SECTIONS[kind], name, field), environ) or "a variable"
                msg = f"{field} of {name} is set by {where} in the environment, and can be changed only there."
                raise ReadOnly(msg)
            case Source.FILE:
                msg = f"{field} of {name} stands in {config.source}, and can be changed only there."
                raise ReadOnly(msg)


def check_address(kind: Kind, name: str, its_class: ServiceClass, offered: Offered, config: Config) -> None:
    """Raise BadSetting where an address would be another, and be sent what was entered for the one that it was.

    Nobody is ever shown a credential: so nobody may have it sent somewhere, either.
    """
    entry: ServiceConfig | None = (config.engines if kind is Kind.ENGINE else config.converters).get(name)
    options = entry.options if entry is not None else {}
    others = [
        field.name
        for field in its_class.credentials
        if field.kind is CredentialKind.URL
        and (address := (offered.get(field.name) or "").strip())
        and address != options.get(field.name)
    ]
    kept = [
        field.name
        for field in its_class.credentials
        if field.kind is CredentialKind.SECRET and options.get(field.name) and field.name not in offered
    ]
    if others and kept:
        msg = f"With another {others[0]}, {name} needs {' and '.join(kept)} anew: they were entered for the one that it has."
        raise BadSetting(msg)


def _variable(path: tuple[str, ...], environ: Mapping[str, str]) -> str | None:
    """The variable that says this key."""
    key = _plain(f"HERALD_{'__'.join(path)}")
    keys = {name: _plain(OTHER_NAMES.get(name, name)) for name in names_in_use(environ)}
    return next((name for name, its_key in keys.items() if its_key in (key, f"{key}{FILE_SUFFIX}")), None)


def _plain(name: str) -> str:
    return name.upper().replace("-", "_")


def with_offered(its_class: ServiceClass, options: Mapping[str, Any] | None, offered: Offered) -> dict[str, Any]:
    """The options of a service with what is offered over them; `None`: of one that has nothing but that.

    Raises BadSetting, in words without a value.
    """
    schema = its_class.options_schema
    wanted = {key: one for key, one in schema.items() if options is None or str(key) in offered}
    try:
        found = Section(wanted)({field: value.strip() for field, value in offered.items() if value and value.strip()})
    except vol.MultipleInvalid as invalid:
        words = " and ".join(f"{'.'.join(map(str, error.path))} {error.msg}" for error in invalid.errors)
        msg = f"{words}."
        raise BadSetting(msg) from None  # its cause holds the value
    return {**(options or {}), **found}


def hidden(message: str, its_class: ServiceClass, options: Mapping[str, Any], instead: str) -> str:
    """The message on one line, or other words where it repeats a credential: of an address, what stands before its @."""
    secrets = [secret for field in its_class.credentials for secret in _secrets(field, options.get(field.name))]
    told = any(secret in message for secret in secrets)
    return instead if told else " ".join(message.split())


def _secrets(field: CredentialField, value: Any) -> Iterator[str]:
    if not isinstance(value, str) or not value:
        return
    if field.kind is not CredentialKind.URL:
        yield value
        return
    user, at, _ = value.rpartition("@")
    if at:
        password = user.rpartition("//")[2].partition(":")[2]
        yield from filter(None, (f"{user}@", password, unquote(password)))
