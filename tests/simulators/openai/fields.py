"""What a request may have: fields with their types, checked the way the web frameworks of these servers do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from wyoming_server.models import Range

What = Literal["missing", "type", "range", "choice", "extra", "json"]
Json = Literal["string", "number", "integer", "boolean", "array", "object"]
TYPES: Mapping[Json, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


@dataclass(frozen=True, kw_only=True)
class Field:
    """One name that a request may have."""

    types: tuple[Json, ...]
    required: bool = False
    range: Range | None = None
    choices: tuple[str, ...] = ()
    length: int | None = None
    """Characters at most."""

    def problem(self, value: object) -> What | None:
        if not self._has_type(value):
            return "type"
        if self.choices and value not in self.choices:
            return "choice"
        if isinstance(value, str) and self.length is not None and len(value) > self.length:
            return "range"
        if self.range is not None and isinstance(value, int | float) and not self.range.low <= value <= self.range.high:
            return "range"
        return None

    def _has_type(self, value: object) -> bool:
        if isinstance(value, bool):
            return "boolean" in self.types
        return any(isinstance(value, TYPES[name]) for name in self.types)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What is wrong with one field."""

    what: What
    name: str
    value: object = None
    field: Field | None = None

    @property
    def text(self) -> str:
        texts: Mapping[What, str] = {
            "missing": "Field required",
            "type": f"Input should be a valid {' or '.join(self.field.types) if self.field else 'value'}",
            "range": f"Input should be within {self._limits}",
            "choice": f"Input should be {' or '.join(map(repr, self.field.choices)) if self.field else ''}",
            "extra": "Extra inputs are not permitted",
            "json": "JSON decode error",
        }
        return texts[self.what]

    @property
    def _limits(self) -> str:
        if self.field is None or self.field.range is None:
            return f"{self.field.length if self.field else 0} characters"
        return f"{self.field.range.low} and {self.field.range.high}"

    def as_pydantic(self) -> dict[str, Any]:
        kinds: Mapping[What, str] = {
            "missing": "missing",
            "type": "type_error",
            "range": "range_error",
            "choice": "literal_error",
            "extra": "extra_forbidden",
            "json": "json_invalid",
        }
        return {"type": kinds[self.what], "loc": ["body", self.name], "msg": self.text, "input": self.value}


def problems(body: object, fields: Mapping[str, Field], extra: Sequence[str] = ()) -> list[Problem]:
    """All that is wrong with a body; empty: nothing. None as a value is like a field that is not there."""
    if not isinstance(body, dict):
        return [Problem(what="json", name="0", value=None)]
    found = [
        Problem(what="missing", name=name, field=field)
        for name, field in fields.items()
        if field.required and body.get(name) is None
    ]
    for name, value in body.items():
        field = fields.get(name)
        if field is None:
            found += [] if name in extra else [Problem(what="extra", name=name, value=value)]
        elif value is not None and (what := field.problem(value)) is not None:
            found.append(Problem(what=what, name=name, value=value, field=field))
    return found
