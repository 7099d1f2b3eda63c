"""The Wyoming protocol's framing, sans I/O: a bounded reader, and a writer that makes one piece of bytes an event.

The `wyoming` package supplies the event types; its own reader has no limits and hides the end of a connection, its writer makes
three system calls an event.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from wyoming import version
from wyoming.audio import AudioStart
from wyoming.event import Event

from ..errors import ProtocolError, TooLarge
from ..models import AudioFormat

MAX_HEADER = 1 << 20
"""Bytes of a header line. Some peers write an event's whole data into it."""
MAX_DATA = 1 << 20
MAX_PAYLOAD = 1 << 20


class WyomingReader:
    """Bytes in, events out. After an error it is of no further use: where the next event begins is not known.

    Raises ProtocolError for what is not Wyoming, TooLarge for what is beyond a limit (all in bytes).
    """

    def __init__(self, *, max_header: int = MAX_HEADER, max_data: int = MAX_DATA, max_payload: int = MAX_PAYLOAD) -> None:
        self._max_header = max_header
        self._max_data = max_data
        self._max_payload = max_payload
        self._buffer = bytearray()
        self._searched = 0
        self._header: dict[str, Any] | None = None
        self._data_length = 0
        self._payload_length = 0

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def next_event(self) -> Event | None:
        """The next whole event, or None until more bytes come."""
        if self._header is None and not self._read_header():
            return None
        size = self._data_length + self._payload_length
        if len(self._buffer) < size:
            return None
        data = bytes(self._buffer[: self._data_length])
        payload = bytes(self._buffer[self._data_length : size])
        del self._buffer[:size]
        return self._event(data, payload)

    @property
    def mid_event(self) -> bool:
        """True where the bytes so far end inside an event."""
        return bool(self._buffer) or self._header is not None

    def _read_header(self) -> bool:
        end = self._buffer.find(b"\n", self._searched)
        if max(end, len(self._buffer) if end < 0 else 0) > self._max_header:
            msg = f"An event header of more than {self._max_header} bytes; at least {len(self._buffer)} came."
            raise TooLarge(msg)
        if end < 0:
            self._searched = len(self._buffer)
            return False
        header = _json_object(bytes(self._buffer[:end]), "header")
        del self._buffer[: end + 1]
        self._searched = 0
        if not isinstance(header.get("type"), str):
            msg = "An event header without a type."
            raise ProtocolError(msg)
        self._data_length = _length(header, "data_length", self._max_data)
        self._payload_length = _length(header, "payload_length", self._max_payload)
        self._header = header
        return True

    def _event(self, data: bytes, payload: bytes) -> Event:
        header, self._header = self._header or {}, None
        merged = header.get("data") or {}
        if not isinstance(merged, dict):
            msg = "An event whose data is not an object."
            raise ProtocolError(msg)
        if data:
            merged = {**merged, **_json_object(data, "data")}
        return Event(type=header["type"], data=merged, payload=payload or None)


def _json_object(data: bytes, what: str) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        msg = f"The {what} of an event is not JSON in UTF-8: {error}."
        raise ProtocolError(msg) from error
    if not isinstance(value, dict):
        msg = f"The {what} of an event is not a JSON object."
        raise ProtocolError(msg)
    return value


def _length(header: dict[str, Any], key: str, limit: int) -> int:
    value = header.get(key) or 0
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        msg = f"An event header whose {key} is not a count of bytes."
        raise ProtocolError(msg)
    if value > limit:
        msg = f"An event with a {key} of {value} bytes; {limit} are allowed."
        raise TooLarge(msg)
    return value


def encode(event: Event) -> bytes:
    """An event as the bytes of one write."""
    data = json.dumps(event.data, ensure_ascii=False).encode(errors="replace") if event.data else b""
    return _head(event.type, len(data), len(event.payload or b"")) + data + (event.payload or b"")


class AudioEncoder:
    """Audio of one format: all but the payload's length is made once."""

    def __init__(self, audio: AudioFormat) -> None:
        self.start = encode(AudioStart(rate=audio.rate, width=audio.width, channels=audio.channels).event())
        """The event before all chunks."""
        data = json.dumps({"rate": audio.rate, "width": audio.width, "channels": audio.channels}).encode()
        head = {"type": "audio-chunk", "version": version.__version__, "data_length": len(data)}
        self._begin = json.dumps(head).encode().removesuffix(b"}") + b', "payload_length": '
        self._end = b"}\n" + data

    @staticmethod
    @lru_cache(maxsize=16)
    def of(audio: AudioFormat) -> AudioEncoder:
        """The one of this format, for every reply."""
        return AudioEncoder(audio)

    def chunk(self, pcm: bytes) -> bytes:
        return b"%b%d%b%b" % (self._begin, len(pcm), self._end, pcm)


def _head(event_type: str, data_length: int, payload_length: int) -> bytes:
    header: dict[str, Any] = {"type": event_type, "version": version.__version__}
    if data_length:
        header["data_length"] = data_length
    header["payload_length"] = payload_length
    return json.dumps(header).encode() + b"\n"
