"""JSON as text messages of a websocket, read with care and written with care.

What is read comes from a peer: a value that is missing or of a wrong type is empty, what is too large or no JSON object is
refused with TooLarge or ProtocolError, and no text that leaves here has half characters.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from ..errors import ProtocolError, TooLarge

MESSAGE_MAX = 1 << 20
"""Characters of a text message."""
SHOWN_MAX = 1_000
"""Characters that are kept of a text that is only shown or passed on."""
DIGITS_MAX = 32
"""Characters of a number that is written as a string."""
NUMBER_MAX = 10**15


def load(message: str | bytes) -> dict[str, Any]:
    """The object that a text message is."""
    if isinstance(message, bytes):
        msg = f"A binary message of {len(message)} bytes where only text messages may come."
        raise ProtocolError(msg)
    if len(message) > MESSAGE_MAX:
        msg = f"A text message of {len(message)} characters; {MESSAGE_MAX} are allowed."
        raise TooLarge(msg)
    try:
        value = json.loads(message)
    except (ValueError, RecursionError) as error:
        msg = f"The text message is not JSON: {error}."
        raise ProtocolError(msg) from error
    if not isinstance(value, dict):
        msg = "The text message is not a JSON object."
        raise ProtocolError(msg)
    return value


def dump(value: Mapping[str, Any]) -> str:
    """A text message."""
    try:
        message = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (ValueError, RecursionError) as error:
        msg = f"The message cannot be written as JSON: {error}."
        raise ProtocolError(msg) from error
    if len(message) > MESSAGE_MAX:
        msg = f"A text message of {len(message)} characters; {MESSAGE_MAX} are allowed."
        raise TooLarge(msg)
    return whole_characters(message)


def section(value: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The object at `key`, or an empty one."""
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def whole_characters(text: str) -> str:
    """A text without the half characters that JSON can spell and UTF-8 cannot."""
    return text.encode(errors="replace").decode()


def shown(value: Any, limit: int = SHOWN_MAX) -> str:
    """A text that may be cut; "" for what is none."""
    if not isinstance(value, str):
        return ""
    return whole_characters(value if len(value) <= limit else value[: limit - 1] + "…")


def number(value: Any) -> float | None:
    """A number, also one that is written as a string; None for anything else, and for what no time or setting can be."""
    if isinstance(value, str) and len(value) <= DIGITS_MAX:
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not -NUMBER_MAX <= value <= NUMBER_MAX:
        return None
    return int(value) if math.floor(value) == value else value


def count(value: Any) -> int:
    """A number of things; 0 for anything else."""
    found = number(value)
    return max(0, int(found)) if found is not None else 0
