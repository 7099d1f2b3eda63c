"""Audio as server-sent events. Bytes in, bytes out."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from ...errors import HeraldError
from .problems import described

_NO_TOKENS = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
"""Clients want numbers; Herald counts no tokens."""


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
