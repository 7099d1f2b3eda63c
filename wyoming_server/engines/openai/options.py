"""What herald.yaml and a call may say to the engine, each value checked by itself. What must go together, others check."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import voluptuous as vol

from ...errors import HeraldError
from ...models import RATE_MAX, RATE_MIN, WORDS_MAX, Gender, shortened
from ...protocols.json_messages import dump
from ...upstream.options import number, time_limits, word
from ..base import concurrency_option
from .profiles import DETAILS, FORMATS, PROFILES
from .voices import ID_MAX, is_id, is_tag

WORD_MAX = 1_000
"""Characters of an address, a key or a name."""

_WORD = word(WORD_MAX)
_WORDS = word(WORDS_MAX)
_RATE = vol.All(int, vol.Range(RATE_MIN, RATE_MAX))
_FORMAT = vol.In(FORMATS)


def _json(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """It may come as a number that JSON has not, or be too large: nobody should hear so in the middle of a reply."""
    try:
        dump(value)
    except HeraldError as error:
        raise vol.Invalid(str(error)) from error
    return value


def _language(given: Any) -> str:
    if not isinstance(given, str) or not is_tag(given):
        msg = f"expected a language tag such as en-GB, not {shortened(given)}"
        raise vol.Invalid(msg)
    return given.replace("_", "-")


def _voice_id(given: Any) -> str:
    if not isinstance(given, str) or not is_id(given):
        msg = f"expected a voice's id of 1 to {ID_MAX} characters that can be seen, not {shortened(given)}"
        raise vol.Invalid(msg)
    return given


_BODY = vol.All({str: object}, _json)
_VOICE = {
    vol.Optional("language"): [_language],
    vol.Optional("gender"): vol.In(tuple(map(str, Gender))),
    vol.Optional("description"): _WORD,
    vol.Optional("consent"): bool,
    vol.Optional("model"): _WORD,
    vol.Optional("rate"): _RATE,
    vol.Optional("ref_audio"): _WORD,
    vol.Optional("ref_text"): _WORDS,
    vol.Optional("ref_language"): _WORD,
    vol.Optional("extra_body"): _BODY,
}

OPTIONS: Mapping[Any, Any] = {
    vol.Optional("profile", default="openai"): vol.In(tuple(PROFILES)),
    vol.Optional("url", default=None): vol.Maybe(_WORD),
    vol.Optional("api_key", default=None): vol.Maybe(_WORD),
    vol.Optional("model", default=None): vol.Maybe(_WORD),
    vol.Optional("instructions", default=None): vol.Maybe(_WORDS),
    vol.Optional("voices", default=dict): {_voice_id: _VOICE},
    vol.Optional("language", default=list): [_language],
    vol.Optional("format", default=None): vol.Maybe(_FORMAT),
    vol.Optional("rate", default=None): vol.Maybe(_RATE),
    vol.Optional("extra_body", default=dict): _BODY,
    vol.Optional("headers", default=dict): {str: _WORD},
    vol.Optional("details", default=dict): {vol.Optional(name): check for name, check in DETAILS.items()},
    **concurrency_option(None),
    vol.Optional("look_ahead", default=None): vol.Maybe(number(0, 3600)),
    **time_limits(connect=5, first_audio=None, gap=10),
    vol.Optional("refresh", default=30): number(1, 86_400),
}
"""Of the engine."""
EXTRAS: Mapping[Any, Any] = {
    vol.Optional("model"): _WORD,
    vol.Optional("format"): _FORMAT,
    vol.Optional("extra_body"): _BODY,
}
"""Of a voice or a call."""
