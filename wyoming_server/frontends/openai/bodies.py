"""The two ways in which audio is sent: as it is, and as server-sent events. Bytes in, bytes out."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Protocol

from ...audio.encode import WRITINGS, Container
from ...errors import HeraldError
from .problems import described

_NO_TOKENS = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
"""Clients want numbers; Herald counts no tokens."""


class Body(Protocol):
    media_type: str

    def audio(self, data: bytes) -> bytes:
        """A piece of the file, as it is sent."""

    def end(self) -> bytes:
        """What stands behind the last piece."""

    def failure(self, error: HeraldError) -> bytes:
        """What is still said before the transfer is broken off."""


class PlainBody:
    def __init__(self, container: Container) -> None:
        self.media_type = WRITINGS[container].media_type

    def audio(self, data: bytes) -> bytes:
        return data

    def end(self) -> bytes:
        return b""

    def failure(self, error: HeraldError) -> bytes:
        return b""


class EventBody:
    media_type = "text/event-stream"

    def audio(self, data: bytes) -> bytes:
        return _event({"type": "speech.audio.delta", "audio": b64encode(data).decode()})

    def end(self) -> bytes:
        return _event({"type": "speech.audio.done", "usage": _NO_TOKENS})

    def failure(self, error: HeraldError) -> bytes:
        return _event({"type": "error", "error": described(error)})


def _event(message: Mapping[str, Any]) -> bytes:
    return f"data: {json.dumps(message)}\n\n".encode()
