"""`/api/chimes`: sounds that may be heard before a reply, known by the SHA-256 of their files."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from aiohttp import web

from ...synthesis.chimes import CHIMES_MAX, Chime
from ..http.routes import Handler
from .answers import answer
from .bodies import read_parameters
from .services import Services


def chimes(services: Services) -> Handler:
    async def listed(request: web.Request) -> web.Response:
        read_parameters(request, {})
        return answer({"chimes": [_described(chime) for chime in services.chimes.list()], "max": CHIMES_MAX})

    return listed


def chime(services: Services) -> Handler:
    async def one(request: web.Request) -> web.Response:
        read_parameters(request, {})
        return answer(_described(services.chimes.get(request.match_info["sha256"])))

    return one


def store_chime(services: Services) -> Handler:
    async def store(request: web.Request) -> web.Response:
        read_parameters(request, {})
        stored, is_new = await services.chimes.add(request.match_info["sha256"], await request.read())
        return answer(_described(stored), HTTPStatus.CREATED if is_new else HTTPStatus.OK)

    return store


def delete_chime(services: Services) -> Handler:
    async def delete(request: web.Request) -> web.Response:
        read_parameters(request, {})
        forgotten = services.chimes.get(request.match_info["sha256"])
        await services.chimes.remove(forgotten.sha256)
        return answer(_described(forgotten))

    return delete


def _described(stored: Chime) -> dict[str, Any]:
    return {
        "sha256": stored.sha256,
        "seconds": round(stored.seconds, 3),
        "rate": stored.rate,
        "channels": stored.channels,
    }
