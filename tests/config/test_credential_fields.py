"""What engines and converters say of their credentials holds together, and is hidden where it must be."""

from __future__ import annotations

from typing import Any

import pytest
import voluptuous as vol

from wyoming_server.config.scalars import is_secret
from wyoming_server.converters.base import Converter
from wyoming_server.converters.registry import CONVERTERS, converter_class
from wyoming_server.engines.base import Engine
from wyoming_server.engines.registry import ENGINES, engine_class
from wyoming_server.errors import ConfigError
from wyoming_server.models import CredentialField, CredentialKind
from wyoming_server.state.credentials import CredentialStore

from .loading import load

SECRET = "hunter2"
CLASSES: list[tuple[str, str, type[Engine | Converter]]] = [
    *(("engines", name, engine_class(name)) for name in ENGINES),
    *(("converters", name, converter_class(name)) for name in CONVERTERS),
]
FIELDS = [(kind, name, field) for kind, name, its_class in CLASSES for field in its_class.credentials]
WITHOUT = {"espeak", "tone", "gain"}
each_class = pytest.mark.parametrize(("kind", "name", "its_class"), CLASSES, ids=[f"{kind}-{name}" for kind, name, _ in CLASSES])
each_field = pytest.mark.parametrize(
    ("kind", "name", "field"), FIELDS, ids=[f"{kind}-{name}-{field.name}" for kind, name, field in FIELDS]
)


def test_what_speaks_for_somebody_has_credentials_and_nothing_else_has() -> None:
    assert {name for _, name, its_class in CLASSES if not its_class.credentials} == WITHOUT


@each_class
def test_every_field_is_an_option_that_may_be_missing_and_takes_text(
    kind: str, name: str, its_class: type[Engine | Converter]
) -> None:
    options = {str(key): key for key in its_class.options_schema}
    names = [field.name for field in its_class.credentials]
    assert len(names) == len(set(names))
    assert all(isinstance(options[field], vol.Optional) for field in names)


@each_field
def test_every_field_is_told_in_one_sentence_and_can_be_stored(
    kind: str, name: str, field: CredentialField, tmp_path: Any
) -> None:
    assert field.label
    assert field.label == field.label.strip()
    assert field.help.endswith(".")
    assert ". " not in field.help
    CredentialStore(tmp_path / "credentials.json").replace(kind, name, {field.name: "x"})


@each_class
def test_sets_consist_of_fields_and_required_is_what_all_sets_have(
    kind: str, name: str, its_class: type[Engine | Converter]
) -> None:
    sets = [set(one) for one in its_class.credential_sets]
    fields = {field.name for field in its_class.credentials}
    assert all(one and one <= fields for one in sets)
    assert not [(one, other) for one in sets for other in sets if one < other], "a set is part of another"
    required = {field.name for field in its_class.credentials if field.required}
    assert required == (set.intersection(*sets) if sets else set())


@each_field
def test_a_secret_is_one_that_errors_hide(kind: str, name: str, field: CredentialField) -> None:
    if field.kind is CredentialKind.SECRET:
        assert is_secret((kind, name, field.name))
    assert (field.kind is CredentialKind.URL) == (field.name in ("url", "uri"))


VALUES = {
    "good": SECRET,
    "line break": f"{SECRET}\n",
    "letter": f"{SECRET}é",
    "address": f"http://{SECRET}@",
    "long": SECRET * 999,
}


@each_field
@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_no_value_is_told_where_it_is_stored_and_no_secret_anywhere(
    kind: str, name: str, field: CredentialField, value: str
) -> None:
    if field.kind is CredentialKind.URL:
        return
    variable = f"HERALD_{kind}__{name}__{field.name}".upper()
    environ: dict[str, str] = {variable: value} if is_secret((kind, name, field.name)) else {}
    for variables, stored in (({}, {kind: {name: {field.name: value}}}), (environ, {})):
        try:
            told = repr(load("", variables, stored))
        except ConfigError as error:
            told = str(error)
        assert SECRET not in told


@each_class
def test_a_complete_set_is_enough_for_the_configuration(kind: str, name: str, its_class: type[Engine | Converter]) -> None:
    for one in its_class.credential_sets:
        config = load("", {}, {kind: {name: dict.fromkeys(one, "x")}})
        assert set(getattr(config, kind)[name].sources) == set(one)
