"""A client's messages, read strictly: JSON objects in text messages, whose fields are as their tables say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ..openspeech import codes, fields
from ..openspeech.fields import Field
from .codes import Refused, Told

HEX_ID = re.compile(r"[0-9a-f]{32}")
DASHED_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def document(message: str | bytes, invalid: Told) -> dict[str, Any]:
    """The object that a message is; raises Refused."""
    if isinstance(message, bytes):
        raise Refused(invalid.because("a binary message"))
    try:
        found = json.loads(message)
    except (ValueError, RecursionError) as error:
        raise Refused(invalid.because("no JSON")) from error
    if not isinstance(found, dict):
        raise Refused(invalid.because("no JSON object"))
    return found


def check(found: dict[str, Any], rows: Iterable[Field], invalid: Told) -> None:
    """Raises Refused at the first field that is not as its row says."""
    try:
        fields.check(found, rows, codes.Told(code=0, message=invalid.message))
    except codes.Refused as refused:
        raise Refused(replace(invalid, message=refused.told.message)) from None


def billed(text: str) -> int:
    """The characters of a text as the vendor counts them: a Chinese character is two."""
    return sum(2 if "\u3400" <= character <= "\u9fff" else 1 for character in text)


def is_speakable(text: str) -> bool:
    return any(character.isalnum() for character in text)
