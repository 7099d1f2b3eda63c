"""openapi.yaml says what there is: no more, no less, in the same words as the code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from types import SimpleNamespace
from typing import Any, cast

import jsonschema_rs
import pytest

from wyoming_server.administration import Kind, State
from wyoming_server.config import Config
from wyoming_server.config.values import Source
from wyoming_server.errors import CODES, HeraldError
from wyoming_server.frontends.control import about
from wyoming_server.frontends.control.routes import routes
from wyoming_server.frontends.control.services import Services
from wyoming_server.frontends.http.routes import Route
from wyoming_server.frontends.http.routes import routes as http_routes
from wyoming_server.frontends.speech_api.requests import DIRECT, FORMATS
from wyoming_server.frontends.speech_api.routes import routes as speech_routes
from wyoming_server.models import CredentialKind, Gender, OnFailure, TextFormat
from wyoming_server.monitoring.errors import KEPT
from wyoming_server.monitoring.hub import Topic
from wyoming_server.sessions import Outcome

from .description import document, operations, operations_by_id, resolved

SCHEMAS = document()["components"]["schemas"]


def offered() -> Iterator[Route]:
    """Everything under /api, and /metrics. What handlers work with is looked at only when they are called."""
    services = SimpleNamespace(about=SimpleNamespace(id=""), token=None, config=Config().http)
    yield from http_routes(dict)
    yield from routes(cast("Services", services))
    yield from speech_routes(cast("Any", services))


def plain(path: str) -> str:
    return path.replace(":.+}", "}")


def test_every_address_is_described_and_no_other() -> None:
    described = {(method.upper(), path) for path, method, _ in operations()}
    assert described == {(route.method, plain(route.path)) for route in offered()}


def test_what_needs_no_token_is_described_so() -> None:
    described = {(method.upper(), path) for path, method, operation in operations() if operation.get("security") == [{}]}
    assert described == {(route.method, plain(route.path)) for route in offered() if route.is_open}
    assert {"/api/healthz", "/api/pairing", "/api/openapi.json"} == {path for _, path in described}


def test_every_name_of_an_operation_is_its_own() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]
    assert sorted(set(names)) == sorted(names)


def test_an_operation_that_needs_the_token_says_what_is_answered_without() -> None:
    for path, method, operation in operations():
        assert ("401" in operation["responses"]) is (operation.get("security") != [{}]), (path, method)
        assert {"400", "403", "408", "413", "503"} <= set(operation["responses"]), (path, method)


def test_every_error_is_a_problem() -> None:
    for _, _, operation in operations():
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                content = resolved(response)["content"]
                assert content == {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def test_every_reference_leads_somewhere() -> None:
    for reference in references(document()):
        assert resolved({"$ref": reference}), reference


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def test_everything_under_components_is_used() -> None:
    used = set(references(document()))
    described = {
        f"#/components/{kind}/{name}"
        for kind in ("schemas", "responses", "parameters")
        for name in document()["components"][kind]
    }
    assert described == used


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_is_one(name: str) -> None:
    jsonschema_rs.meta.validate(SCHEMAS[name])


@pytest.mark.parametrize(
    ("described", "real"),
    [
        (SCHEMAS["Code"]["enum"], CODES),
        (SCHEMAS["Service"]["properties"]["kind"]["enum"], Kind),
        (SCHEMAS["Service"]["properties"]["state"]["enum"], State),
        (SCHEMAS["CredentialField"]["properties"]["kind"]["enum"], CredentialKind),
        ([source for source in SCHEMAS["CredentialField"]["properties"]["source"]["enum"] if source], Source),
        (SCHEMAS["Gender"]["enum"], Gender),
        (SCHEMAS["Voice"]["properties"]["converter"]["properties"]["on_failure"]["enum"], OnFailure),
        (SCHEMAS["EndedSession"]["properties"]["outcome"]["enum"], Outcome),
        (SCHEMAS["SpeechRequest"]["properties"]["text_format"]["enum"], TextFormat),
        (SCHEMAS["Format"]["enum"], FORMATS),
        (about.FORMATS, FORMATS),
        (operations_by_id()["events"]["x-events"], ["hello", *Topic]),
    ],
)
def test_a_list_of_words_is_that_of_the_code(described: Iterable[str], real: Iterable[str] | type[StrEnum]) -> None:
    assert [str(word) for word in described] == [str(word) for word in real]


def test_a_code_is_answered_with_a_status_that_is_described_somewhere() -> None:
    described = {int(status) for _, _, operation in operations() for status in operation["responses"]}
    assert {code.http_status for code in CODES.values()} - described == {HeraldError().http_status}


def test_the_settings_beside_options_are_those_of_the_code() -> None:
    known = set(SCHEMAS["SpeechRequest"]["properties"])
    assert {*DIRECT, "options"} < known


def test_as_many_errors_are_described_as_are_kept() -> None:
    assert SCHEMAS["Errors"]["properties"]["errors"]["maxItems"] == KEPT
