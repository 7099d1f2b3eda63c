"""`POST /api/tts/stream` speaks a text, `POST /api/tts/interrupt` ends a session, whichever front end it came in by."""

from __future__ import annotations

from aiohttp import web

from ...audio.encode import WRITINGS, Container
from ...errors import UnknownSession
from ...models import shortened
from ..http.fields import json_object
from ..http.routes import Handler
from ..streaming.bodies import PlainBody
from ..streaming.services import Services
from ..streaming.speaking import spoken
from ..streaming.wishes import Wish
from .requests import read_session, read_wish


def stream(services: Services) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        wish = read_wish(await json_object(request), services)
        headers = {"X-Sample-Rate": str(_rate(wish))}
        return await spoken(services, request, wish, PlainBody(_media_type(wish)), front_end="api", headers=headers)

    return answer


def interrupt(services: Services) -> Handler:
    async def answer(request: web.Request) -> web.Response:
        session_id = read_session(await json_object(request))
        if not services.sessions.interrupt(session_id):
            msg = f"Nothing speaks in the session {shortened(session_id)}: it has ended, or has not begun."
            raise UnknownSession(msg)
        return web.json_response({"ok": True}, headers={"Cache-Control": "no-store"})

    return answer


def _rate(wish: Wish) -> int:
    """Hz of the audio in the file."""
    return WRITINGS[wish.container].rate or wish.audio.rate


def _media_type(wish: Wish) -> str:
    """With what raw PCM cannot tell by itself."""
    media_type = WRITINGS[wish.container].media_type
    if wish.container is not Container.PCM:
        return media_type
    return f"{media_type}; rate={wish.audio.rate}; channels={wish.audio.channels}"
