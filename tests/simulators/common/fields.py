"""What a client's JSON must and may say: tables, and one function that reads them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .codes import Refused, Told

NUMBER = (int, float)


@dataclass(frozen=True, kw_only=True)
class Field:
    """One value, wherever it stands."""

    path: str
    """Keys with dots between them."""
    types: tuple[type, ...] = (str,)
    required: bool = False
    within: tuple[float, float] | None = None
    """Lowest and highest."""
    choices: tuple[object, ...] = ()


def json_object(text: str | bytes, invalid: Told) -> dict[str, Any]:
    """That a text is; raises Refused."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refused(invalid.because("no JSON")) from error
    if not isinstance(found, dict):
        raise Refused(invalid.because("no JSON object"))
    return found


def value_at(document: dict[str, Any], path: str) -> Any:
    """None where it is missing."""
    found: Any = document
    for key in path.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    return found


def check(document: dict[str, Any], fields: Iterable[Field], invalid: Told) -> None:
    """Raises Refused at the first field that is not as its row says."""
    for field in fields:
        value = value_at(document, field.path)
        if value is None:
            if field.required:
                raise Refused(invalid.because(f"{field.path} is required"))
            continue
        if problem := _problem(value, field):
            raise Refused(invalid.because(f"{field.path} {problem}"))


def _problem(value: object, field: Field) -> str:
    if not isinstance(value, field.types) or (isinstance(value, bool) and bool not in field.types):
        return f"has the wrong type ({type(value).__name__})"
    if field.required and value == "":
        return "is empty"
    if field.choices and value not in field.choices:
        return f"is none of {field.choices}"
    if field.within and isinstance(value, NUMBER) and not field.within[0] <= value <= field.within[1]:
        return f"is not within {field.within}"
    return ""


def json_string(document: dict[str, Any], path: str, invalid: Told) -> dict[str, Any]:
    """A value that must be an object written as a string; empty where it is missing."""
    value = value_at(document, path)
    if value is None:
        return {}
    try:
        inner = json.loads(value) if isinstance(value, str) else None
    except (ValueError, RecursionError):
        inner = None
    if not isinstance(inner, dict):
        raise Refused(invalid.because(f"{path} must be a JSON string of an object"))
    return inner
