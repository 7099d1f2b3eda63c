"""A client's text messages, read strictly: known fields of the right types and no others."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Any

from wyoming_server.models import AudioFormat

from ..common.codes import Refused, Told
from ..common.fields import Field, check, json_object
from .codes import SAMI

NAMESPACE = "VoiceConversionStream"
KNOWN = {"": "token appkey namespace event payload data version task_id"}
PAYLOAD_KNOWN = {
    "": "speaker audio_info audio_config extra",
    "audio_info": "format sample_rate channel",
    "audio_config": "format sample_rate channel",
    "extra": "downstream_align",
}
COMMON = [Field(path=path, required=path == "namespace") for path in ("namespace", "token", "appkey", "event", "payload", "data")]
PAYLOAD = [
    Field(path="speaker", required=True),
    *(
        field
        for path in ("audio_info", "audio_config")
        for field in (
            Field(path=f"{path}.format", required=True, choices=("s16le",)),
            Field(path=f"{path}.sample_rate", types=(int,), required=True, within=(8_000, 48_000)),
            Field(path=f"{path}.channel", types=(int,), required=True, choices=(1, 2)),
        )
    ),
    Field(path="extra.downstream_align", types=(bool,)),
]


def document(message: str) -> dict[str, Any]:
    """The object that a text message is."""
    found = json_object(message, SAMI["invalid data"])
    _check(found, COMMON, KNOWN, SAMI["invalid data"])
    if found["namespace"] != NAMESPACE:
        raise Refused(SAMI["invalid data"].because(f"namespace {found['namespace']}"))
    return found


def payload_of(found: dict[str, Any]) -> dict[str, Any]:
    """Of a StartTask."""
    if not found.get("payload"):
        raise Refused(SAMI["empty payload"])
    payload = json_object(found["payload"], SAMI["invalid payload"])
    _check(payload, PAYLOAD, PAYLOAD_KNOWN, SAMI["illegal payload"])
    return payload


def audio_of(found: dict[str, Any]) -> bytes | None:
    """Of any text message; None: it brings none."""
    if found.get("data") is None:
        return None
    try:
        return base64.b64decode(found["data"], validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused(SAMI["illegal data"].because("no base64")) from error


def format_of(part: dict[str, Any]) -> AudioFormat:
    """Of `audio_info` or `audio_config`."""
    return AudioFormat(rate=part["sample_rate"], channels=part["channel"])


def _check(found: dict[str, Any], rows: Iterable[Field], known: dict[str, str], invalid: Told) -> None:
    for path, names in known.items():
        part = found.get(path, {}) if path else found
        if not isinstance(part, dict):
            raise Refused(invalid.because(f"{path} is no object"))
        if unknown := sorted(set(part) - set(names.split())):
            raise Refused(invalid.because(f"nobody knows {', '.join(unknown)} here"))
    check(found, rows, invalid)
