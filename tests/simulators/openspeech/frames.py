"""The service's side of the frames, byte by byte and on its own, so that no mistake of the codec under test hides here."""

from __future__ import annotations

import gzip
import io
import json
import struct
import zlib
from dataclasses import dataclass
from typing import Any

from wyoming_server.protocols.openspeech_v3 import UP, Event

from ..common.codes import Refused, Told

AUDIO, ANSWER, FRONT_END, ERROR = 0xB, 0x9, 0xC, 0xF
RAW, JSON = 0, 1
EVENT_FLAG = 4
MAX_INFLATED = 1 << 20
"""Bytes."""


@dataclass(frozen=True, kw_only=True)
class Style:
    """The liberties that the format leaves to the service."""

    gzip: bool = False
    """Payloads are compressed, and say so."""
    extension: bytes = b""
    """Of every header; a multiple of 4 bytes."""
    last: str = "flags 3"
    """Of v1's last message: `flags 3`, `flags 2` or `flags 2 without sequence`."""
    empty_last: bool = False
    """v1's last message carries no audio."""
    acknowledge: bool = True
    """v1 begins with an audio message of flags 0."""

    def frame(self, kind: int, flags: int, serialization: int, head: bytes, payload: bytes | memoryview) -> bytes:
        """`head`: what stands between header and size."""
        if self.gzip:
            payload = gzip.compress(payload, 1)
        words = 1 + len(self.extension) // 4
        header = bytes([0x10 | words, kind << 4 | flags, serialization << 4 | self.gzip, 0])
        return b"".join((header, self.extension, head, struct.pack(">I", len(payload)), payload))

    def audio_v1(self, sequence: int, audio: bytes | memoryview, *, last: bool) -> bytes:
        if not last:
            return self.frame(AUDIO, 1, RAW, struct.pack(">i", sequence), audio)
        flags = 3 if self.last == "flags 3" else 2
        head = b"" if self.last == "flags 2 without sequence" else struct.pack(">i", -sequence)
        return self.frame(AUDIO, flags, RAW, head, audio)

    def acknowledgement_v1(self) -> bytes:
        return self.frame(AUDIO, 0, RAW, b"", b"")

    def front_end_v1(self, payload: bytes) -> bytes:
        return self.frame(FRONT_END, 0, JSON, b"", payload)

    def event(self, event: int, name: str, payload: bytes | memoryview, kind: int = ANSWER) -> bytes:
        """`name`: the id of the connection or session."""
        identity = name.encode()
        head = struct.pack(">iI", event, len(identity)) + identity
        return self.frame(kind, EVENT_FLAG, RAW if kind == AUDIO else JSON, head, payload)

    def error(self, told: Told, *, as_json: bool, unsaid: bool = False) -> bytes:
        """`unsaid`: compressed, and the header does not say so."""
        text = json.dumps({"error": told.message}) if as_json else told.message
        payload = gzip.compress(text.encode()) if unsaid else text.encode()
        return self.frame(ERROR, 0, JSON if as_json else RAW, struct.pack(">I", told.code), payload)


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a v3 client sent."""

    event: Event
    session: str
    """Empty for those of the connection."""
    payload: dict[str, Any]


class Reader:
    """One message from the client; raises Refused, with `invalid` as the code."""

    def __init__(self, message: str | bytes, invalid: Told) -> None:
        self._invalid = invalid
        if isinstance(message, str):
            raise self._refused("a text frame")
        self._rest = memoryview(message)

    def v1(self) -> dict[str, Any]:
        return self._document(self._header(flags=0))

    def v3(self) -> Request:
        compressed = self._header(flags=EVENT_FLAG)
        event = int.from_bytes(self._take(4, "event"), "big", signed=True)
        if event not in UP:
            raise self._refused(f"event {event}")
        of_connection = event in (Event.START_CONNECTION, Event.FINISH_CONNECTION)
        identity = b"" if of_connection else self._sized("session id")
        if not of_connection and not identity:
            raise self._refused("no session id")
        return Request(event=Event(event), session=bytes(identity).decode("utf-8", "replace"), payload=self._document(compressed))

    def _header(self, flags: int) -> bool:
        """True where the payload is compressed."""
        header = bytes(self._take(4, "header"))
        if header not in {bytes([0x11, 0x10 | flags, serialization, 0]) for serialization in (0x10, 0x11)}:
            raise self._refused(f"header {header.hex(' ')}")
        return header[2] == 0x11

    def _document(self, compressed: bool) -> dict[str, Any]:
        payload = bytes(self._sized("payload"))
        if self._rest:
            raise self._refused(f"{len(self._rest)} bytes too many")
        try:
            if compressed:
                with gzip.open(io.BytesIO(payload)) as file:
                    payload = file.read(MAX_INFLATED)
            document = json.loads(payload)
        except (ValueError, OSError, EOFError, RecursionError, zlib.error) as error:
            raise self._refused(f"payload: {error}") from error
        if not isinstance(document, dict):
            raise self._refused("the payload is no object")
        return document

    def _sized(self, what: str) -> memoryview:
        return self._take(int.from_bytes(self._take(4, f"size of {what}"), "big"), what)

    def _take(self, count: int, what: str) -> memoryview:
        if len(self._rest) < count:
            raise self._refused(f"{what}: {count} bytes, {len(self._rest)} came")
        taken, self._rest = self._rest[:count], self._rest[count:]
        return taken

    def _refused(self, why: str) -> Refused:
        return Refused(self._invalid.because(why))
