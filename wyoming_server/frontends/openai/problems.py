"""Errors in OpenAI's shape, `{"error": {"message", "type", "param", "code"}}`, with Herald's own codes and statuses.

The official clients make an exception of the status and its text of the message, and heed `x-should-retry`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web

from ...errors import AccessError, Busy, HeraldError
from ...models import shortened
from ..http.fields import BadField
from ..http.problems import problem
from ..http.routes import Handler

INVALID, SERVER = "invalid_request_error", "server_error"
_TYPES: Mapping[int, str] = {401: "authentication_error", 403: "permission_error"}
"""Of a status; of others it is INVALID below 500, and SERVER from there."""
_PARAMS: Mapping[str, str] = {
    "unknown_voice": "voice",
    "voice_refused": "voice",
    "consent_required": "voice",
    "text_too_long": "input",
    "unspeakable": "input",
}
"""Code → the field of the request that it is about."""


def described(error: HeraldError) -> dict[str, Any]:
    """The object at `error`."""
    usual = INVALID if error.http_status < HTTPStatus.INTERNAL_SERVER_ERROR else SERVER
    return {
        "message": str(error),
        "type": _TYPES.get(error.http_status, usual),
        "param": error.param if isinstance(error, BadField) else _PARAMS.get(error.code),
        "code": error.code,
    }


def answer(error: HeraldError) -> web.Response:
    response = problem(error)
    response.body = json.dumps({"error": described(error)}).encode()
    # Without it the official clients try everything again that is 408, 409 or from 500: a refused credential, a used-up quota.
    response.headers["x-should-retry"] = "true" if error.retryable else "false"
    return response


def no_such_model(name: str) -> web.Response:
    message = f"There is no model {shortened(name)}. GET /v1/models lists what there is; to speak, any name will do."
    error = {"message": message, "type": INVALID, "param": "model", "code": "model_not_found"}
    return web.json_response({"error": error}, status=HTTPStatus.NOT_FOUND)


def telling(handler: Handler) -> Handler:
    """The handler, with its errors in OpenAI's shape."""

    async def told(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except HeraldError as error:
            return answer(error)

    return told


async def refuse(_: web.Request, error: AccessError | Busy) -> web.StreamResponse:
    """For those without the right token."""
    return answer(error)
