"""One form for the credentials of every engine, drawn from what the server says of them.

Frontends show the raw name of a field that no translation knows. So the fields are called field_1, field_2 …, whose translations
are nothing but placeholders, for the labels that the server tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import probatio
from homeassistant.helpers.selector import TextSelector, TextSelectorConfig, TextSelectorType

from ..api import CredentialField, Service
from .words import Words, name_of, open_fields

FIELDS_MAX = 8
"""As many as there are translations for."""
_TYPES = {"secret": TextSelectorType.PASSWORD, "url": TextSelectorType.URL}


def schema(service: Service) -> probatio.Schema:
    """Nothing is filled in: the server tells no credential to anybody, and a browser knows those of other places."""
    return probatio.Schema({probatio.Optional(key): _selector(field) for key, field in _fields(service).items()})


def entered(service: Service, answer: Mapping[str, Any]) -> dict[str, str]:
    """By the server's names; what was left empty is not in it."""
    values = {field.name: str(answer.get(key, "")).strip() for key, field in _fields(service).items()}
    return {name: value for name, value in values.items() if value}


def placeholders(service: Service, words: Words) -> dict[str, str]:
    """Of the form, and of every other text about the service."""
    texts = {
        "service": name_of(service),
        "state": words.state(service),
        "notes": words.notes(service),
        "message": service.message or "",
    }
    for number in range(1, FIELDS_MAX + 1):
        field = _fields(service).get(f"field_{number}")
        texts[f"label_{number}"] = field.label if field else ""
        texts[f"help_{number}"] = words.help(field) if field else ""
    return texts


def _selector(field: CredentialField) -> TextSelector:
    return TextSelector(TextSelectorConfig(type=_TYPES.get(field.kind, TextSelectorType.TEXT), autocomplete="off"))


def _fields(service: Service) -> dict[str, CredentialField]:
    return {f"field_{number}": field for number, field in enumerate(open_fields(service)[:FIELDS_MAX], 1)}
