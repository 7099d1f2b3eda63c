"""A `tts_stream` as a SynthesisRequest, or the reason why it can't be one. The one table of its fields → Herald's settings."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from ...errors import BadSetting, UnknownVoice
from ...models import FormatWish, SynthesisRequest, Voice
from ...protocols.indextts import EmoMode, Request
from ...synthesis import Synthesizer
from ...voices import Catalogue

RATE = 22_050
"""Hz, of the document."""
HINTS = ("interval_silence", "max_tokens", "use_random")
"""Fields of every request in the document, and so no wish where they say its default, nor for voices that don't know them."""
EMOTIONS = ("emo_mode", "emo_audio", "emo_vector", "emo_text", "emo_alpha")
_DEFAULTS = {field.name: field.default for field in fields(Request)}


def read_request(asked: Request, catalogue: Catalogue, synthesizer: Synthesizer) -> SynthesisRequest:
    """Raises UnknownVoice, BadSetting and what else can be known to be wrong beforehand."""
    voice = catalogue.find(asked.prompt_audio or None)
    takes = synthesizer.setting_names(voice)
    extras = {name: said for name in HINTS if name in takes and (said := getattr(asked, name)) != _DEFAULTS[name]}
    if asked.emo_mode is not EmoMode.NONE:
        if "emo_mode" not in takes:
            msg = f"emo_mode {asked.emo_mode} 不适用于音色 {voice.name}：引擎 {voice.engine} 没有情感控制，只能用 none"
            raise BadSetting(msg)
        extras |= _emotion(asked, voice, catalogue)
    return synthesizer.request(voice, extras, wish=FormatWish(rate=RATE))


def _emotion(asked: Request, voice: Voice, catalogue: Catalogue) -> dict[str, Any]:
    said = {name: value for name in EMOTIONS if (value := getattr(asked, name)) is not None}
    said["emo_mode"] = str(asked.emo_mode)
    if asked.emo_mode is EmoMode.VECTOR:
        said["emo_vector"] = list(said["emo_vector"])
        del said["emo_alpha"]  # not of this mode
    if asked.emo_audio is not None:
        said["emo_audio"] = _feeling(asked.emo_audio, voice, catalogue)
    return said


def _feeling(name: str, voice: Voice, catalogue: Catalogue) -> str:
    """The engine's id of the voice whose emotion it is. A name that is not in the catalogue may be one of the engine's own."""
    try:
        feeling = catalogue.find(name)
    except UnknownVoice:
        return name
    if feeling.engine != voice.engine:
        msg = (
            f"emo_audio 必须与 prompt_audio 属于同一引擎：{feeling.name} 属于 {feeling.engine}，{voice.name} 属于 {voice.engine}"
        )
        raise BadSetting(msg)
    return feeling.engine_voice
