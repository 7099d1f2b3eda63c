"""What there is on the HTTP port: one table, which says of each address who may use it and how much it takes.

Handlers live in files of their own, one a subject; here is only the list, and what is too small for a file.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from ... import __version__
from ...errors import AccessError, Busy

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Refusal = Callable[[web.Request, AccessError | Busy], Awaitable[web.StreamResponse]]
Health = Callable[[], Mapping[str, Any]]

BODY_MAX = 1_048_576
"""Bytes of a request's body, where its route says nothing else."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """One address, and one way to use it."""

    method: str
    """GET answers HEAD too."""
    path: str
    handler: Handler
    is_open: bool = False
    """Anybody may use it, without the token."""
    body_max: int = BODY_MAX
    """Bytes."""
    refuse: Refusal | None = None
    """Tells a client without the right token so, where that is not an HTTP status."""


Table = Mapping[web.AbstractRoute, Route]
"""By aiohttp's own routes. What is not in it (an unknown address, a wrong method) is not open."""


def routes(health: Health) -> tuple[Route, ...]:
    return (Route(method="GET", path="/api/healthz", handler=_healthz(health), is_open=True),)


def register(app: web.Application, offered: Iterable[Route]) -> Table:
    return {
        app.router.add_route(method, route.path, route.handler): route
        for route in offered
        for method in (("GET", "HEAD") if route.method == "GET" else (route.method,))
    }


def _healthz(health: Health) -> Handler:
    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "version": __version__, **health()}, headers={"Cache-Control": "no-store"})

    return healthz
