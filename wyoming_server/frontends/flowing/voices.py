"""The lists of voices, in the shape of the local servers over CosyVoice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from ...engines.base import Engine, Utterance
from ...errors import HeraldError
from ...models import Voice
from ...voices import Catalogue
from ..http.routes import Handler

_NEVER_OLD = {"Cache-Control": "no-store"}


def names(catalogue: Catalogue) -> Handler:
    """`{"voices": [name, …], "total": n}`."""

    async def answer(_: web.Request) -> web.Response:
        voices = [voice.name for voice in catalogue.listed()]
        return web.json_response({"voices": voices, "total": len(voices)}, headers=_NEVER_OLD)

    return answer


def details(catalogue: Catalogue, engines: Mapping[str, Engine]) -> Handler:
    """`{"voices": {name: {…}, …}, "total": n}`: an object for each voice, as the local servers have it."""

    async def answer(_: web.Request) -> web.Response:
        voices = {voice.name: _told(voice, engines.get(voice.engine)) for voice in catalogue.listed()}
        return web.json_response({"voices": voices, "total": len(voices)}, headers=_NEVER_OLD)

    return answer


def _told(voice: Voice, engine: Engine | None) -> dict[str, Any]:
    return {
        "name": voice.name,
        "type": voice.engine,
        "language": voice.language,
        "languages": list(voice.languages),
        "gender": voice.gender or "",
        "description": voice.description,
        "sample_rate": _rate(voice, engine) if engine is not None else None,
        "available": engine is not None,
    }


def _rate(voice: Voice, engine: Engine) -> int | None:
    """Hz in which the engine makes it, where that can be known of it beforehand."""
    try:
        return engine.native_format(Utterance(voice=voice.engine_voice, language=voice.language, settings=voice.settings)).rate
    except HeraldError:
        return None
