"""What another voice is asked: what the call itself asked for, as far as this voice takes it, and else this voice's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...engines.base import Engine
from ...errors import BadSetting
from ...models import SETTING_NAMES, SynthesisRequest, TextFormat, Voice, VoiceSettings


def taken_over(request: SynthesisRequest, voice: Voice, engine: Engine) -> SynthesisRequest:
    """The request as `voice` is asked it. What it does not take is left out."""
    own = voice.settings
    taken = VoiceSettings()
    for setting in _each(request.settings, engine):
        more = setting.over(taken)
        if _takes(engine, more.over(own), TextFormat.TEXT, voice):
            taken = more
    takes_format = _takes(engine, taken.over(own), request.text_format, voice)
    text_format = request.text_format if takes_format else TextFormat.TEXT
    return replace(request, voice=voice, settings=taken, text_format=text_format)


def _each(asked: VoiceSettings, engine: Engine) -> Iterator[VoiceSettings]:
    """One setting at a time; the engine's extras first, since what else it takes may depend on them."""
    for name in sorted(asked.extras.keys() & engine.extra_names()):
        yield VoiceSettings(extras={name: asked.extras[name]})
    for name in SETTING_NAMES:
        if (value := getattr(asked, name)) is not None:
            yield VoiceSettings(**{name: value})


def _takes(engine: Engine, settings: VoiceSettings, text_format: TextFormat, voice: Voice) -> bool:
    try:
        engine.check_request(settings, text_format, voice.engine_voice)
    except BadSetting:
        return False
    return True
