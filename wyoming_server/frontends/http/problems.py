"""Errors as every HTTP client reads them: a status, and `{"code", "message"}` in JSON. Decides nothing else."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

from ...errors import CODES, HeraldError, ProtocolError, TooLarge

_MESSAGE_MAX = 200
"""Characters of aiohttp's words about a broken request; they quote it."""

_RETRY_AFTER = 5
"""Seconds after which what was too much may be asked for again, where nobody knows better."""

_CODES: Mapping[int, str] = {408: "text_timeout", 413: "too_large"}
"""Codes of the statuses that aiohttp answers with itself; others are `bad_request`, or `internal` from 500."""

_SENTENCES: Mapping[int, str] = {
    404: "There is nothing at this address.",
    417: "The Expect header asks for something that Herald does not know.",
}


def problem(error: HeraldError) -> web.Response:
    response = _response(error.http_status, error.code, str(error))
    if error.http_status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="herald"'
    if error.http_status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = _retry_after(error)
    return response


def problem_of_status(error: web.HTTPException) -> web.Response:
    """What aiohttp answers by itself, or a handler by raising one of its exceptions."""
    code = _CODES.get(error.status, "bad_request" if error.status < HTTPStatus.INTERNAL_SERVER_ERROR else "internal")
    if isinstance(error, web.HTTPMethodNotAllowed):
        sentence = f"This address takes {', '.join(sorted(error.allowed_methods))}, not {error.method}."
    elif isinstance(error, web.HTTPRequestEntityTooLarge) and error.text:
        sentence = error.text  # the number that is allowed
    else:
        sentence = _SENTENCES.get(error.status, CODES[code].sentence)
    response = _response(error.status, code, sentence)
    if "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response


def raw_problem(error: HeraldError) -> bytes:
    """A whole response, for connections that no request stands behind."""
    body = _body(error.code, str(error))
    head = (
        f"HTTP/1.1 {error.http_status} {HTTPStatus(error.http_status).phrase}\r\n"
        "Content-Type: application/json; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\n"
    )
    if error.http_status == HTTPStatus.SERVICE_UNAVAILABLE:
        head += f"Retry-After: {_retry_after(error)}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode() + body


def translated(error: BaseException | None) -> HeraldError:
    """An exception that no handler caught, as what the client may know of it."""
    match error:
        case HeraldError():
            return error
        case LineTooLong():
            return TooLarge(f"A line in the request's head is too long; {error.args[1]} bytes are allowed.")
        case HttpProcessingError():
            return ProtocolError(f"The request is not valid HTTP: {_words(error.message)}")
        case web.RequestPayloadError():
            return ProtocolError("The request's body is not valid HTTP.")
    return HeraldError()


def _retry_after(error: HeraldError) -> str:
    """Whole seconds."""
    return str(max(1, math.ceil(_RETRY_AFTER if error.retry_after is None else error.retry_after)))


def _words(message: str) -> str:
    """The parser's message without the drawing that follows its first line."""
    line = message.strip().partition("\n")[0].strip().rstrip(":.")
    return (line[:_MESSAGE_MAX] or "nothing in it can be read") + "."


def _response(status: int, code: str, message: str) -> web.Response:
    headers = {"Cache-Control": "no-store"}  # what is not there now may be there in a moment
    return web.Response(
        status=status, body=_body(code, message), content_type="application/json", charset="utf-8", headers=headers
    )


def _body(code: str, message: str) -> bytes:
    return json.dumps({"code": code, "message": message}).encode()
