"""Which voice a request means, and the lists of voices and models."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from ...errors import UnknownVoice
from ...models import Voice, shortened
from ..http.routes import Handler
from ..streaming.services import Services
from .problems import no_such_model

OWN_MODEL = "herald"
OPENAIS_MODELS = ("tts-1", "tts-1-hd", "gpt-4o-mini-tts")
"""Listed since programs offer only what is listed, and have these in their settings. Any other name is taken too."""
_NEVER_OLD = {"Cache-Control": "no-store"}


def voice_for(services: Services, model: str | None, name: str | None, language: str | None) -> Voice:
    """The voice that a client means; a model that is a configured engine's name asks for a voice of that engine.

    Raises UnknownVoice.
    """
    engine = model if model in services.engines else None
    try:
        return services.catalogue.find(name, language, engine=engine)
    except UnknownVoice as error:
        if engine is None:
            raise
        lack = f"has no voice {shortened(name or language)}" if name or language else "has no voice that is known"
        msg = f"The engine {engine}, which `model` names, {lack}. Any other `model` leaves the engine to the voice."
        raise UnknownVoice(msg) from error


# Lists


def voices(services: Services) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        listed = [_voice(voice) for voice in services.catalogue.listed()]
        return web.json_response({"voices": listed}, headers=_NEVER_OLD)

    return answer


def models(services: Services) -> Handler:
    """In the shape of OpenAI's list."""

    async def answer(_: web.Request) -> web.Response:
        listed = [_model(name) for name in _model_names(services)]
        return web.json_response({"object": "list", "data": listed}, headers=_NEVER_OLD)

    return answer


def model(services: Services) -> Handler:
    async def answer(request: web.Request) -> web.Response:
        name = request.match_info["model"]
        if name not in _model_names(services):
            return no_such_model(name)
        return web.json_response(_model(name), headers=_NEVER_OLD)

    return answer


def speech_models(services: Services) -> Handler:
    """The same in the shape that Open WebUI asks for."""

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"models": [{"id": name} for name in _model_names(services)]}, headers=_NEVER_OLD)

    return answer


def _voice(voice: Voice) -> dict[str, Any]:
    return {
        "id": voice.name,
        "name": voice.name,
        "language": voice.language,
        "languages": list(voice.languages),
        "gender": voice.gender or "",
        "description": voice.description,
        "engine": voice.engine,
    }


def _model_names(services: Services) -> list[str]:
    return list(dict.fromkeys((OWN_MODEL, *services.engines, *OPENAIS_MODELS)))


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "herald"}
