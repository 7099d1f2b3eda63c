"""What is said of a voice → a request of the service: emotion modes, silences, tokens. Decides what does not go together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import voluptuous as vol

from ...errors import BadSetting
from ...models import VoiceSettings, shortened
from ...protocols.indextts import EMO_TEXT_MAX, EMOTIONS, INTERVAL_SILENCE_MAX, MAX_TOKENS_MAX, NAME_MAX, EmoMode, Request
from ..base import Utterance
from .files import Files

PAUSE_MS = 200
"""Between two sentences, unless `interval_silence` says otherwise: the service's own default."""
SCALE = 4.0
"""emotion_scale of an `emotion` without one: 0.8, as in the service's document."""
SCALE_MAX = 5.0
"""Of emotion_scale; as a component of a vector it is 1."""

_PART = vol.All(vol.Any(int, float), vol.Range(0, 1))
EXTRAS: Mapping[Any, Any] = {
    vol.Optional("emo_mode"): vol.In(tuple(map(str, EmoMode))),
    vol.Optional("emo_audio"): vol.All(str, vol.Length(min=1, max=NAME_MAX)),
    vol.Optional("emo_vector"): [_PART],
    vol.Optional("emo_text"): vol.All(str, vol.Length(min=1, max=EMO_TEXT_MAX)),
    vol.Optional("emo_alpha"): _PART,
    vol.Optional("interval_silence"): vol.All(int, vol.Range(0, INTERVAL_SILENCE_MAX)),
    vol.Optional("max_tokens"): vol.All(int, vol.Range(1, MAX_TOKENS_MAX)),
    vol.Optional("use_random"): bool,
}
_MODES: Mapping[str, EmoMode] = {
    "emo_audio": EmoMode.AUDIO,
    "emo_vector": EmoMode.VECTOR,
    "emotion": EmoMode.VECTOR,
    "emo_text": EmoMode.TEXT,
}
"""Where an emotion may stand → its mode."""
_PLAIN = ("interval_silence", "max_tokens", "use_random")
"""Extras that are sent as they are."""


def request(text: str, utterance: Utterance, files: Files) -> Request:
    """Raises BadSetting for what does not go together."""
    extras = utterance.settings.extras
    return Request(
        text=text,
        prompt_audio=files.prompts[utterance.voice].file,
        **emotion(utterance.settings, files),
        **{name: extras[name] for name in _PLAIN if name in extras},
    )


def pause(settings: VoiceSettings) -> float:
    """Seconds between two sentences."""
    return float(settings.extras.get("interval_silence", PAUSE_MS)) / 1_000


def emotion(settings: VoiceSettings, files: Files) -> dict[str, Any]:
    """The fields of a Request that tell the emotion. Raises BadSetting."""
    mode, extras = _mode(settings), settings.extras
    found: dict[str, Any] = {"emo_mode": mode}
    if mode is EmoMode.AUDIO:
        found["emo_audio"] = files.emotion(extras["emo_audio"])
    elif mode is EmoMode.VECTOR:
        found["emo_vector"] = _vector(settings)
    elif mode is EmoMode.TEXT:
        found["emo_text"] = extras["emo_text"]
    if mode in (EmoMode.AUDIO, EmoMode.TEXT) and "emo_alpha" in extras:
        found["emo_alpha"] = float(extras["emo_alpha"])
    return found


def _mode(settings: VoiceSettings) -> EmoMode:
    """The one that was named, else that of the one emotion that is given.

    A mode that is named leaves out what belongs to the others: so a call can change the mode of a voice. `emotion` is no part of
    that: who sets it wants to hear it.
    """
    given = [name for name in _MODES if name in settings.given()]
    if {"emotion", "emo_vector"} <= {*given}:
        msg = "emotion and emo_vector say the same thing twice: leave one of them out."
        raise BadSetting(msg)
    if (named := settings.extras.get("emo_mode")) is not None:
        return _named(EmoMode(named), given)
    if len(given) > 1:
        msg = f"{' and '.join(given)} are more than one emotion: leave one out, or say with emo_mode which of them counts."
        raise BadSetting(msg)
    return _MODES[given[0]] if given else EmoMode.NONE


def _named(mode: EmoMode, given: list[str]) -> EmoMode:
    if "emotion" in given and mode is not EmoMode.VECTOR:
        msg = f"emotion is spoken with emo_mode vector, but emo_mode is {mode}: leave one of them out."
        raise BadSetting(msg)
    needs = [name for name, one in _MODES.items() if one is mode]
    if needs and not {*needs} & {*given}:
        msg = f"emo_mode {mode} needs {' or '.join(needs)}."
        raise BadSetting(msg)
    return mode


def _vector(settings: VoiceSettings) -> tuple[float, ...]:
    if (name := settings.emotion) is not None:
        if name not in EMOTIONS:
            msg = f"emotion is one of {', '.join(EMOTIONS)}, not {shortened(name)}."
            raise BadSetting(msg)
        strength = (SCALE if settings.emotion_scale is None else settings.emotion_scale) / SCALE_MAX
        return tuple(strength if one == name else 0.0 for one in EMOTIONS)
    vector = settings.extras["emo_vector"]
    if len(vector) != len(EMOTIONS):
        msg = f"emo_vector has {len(EMOTIONS)} numbers, for {', '.join(EMOTIONS)}; {len(vector)} are given."
        raise BadSetting(msg)
    return tuple(float(part) for part in vector)
