"""OpenSpeech v1 (`/api/v1/tts/ws_binary`): one request up, acknowledgement, audio and an end down. Sans I/O, both ends of it.

What stands in a request is the engine's business. Errors are ProtocolError and TooLarge, as `openspeech_frame` says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import ProtocolError
from .openspeech_frame import (
    MESSAGE_MAX,
    PAYLOAD_MAX,
    WORD,
    Compression,
    Failure,
    Frame,
    MessageType,
    Serialization,
    decode_failure,
    decode_frame,
    decode_text,
    dump_json,
    encode_failure,
    encode_frame,
    find_failure,
    find_object,
    load_object,
    number,
    pack,
    read_number,
    read_sized,
    sized,
    unpack,
)

NO_SEQUENCE = 0
SEQUENCE = 1
LAST = 2
"""A bit. Whether a sequence number comes with it alone, the vendor's documentation and codec do not agree."""
LAST_SEQUENCE = SEQUENCE | LAST

OK = 3000
"""The code of a good answer, where one carries a code."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Acknowledgement:
    """The request was read; or a message that says nothing of use."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Audio:
    data: bytes
    """Of the encoding that was asked for. The last message may bring some too, or none."""
    sequence: int | None
    """1, 2, …; negative in the last message; None where none was sent."""
    last: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class FrontEnd:
    """What the text analysis found; timestamps, where they were asked for."""

    payload: dict[str, Any]


ServerMessage = Acknowledgement | Audio | FrontEnd | Failure


def encode_request(request: Mapping[str, Any], *, compression: Compression = Compression.GZIP) -> bytes:
    frame = Frame(
        type=MessageType.FULL_CLIENT,
        serialization=Serialization.JSON,
        compression=compression,
        body=sized(pack(dump_json(request), compression)),
    )
    return encode_frame(frame)


def decode_request(message: bytes, *, limit: int = MESSAGE_MAX) -> dict[str, Any]:
    """A request, as a server reads it."""
    frame = decode_frame(message)
    if frame.type is not MessageType.FULL_CLIENT or frame.flags:
        msg = f"A request has message type {MessageType.FULL_CLIENT:#x} and flags 0, not {frame.type:#x} and {frame.flags}."
        raise ProtocolError(msg)
    payload, _ = read_sized(frame.body, 0, "request")
    return load_object(unpack(payload, frame.compression, limit=limit), "request")


def decode_server(message: bytes | str, *, limit: int = PAYLOAD_MAX) -> ServerMessage:
    """What a server's message says; `limit` is of its payload, unpacked."""
    if isinstance(message, str):
        return decode_text(message)
    frame = decode_frame(message)
    if frame.type is MessageType.ERROR:
        return decode_failure(frame)
    decode = _DECODERS.get(frame.type)
    if decode is None:
        msg = f"A message of type {frame.type:#x}, which no server sends."
        raise ProtocolError(msg)
    return decode(frame, limit)


def _audio(frame: Frame, limit: int) -> ServerMessage:
    if frame.flags == NO_SEQUENCE:
        return Acknowledgement()
    if frame.flags & ~LAST_SEQUENCE:
        msg = f"An audio message with the flags {frame.flags:#x}, which v1 does not have."
        raise ProtocolError(msg)
    last = bool(frame.flags & LAST)
    if last and not frame.body:
        return Audio(data=b"", sequence=None, last=True)
    sequence = read_number(frame.body, 0, "sequence number", signed=True) if _has_sequence(frame) else None
    payload, _ = read_sized(frame.body, 0 if sequence is None else WORD, "audio payload")
    data = unpack(payload, frame.compression, limit=limit)
    return Audio(data=data, sequence=sequence, last=last or (sequence or 0) < 0)


def _has_sequence(frame: Frame) -> bool:
    """Whether a sequence number stands before the size.

    With flags 2 the length decides, so nothing may follow the payload. Both forms fit only where the sequence number equals the
    length behind it; that is positive, a last message's number is negative: so the form without is right. Size 0 is an empty end
    in either form. A last frame with no body at all fits neither and is an empty end too (see `_audio`): the server said that it
    is done, and nothing that was spoken is lost.
    """
    if frame.flags & SEQUENCE:
        return True
    length = len(frame.body)
    if length >= WORD and read_number(frame.body, 0, "size") == length - WORD:
        return False
    if length >= 2 * WORD and read_number(frame.body, WORD, "size") == length - 2 * WORD:
        return True
    msg = f"A last audio message of {length} bytes whose size field fits neither with nor without a sequence number."
    raise ProtocolError(msg)


def _front_end(frame: Frame, limit: int) -> ServerMessage:
    payload, _ = read_sized(frame.body, 0, "front end payload")
    data = unpack(payload, frame.compression, limit=limit)
    return FrontEnd(payload=load_object(data, "front end payload") if data else {})


def _full(frame: Frame, limit: int) -> ServerMessage:
    """The deprecated answer: of interest only where it is JSON and tells a failure."""
    payload, _ = read_sized(frame.body, WORD if frame.flags & SEQUENCE else 0, "answer")
    data = unpack(payload, frame.compression, limit=limit)
    failure = find_failure(find_object(data) or {})
    return failure if failure.code not in {0, OK} else Acknowledgement()


_DECODERS: Mapping[MessageType, Callable[[Frame, int], ServerMessage]] = {
    MessageType.AUDIO_SERVER: _audio,
    MessageType.FRONT_END: _front_end,
    MessageType.FULL_SERVER: _full,
}


def encode_server(
    message: ServerMessage,
    *,
    compression: Compression = Compression.NONE,
    told: Compression | None = None,
    last_flags: int = LAST_SEQUENCE,
    last_with_sequence: bool = True,
) -> bytes:
    """A message as a server sends it, in every form that is about.

    `told` is what the header says of the compression, where it is not the truth. `last_flags` (2 or 3) and, with 2,
    `last_with_sequence` shape the last audio message.
    """
    if isinstance(message, Failure):
        return encode_failure(message, compression=compression, told=told)
    kind, flags, serialization, body = MessageType.AUDIO_SERVER, NO_SEQUENCE, Serialization.RAW, b""
    if isinstance(message, FrontEnd):
        kind, serialization = MessageType.FRONT_END, Serialization.JSON
        body = sized(pack(dump_json(message.payload), compression))
    elif isinstance(message, Audio):
        flags = last_flags if message.last else SEQUENCE
        with_sequence = bool(flags & SEQUENCE) or (last_with_sequence and message.sequence is not None)
        body = (_sequence(message) if with_sequence else b"") + sized(pack(message.data, compression))
    header = compression if told is None else told
    return encode_frame(Frame(type=kind, flags=flags, serialization=serialization, compression=header, body=body))


def _sequence(message: Audio) -> bytes:
    if message.sequence is None:
        msg = "An audio message without a sequence number, which only the last can be, with the flags 2."
        raise ProtocolError(msg)
    return number(message.sequence, signed=True)
