"""`/api/server`: who this server is, and what it can do."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from ... import __version__
from ..http.routes import Handler
from .answers import answer
from .bodies import read_parameters
from .services import Services

API = 1
"""Version of what `openapi.yaml` describes. Another number: clients that know only this one cannot go on."""
FORMATS = ("mp3", "wav", "flac", "ogg", "pcm")
"""Of POST /api/tts/stream."""


def server(services: Services) -> Handler:
    async def tell(request: web.Request) -> web.Response:
        read_parameters(request, {})
        return answer(described(services))

    return tell


def described(services: Services) -> dict[str, Any]:
    about = services.about
    return {
        "id": about.id,
        "name": about.name,
        "version": __version__,
        "api": API,
        "started": about.started.isoformat(),
        "revision": services.catalogue.revision,
        "capabilities": {"formats": FORMATS, "share": True, "chime": True, "events": True},
        "tls": {"fingerprint": about.fingerprint} if about.fingerprint is not None else None,
    }
