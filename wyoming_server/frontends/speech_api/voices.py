"""Which voice a request means."""

from __future__ import annotations

from contextlib import suppress

from ...errors import BadSetting, UnknownVoice
from ...models import Voice
from ..streaming.services import Services

_OPENSPEECH = "openspeech"
"""The type of engine whose ids a `voice_type` is."""


def voice_for(services: Services, voice: str | None, voice_type: str | None, language: str | None) -> Voice:
    """By its name, or by the vendor's id as the seed's service has it; the default voice where neither is said.

    Raises BadSetting and UnknownVoice.
    """
    if voice and voice_type:
        msg = "voice and voice_type name the same thing; say one of them."
        raise BadSetting(msg)
    if voice_type and not services.catalogue.has_name(voice_type):
        found = _by_openspeechs_id(services, voice_type)
        if found is not None:
            return found
    return services.catalogue.find(voice or voice_type, language)


def _by_openspeechs_id(services: Services, voice_id: str) -> Voice | None:
    """The configured voice with this id, if there is one: its consent counts. Otherwise whoever an engine makes of it."""
    engines = [name for name, engine in services.engines.items() if engine.type == _OPENSPEECH]
    for voice in services.catalogue.listed():
        if voice.engine in engines and voice.engine_voice == voice_id:
            return voice
    for name in engines:
        with suppress(UnknownVoice):
            return services.catalogue.find(f"{name}/{voice_id}")
    return None
