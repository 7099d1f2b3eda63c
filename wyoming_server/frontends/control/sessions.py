"""`/api/sessions`: who is speaking, whichever front end it came in by, and how to end it."""

from __future__ import annotations

from aiohttp import web

from ...errors import UnknownSession
from ...models import shortened
from ..http.routes import Handler
from .answers import answer
from .bodies import read_parameters
from .services import Services


def sessions(services: Services) -> Handler:
    async def listed(request: web.Request) -> web.Response:
        read_parameters(request, {})
        return answer({"sessions": [services.monitor.described(session) for session in services.monitor.sessions()]})

    return listed


def interrupt(services: Services) -> Handler:
    async def end(request: web.Request) -> web.Response:
        read_parameters(request, {})
        session_id = request.match_info["id"]
        ended = sum(sessions.interrupt(session_id) for sessions in services.namespaces)
        if not ended:
            msg = f"Nothing speaks in the session {shortened(session_id)}: it has ended, or has not begun."
            raise UnknownSession(msg)
        return answer({"interrupted": ended})

    return end


def interrupt_all(services: Services) -> Handler:
    async def end(request: web.Request) -> web.Response:
        read_parameters(request, {})
        return answer({"interrupted": sum(sessions.interrupt_all() for sessions in services.namespaces)})

    return end
