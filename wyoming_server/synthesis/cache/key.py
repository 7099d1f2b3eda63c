"""What must be the same for a reply to be heard again: everything that shapes the sound, in one digest.

Not what Herald does behind it for one listener: trimming, loudness, volume, tempo, rate and channels.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from hashlib import sha256
from typing import Any

from ... import __version__
from ...converters.base import Converter
from ...engines.base import DONE_BY_HERALD, Engine
from ...models import CredentialField, CredentialKind, SynthesisRequest, VoiceSettings
from ..shaping import Source

UNHEARD = frozenset({"concurrency", "workers"})
"""Options that change when something is heard, and never what."""


def key_of(request: SynthesisRequest, text: str, source: Source, engine: Engine, converter: Converter | None) -> str:
    """`text`: as it is spoken. `source`: what would come of it now."""
    voice, choice = request.voice, request.voice.converter
    heard: dict[str, Any] = {
        "herald": __version__,  # another one may clean, cut and ask otherwise
        "text": text,
        "text format": request.text_format,
        "engine": [engine.name, engine.type, engine.sound_of(voice.engine_voice), _options(engine.options, engine.credentials)],
        "voice": [voice.name, voice.engine_voice, voice.language],  # by its name, its replies are forgotten
        "settings": _settings(source.settings, source.can.settings),
        "rate": request.format.rate,
    }
    if converter is not None and choice is not None:
        options = _options(converter.options, converter.credentials)
        heard["converter"] = [converter.name, converter.type, options, choice.speaker, dict(choice.settings)]
    return sha256(json.dumps(heard, sort_keys=True, default=repr).encode(errors="surrogatepass")).hexdigest()


def _options(options: Mapping[str, Any], credentials: Collection[CredentialField]) -> dict[str, Any]:
    """Without what only says who pays: another address is another service, another password is not."""
    hidden = UNHEARD.union(field.name for field in credentials if field.kind is not CredentialKind.URL)
    return {name: value for name, value in options.items() if name not in hidden}


def _settings(settings: VoiceSettings, by_engine: Collection[str]) -> dict[str, Any]:
    """Without those that are left to Herald."""
    said = {name: getattr(settings, name) for name in settings.given() - set(settings.extras)}
    return {name: value for name, value in said.items() if name in by_engine or name not in DONE_BY_HERALD} | {
        "extras": dict(settings.extras)
    }
