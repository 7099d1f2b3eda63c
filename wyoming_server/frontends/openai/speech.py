"""`POST /v1/audio/speech`: a text as a file, or as server-sent events."""

from __future__ import annotations

from aiohttp import web

from ...audio.encode import WRITINGS
from ..http.fields import json_object
from ..http.routes import Handler
from ..streaming.bodies import PlainBody
from ..streaming.services import Services
from ..streaming.speaking import spoken
from .bodies import EventBody
from .requests import read_wish


def speech(services: Services) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        wish = read_wish(await json_object(request), services)
        body = EventBody() if wish.events else PlainBody(WRITINGS[wish.container].media_type)
        return await spoken(services, request, wish, body, front_end="openai")

    return answer
