"""openapi.yaml, for tests: which answers it knows, and whether a real one is among them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit

import jsonschema_rs
import yaml

from wyoming_server.frontends.control.openapi import FILE

from ..http_client import Answer

_URI = "urn:herald"
METHODS = ("get", "put", "post", "delete")


@cache
def document() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILE.read_bytes())
    return found


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method in small letters, what it is."""
    for path, item in document()["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def operations_by_id() -> dict[str, dict[str, Any]]:
    return {operation["operationId"]: operation for _, _, operation in operations()}


def resolved(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a `$ref` means."""
    if (reference := value.get("$ref")) is None:
        return value
    found: Any = document()
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return resolved(found)


def check(value: Any, schema: Mapping[str, Any]) -> None:
    """Whether `value` is what the description says; `schema` may refer to its components."""
    wrong = [f"{error.instance_path}: {error.message}" for error in _validator(json.dumps(schema)).iter_errors(value)]
    assert not wrong, wrong


def check_component(value: Any, name: str) -> None:
    check(value, {"$ref": f"#/components/schemas/{name}"})


def check_answer(method: str, target: str, answer: Answer) -> str:
    """Whether an answer is described. The operation, and its status."""
    path, operation = _operation(method, target)
    assert str(answer.status) in operation["responses"], f"{method} {path} does not describe {answer.status}: {answer.body!r}"
    response = resolved(operation["responses"][str(answer.status)])
    media_type = answer.headers["content-type"].partition(";")[0]
    kinds = response["content"]
    assert media_type in kinds
    for name, header in response.get("headers", {}).items():
        assert name.lower() in answer.headers or not header.get("required"), f"{method} {path} lacks {name}"
    if media_type == "application/json" and method != "HEAD":
        check(answer.json, kinds[media_type]["schema"])
    return f"{operation['operationId']} {answer.status}"


def _operation(method: str, target: str) -> tuple[str, dict[str, Any]]:
    """The most exact one of an address."""
    method = "get" if method == "HEAD" else method.lower()
    asked = unquote(urlsplit(target).path)
    found = [path for path in document()["paths"] if _pattern(path).fullmatch(asked)]
    path = min(found, key=lambda path: path.count("{"))
    operation: dict[str, Any] = document()["paths"][path][method]
    return path, operation


@cache
def _pattern(path: str) -> re.Pattern[str]:
    """A voice's name and a session's id may hold slashes."""
    return re.compile(re.sub(r"\{\w+\}", ".+" if path.startswith(("/api/voices/", "/api/sessions/")) else "[^/]+", path))


@cache
def _validator(schema: str) -> jsonschema_rs.Draft202012Validator:
    registry = jsonschema_rs.Registry([(_URI, document())])
    absolute = json.loads(schema.replace('"#/', f'"{_URI}#/'))
    return jsonschema_rs.Draft202012Validator(absolute, registry=registry, validate_formats=True)
