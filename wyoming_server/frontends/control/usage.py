"""`/api/usage` and `/api/errors`: what every engine did since the start, and what failed lately."""

from __future__ import annotations

from aiohttp import web

from ...monitoring.usage import described
from ..http.routes import Handler
from .answers import answer
from .bodies import read_parameters
from .services import Services


def usage(services: Services) -> Handler:
    async def tell(request: web.Request) -> web.Response:
        read_parameters(request, {})
        return answer(described(services.monitor.usage))

    return tell


def errors(services: Services) -> Handler:
    async def tell(request: web.Request) -> web.Response:
        read_parameters(request, {})
        return answer({"errors": services.monitor.errors.described()})

    return tell
