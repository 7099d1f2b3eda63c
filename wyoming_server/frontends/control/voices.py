"""`/api/voices`: which voices there are, who they are, and what a call may set for one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from functools import partial
from importlib import import_module
from typing import Any

from aiohttp import web

from ...errors import HeraldError
from ...models import Gender, Voice
from ..http.fields import Readers, a_name, one_of
from ..http.routes import Handler
from .answers import answer
from .bodies import read_parameters
from .services import Services
from .settings import CONVERTING, settings_schema

_FILTERS: Readers = {
    "language": a_name,
    "engine": a_name,
    "gender": partial(one_of, {str(gender): gender for gender in Gender}),
}


def voices(services: Services) -> Handler:
    async def listed(request: web.Request) -> web.Response:
        wanted = read_parameters(request, _FILTERS)
        catalogue = services.catalogue
        return answer(
            {
                "revision": catalogue.revision,
                "default": _default(services),
                "voices": [shown(services, voice) for voice in catalogue.listed() if _is_wanted(voice, wanted)],
            }
        )

    return listed


def voice(services: Services) -> Handler:
    async def one(request: web.Request) -> web.Response:
        read_parameters(request, {})
        await asyncio.to_thread(import_module, CONVERTING)
        meant = services.catalogue.find(request.match_info["name"])
        settings = settings_schema(meant, services.engines.get(meant.engine), services.converters)
        return answer({**shown(services, meant), "settings": settings})

    return one


def shown(services: Services, voice: Voice) -> dict[str, Any]:
    lacking = list(_who_must_agree(services, voice))
    return {
        "name": voice.name,
        "engine": voice.engine,
        "engine_voice": voice.engine_voice,
        "language": voice.language,
        "languages": list(voice.languages),
        "gender": voice.gender,
        "description": voice.description,
        "scene": voice.scene,
        "emotions": list(voice.emotions),
        "configured": voice.name in services.config.voices,
        "needs_consent": bool(lacking),
        "consent": all(lacking) if lacking else voice.consent,
        "converter": _converter(voice),
    }


def _who_must_agree(services: Services, voice: Voice) -> Iterator[bool]:
    """Of everybody who may be a real person: whether consent is stated."""
    engine = services.engines.get(voice.engine)
    if engine is not None and engine.needs_consent(voice.engine_voice):
        yield voice.consent
    choice = voice.converter
    converter = services.converters.get(choice.converter) if choice is not None else None
    if choice is not None and converter is not None and converter.needs_consent(choice.speaker):
        yield choice.consent


def _converter(voice: Voice) -> dict[str, Any] | None:
    if (choice := voice.converter) is None:
        return None
    return {"name": choice.converter, "speaker": choice.speaker, "on_failure": choice.on_failure}


def _default(services: Services) -> str | None:
    try:
        return services.catalogue.default().name
    except HeraldError:
        return None  # whoever speaks without a voice is told why


def _is_wanted(voice: Voice, wanted: Mapping[str, Any]) -> bool:
    language = wanted.get("language", "").replace("_", "-").lower()
    tags = [tag.lower() for tag in voice.languages]
    return (
        (not language or any(tag == language or tag.startswith(f"{language}-") for tag in tags))
        and wanted.get("engine", voice.engine) == voice.engine
        and wanted.get("gender", voice.gender) == voice.gender
    )
