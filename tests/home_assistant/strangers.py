"""Whoever answers at an address and is not the server that was paired: they remember what they were told."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer


class Stranger:
    """Answers each path with an object, or 404."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.heard: list[str] = []
        """Requests, each with its whole head and body as text."""
        self.port = 0

    def has_heard(self, secret: str) -> bool:
        return any(secret in request for request in self.heard)

    @asynccontextmanager
    async def running(self, port: int | None = None) -> AsyncIterator[Stranger]:
        """`None`: at any port."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        async with TestServer(app, host="127.0.0.1", port=port) as server:
            assert server.port is not None
            self.port = server.port
            yield self

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.heard.append(f"{request.method} {request.raw_path} {dict(request.headers)} {await request.text()}")
        answer = self.answers.get(request.path)
        if callable(answer):
            answer = answer(request)
        return web.json_response(answer) if answer is not None else web.json_response({}, status=404)


def impostor(server_id: str) -> Stranger:
    """Says that it is the server of this id, and knows no token."""
    return Stranger({"/api/pairing": {"id": server_id, "version": "0.1.0", "proof": "00" * 32}})


def newer(token: str, server_id: str = "ff00") -> Stranger:
    """A Herald from the future."""

    def pairing(request: web.Request) -> dict[str, str]:
        message = f"herald-pairing:{server_id}:{request.query['nonce']}"
        proof = hmac.new(token.encode(), message.encode(), hashlib.sha256).hexdigest()
        return {"id": server_id, "version": "9.0.0", "proof": proof}

    return Stranger({"/api/pairing": pairing, "/api/server": {"id": server_id, "version": "9.0.0", "api": 2}})
