"""Which voice a request means, and the lists of voices and models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aiohttp import web

from ...errors import UnknownVoice
from ...models import Voice, shortened
from ...presets import PRESETS, Preset
from ...voices import Catalogue
from ..http.routes import Handler
from .problems import no_such_model
from .services import Services

OWN_MODEL = "herald"
OPENAIS_MODELS = ("tts-1", "tts-1-hd", "gpt-4o-mini-tts")
"""Listed since programs offer only what is listed, and have these in their settings. Any other name is taken too."""
_NEVER_OLD = {"Cache-Control": "no-store"}


def voice_for(services: Services, model: str | None, name: str | None, language: str | None) -> Voice:
    """The voice that a client means; a model that is a configured engine's name asks for a voice of that engine.

    Raises UnknownVoice.
    """
    if model is None or model not in services.engines:
        return services.catalogue.find(name, language)
    candidates = _candidates(services.catalogue, model, name, language)
    voice = next((voice for voice in candidates if voice.engine == model), None)
    if voice is None:
        lack = f"has no voice {shortened(name or language)}" if name or language else "needs a `voice`"
        msg = f"The engine {model}, which `model` names, {lack}. Any other `model` leaves the engine to the voice."
        raise UnknownVoice(msg)
    return voice


def _candidates(catalogue: Catalogue, engine: str, name: str | None, language: str | None) -> Iterator[Voice]:
    """Voices that may be meant, the likeliest first, some of them perhaps of other engines."""
    if name:
        yield from _found(catalogue, name)
        yield from _found(catalogue, f"{engine}/{name}")
    elif language:
        yield from _found(catalogue, language)
    else:
        yield catalogue.default()
        yield from catalogue.listed()
    if tag := (name or language or "").replace("_", "-").lower():
        yield from (voice for voice in catalogue.listed() if _speaks(voice, tag))
    preset = PRESETS.get(name or "")
    if preset is not None and not preset.languages:
        yield from _likest(catalogue, preset)


def _likest(catalogue: Catalogue, preset: Preset) -> list[Voice]:
    """For a name that programs send always: those of the default voice's language first, of them those of the right gender."""
    default = catalogue.default()
    language = default.language.lower().partition("-")[0]
    unlisted = (voice for name in (default.language, language) for voice in _found(catalogue, name))
    known = [default, *catalogue.listed(), *unlisted]
    return sorted(known, key=lambda voice: (not _speaks(voice, language), preset.gender not in (None, voice.gender)))


def _speaks(voice: Voice, tag: str) -> bool:
    return any(known.lower() == tag or known.lower().startswith(f"{tag}-") for known in voice.languages)


def _found(catalogue: Catalogue, name: str) -> Iterator[Voice]:
    try:
        yield catalogue.find(name)
    except UnknownVoice:
        return


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
