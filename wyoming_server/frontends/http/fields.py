"""A request's body as a JSON object, and its fields as values: each reader takes a field's name and what was sent.

A front end lists its fields in one table, name → reader, and tells what is wrong in its own shape: BadField knows the field.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeVar

from aiohttp import web

from ...errors import BadSetting, ProtocolError, TooLarge
from ...models import Range, shortened

T = TypeVar("T")
Reader = Callable[[str, Any], Any]
Readers = Mapping[str, Reader]

NAME_MAX = 256
"""Characters of a name: a voice's, a language's, a session's."""
OPTIONS_MAX = 64
"""Entries of an object with options."""
UNKNOWN_MAX = 3
"""Unknown names that are told."""
COMPARED_MAX = 64
"""Characters of a name that are compared with those that are known."""


class BadField(BadSetting):
    """Of one field of a request."""

    def __init__(self, param: str, message: str) -> None:
        super().__init__(message)
        self.param = param


async def json_object(request: web.Request) -> dict[str, Any]:
    """The body. Raises ProtocolError, and TooLarge also where the size was not said beforehand."""
    try:
        body = await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        msg = f"The body has more than {request.client_max_size} bytes, which are allowed."
        raise TooLarge(msg) from error
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        msg = f"The body is not JSON: {error}."
        raise ProtocolError(msg) from error
    if not isinstance(document, dict):
        msg = "The body is not a JSON object."
        raise ProtocolError(msg)
    return document


def read_fields(document: Mapping[str, Any], readers: Readers) -> dict[str, Any]:
    """Those that are known and say something: `null` and "" are as good as nothing. Raises BadField."""
    given = {name: document.get(name) for name in readers}
    return {name: readers[name](name, value) for name, value in given.items() if value is not None and value != ""}


def check_names(what: str, given: Iterable[str], known: Collection[str]) -> None:
    """Raise BadSetting for what is not known, with what may be meant. `what`: what one of them is called."""
    if unknown := [name for name in given if name not in known]:
        raise BadSetting(_what_may_be_meant(what, unknown, known))


def _what_may_be_meant(what: str, unknown: list[str], known: Collection[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415  # only on this error

    shown = unknown[:UNKNOWN_MAX]
    more = f" and {len(unknown) - UNKNOWN_MAX} more" if len(unknown) > UNKNOWN_MAX else ""
    names = f"{', '.join(map(shortened, shown))}{more}"
    near = {match: None for name in shown for match in get_close_matches(name.lower()[:COMPARED_MAX], known, n=1)}
    if near:
        return f"There is no {what} {names}; you may mean {' and '.join(near)}."
    return f"There is no {what} {names}. There are: {', '.join(known) or 'none'}."


def text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        msg = f"{name} is a text, not {shortened(value)}."
        raise BadField(name, msg)
    return value.encode(errors="replace").decode()  # JSON can spell half characters


def words(name: str, value: Any, limit: int) -> str:
    """A text of at most so many characters."""
    said = text(name, value)
    if len(said) > limit:
        msg = f"{name} has {len(said)} characters; {limit} are allowed."
        raise BadField(name, msg)
    return said


def a_name(name: str, value: Any) -> str:
    """A text that can be shown in one line."""
    said = words(name, value, NAME_MAX)
    if not said.isprintable():
        msg = f"{name} has characters that cannot be shown: {shortened(said)}."
        raise BadField(name, msg)
    return said


def one_of(table: Mapping[str, T], name: str, value: Any) -> T:
    """What the table has for a word, in capital or small letters."""
    found = table.get(value.lower()) if isinstance(value, str) else None
    if found is None:
        msg = f"{name} is one of {', '.join(table)}, not {shortened(value)}."
        raise BadField(name, msg)
    return found


def number(allowed: Range, name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not allowed.low <= value <= allowed.high:
        msg = f"{name} is a number from {allowed.low:g} to {allowed.high:g}, not {shortened(value)}."
        raise BadField(name, msg)
    return value


def whole_number(allowed: Range, name: str, value: Any) -> int:
    found = number(allowed, name, value)
    if found != int(found):
        msg = f"{name} is a whole number, not {shortened(value)}."
        raise BadField(name, msg)
    return int(found)


def options(name: str, value: Any) -> Mapping[str, Any]:
    """Anything by its name."""
    if not isinstance(value, Mapping) or len(value) > OPTIONS_MAX:
        msg = f"{name} is an object with at most {OPTIONS_MAX} entries, not {shortened(value)}."
        raise BadField(name, msg)
    return value
