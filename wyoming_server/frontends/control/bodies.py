"""What a request says beside its address: a JSON object, or parameters. What is unknown is refused.

No error quotes what may be a credential.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from ..http.fields import BadField, Readers, check_names, json_object, read_fields

TOKEN = "token"  # noqa: S105  # a name
"""The parameter that is the port's own."""


async def read_body(request: web.Request, readers: Readers, *, required: Iterable[str] = ()) -> dict[str, Any]:
    """Its fields. Where nothing is required there need not be a body. Raises RequestError."""
    required = tuple(required)
    if not required and not await request.read():
        return {}
    document = await json_object(request)
    check_names("field", document, readers)
    for name in required:
        if document.get(name) is None:
            msg = f"{name} is missing."
            raise BadField(name, msg)
    return read_fields(document, readers)


def read_parameters(request: web.Request, readers: Readers) -> dict[str, Any]:
    """Those in the address. Raises BadSetting."""
    given = {name: value for name, value in request.query.items() if name != TOKEN}
    check_names("parameter", given, readers)
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
