"""A client's messages, read strictly: JSON objects in text messages."""

from __future__ import annotations

import re
from typing import Any

from ..common.codes import Refused, Told
from ..common.fields import json_object

HEX_ID = re.compile(r"[0-9a-f]{32}")
DASHED_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def document(message: str | bytes, invalid: Told) -> dict[str, Any]:
    """The object that a message is; raises Refused."""
    if isinstance(message, bytes):
        raise Refused(invalid.because("a binary message"))
    return json_object(message, invalid)


def billed(text: str) -> int:
    """The characters of a text as the vendor counts them: a Chinese character is two."""
    return sum(2 if "\u3400" <= character <= "\u9fff" else 1 for character in text)


def is_speakable(text: str) -> bool:
    return any(character.isalnum() for character in text)
