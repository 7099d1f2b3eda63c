"""`POST /api/config/reload`: what a SIGHUP does, with an answer."""

from __future__ import annotations

from aiohttp import web

from ..http.routes import Handler
from .answers import answer
from .bodies import read_body, read_parameters
from .services import Services


def reload(services: Services) -> Handler:
    async def read_anew(request: web.Request) -> web.Response:
        read_parameters(request, {})
        await read_body(request, {})
        reloaded = await services.administration.reload()
        return answer({"changed": reloaded.changed, "needs_restart": reloaded.needs_restart})

    return read_anew
