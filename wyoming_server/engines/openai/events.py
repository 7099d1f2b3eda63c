"""Server-sent events of OpenAI's `speech.audio.*`, sans I/O: bytes in, audio out. Some servers send them unasked."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from typing import Any

from ...errors import ProtocolError, TooLarge

EVENT_MAX = 8 << 20
"""Bytes of one event: some servers put a whole sentence into it."""
_DATA = b"data:"
_LAST_WORD = b"[DONE]"
_DELTA, _DONE, _ERROR = "speech.audio.delta", "speech.audio.done", "speech.audio.error"


class Told(Exception):
    """The stream tells an error instead of going on; `body` is its JSON."""

    def __init__(self, body: bytes) -> None:
        super().__init__("An error instead of audio.")
        self.body = body


class EventReader:
    """A stream of events, cut anywhere. Raises Told, ProtocolError and TooLarge."""

    def __init__(self, event_max: int = EVENT_MAX) -> None:
        self._event_max = event_max
        self._buffer = bytearray()
        self._searched = 0
        """Bytes of the buffer in which no line ends."""
        self.done = False
        """The end was told."""

    def push(self, data: bytes) -> Iterator[bytes]:
        """The audio of every event that is whole now."""
        self._buffer += data
        while (end := self._buffer.find(b"\n", self._searched)) >= 0:
            line = bytes(self._buffer[:end]).strip()
            del self._buffer[: end + 1]
            self._searched = 0
            told = line.removeprefix(_DATA).strip() if line.startswith(_DATA) else b""
            if told and (audio := self._audio(told)):
                yield audio
        self._searched = len(self._buffer)
        if self._searched > self._event_max:
            msg = f"An event of more than {self._searched} bytes; {self._event_max} are allowed."
            raise TooLarge(msg)

    def flush(self) -> Iterator[bytes]:
        """The audio of a last event that no line break ends."""
        return self.push(b"\n")

    def _audio(self, told: bytes) -> bytes:
        if told == _LAST_WORD:
            self.done = True
            return b""
        event = _loaded(told)
        kind = event.get("type")
        self.done = self.done or kind == _DONE
        if kind == _ERROR or (kind != _DELTA and "error" in event):
            raise Told(told)
        audio = event.get("audio") if kind == _DELTA else None
        return _decoded(audio) if isinstance(audio, str) else b""


def _loaded(told: bytes) -> dict[str, Any]:
    try:
        event = json.loads(told)
    except (ValueError, RecursionError) as error:
        msg = f"An event is not JSON: {error}."
        raise ProtocolError(msg) from error
    return event if isinstance(event, dict) else {}


def _decoded(audio: str) -> bytes:
    try:
        return base64.b64decode(audio, validate=True)
    except (binascii.Error, ValueError) as error:
        msg = f"The audio of an event is not base64: {error}."
        raise ProtocolError(msg) from error
