"""A listening socket of websockets as every simulator has it, and answers of HTTP on it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from websockets.datastructures import Headers
from websockets.http11 import Response

USUAL: Mapping[str, Any] = {
    "compression": None,
    "ping_interval": None,
    "close_timeout": 2.0,  # for a client to answer a close frame
    "open_timeout": None,
    "server_header": "simulator",
}
"""What websockets' `serve` is told, times in seconds."""


def response(status: int, body: str, kind: str = "text/plain; charset=utf-8") -> Response:
    data = body.encode()
    headers = Headers({"Content-Type": kind, "Content-Length": str(len(data)), "Connection": "close"})
    return Response(int(status), HTTPStatus(status).phrase, headers, data)


def json_response(status: int, body: dict[str, Any]) -> Response:
    return response(status, json.dumps(body, ensure_ascii=False), "application/json; charset=utf-8")
