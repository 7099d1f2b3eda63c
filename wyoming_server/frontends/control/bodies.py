"""What a request says beside its address: a JSON object, or parameters. What is unknown is refused, with what may be meant.

No error quotes what may be a credential.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from aiohttp import web

from ...errors import BadSetting
from ...models import shortened
from ..http.fields import BadField, Readers, json_object, read_fields

UNKNOWN_MAX = 3
"""Unknown names that are told."""
NAME_SHOWN = 64
"""Characters of a name that are compared with those that are known."""
TOKEN = "token"  # noqa: S105  # a name
"""The parameter that is the port's own."""


async def read_body(request: web.Request, readers: Readers, *, required: Iterable[str] = ()) -> dict[str, Any]:
    """Its fields. Where nothing is required there need not be a body. Raises RequestError."""
    required = tuple(required)
    if not required and not await request.read():
        return {}
    document = await json_object(request)
    _check_names("field", document, readers)
    for name in required:
        if document.get(name) is None:
            msg = f"{name} is missing."
            raise BadField(name, msg)
    return read_fields(document, readers)


def read_parameters(request: web.Request, readers: Readers) -> dict[str, Any]:
    """Those in the address. Raises BadSetting."""
    given = {name: value for name, value in request.query.items() if name != TOKEN}
    _check_names("parameter", given, readers)
    for name in given:
        if len(request.query.getall(name)) > 1:
            msg = f"{name} is said {len(request.query.getall(name))} times; say it once."
            raise BadField(name, msg)
    return read_fields(given, readers)


def credentials(name: str, value: Any) -> Mapping[str, str | None]:
    """Field → its value; `None` takes it away. What is in it is looked at where the fields are known, without quoting any."""
    if not isinstance(value, Mapping):
        msg = f"{name} is an object: the credentials by their names."
        raise BadField(name, msg)
    return value


def _check_names(what: str, given: Iterable[str], known: Collection[str]) -> None:
    if unknown := [name for name in given if name not in known]:
        raise BadSetting(_what_may_be_meant(what, unknown, known))


def _what_may_be_meant(what: str, unknown: list[str], known: Collection[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415  # only on this error

    shown = unknown[:UNKNOWN_MAX]
    names = ", ".join(map(shortened, shown)) + (f" and {len(unknown) - UNKNOWN_MAX} more" if len(unknown) > UNKNOWN_MAX else "")
    near = {match: None for name in shown for match in get_close_matches(name.lower()[:NAME_SHOWN], known, n=1)}
    if near:
        return f"There is no {what} {names}; you may mean {' and '.join(near)}."
    return f"There is no {what} {names}. There are: {', '.join(known) or 'none'}."
