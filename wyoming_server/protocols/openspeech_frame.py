"""What every OpenSpeech message has, in v1 and in v3: header, header extension, sizes, gzip, and how a failure is told.

A websocket message is one frame. What a body means is the business of `openspeech_v1` and `openspeech_v3`. Numbers are
big-endian. ProtocolError is raised for what is no frame, TooLarge for what is beyond a limit (all in bytes).
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, TypeVar

from ..errors import ProtocolError, TooLarge

PAYLOAD_MAX = 16 << 20
"""Bytes of a payload, unpacked. The answer to a `query` is one message."""
JSON_MAX = 1 << 20
"""Bytes of JSON, which takes many times its size when it is read."""
MESSAGE_MAX = 64 << 10
"""Bytes of what is read as text: a failure, packed or not, and a v1 request."""
SHOWN_MAX = 1000
"""Characters of a failure's message that are kept."""

VERSION = 1
WORD = 4
"""Bytes of every number, and of the words that the header's size is counted in."""
EXTENSION_MAX = 14 * WORD
GZIP_MAGIC = b"\x1f\x8b"


class MessageType(IntEnum):
    FULL_CLIENT = 0x1
    AUDIO_CLIENT = 0x2
    FULL_SERVER = 0x9
    AUDIO_SERVER = 0xB
    FRONT_END = 0xC
    ERROR = 0xF


class Serialization(IntEnum):
    RAW = 0
    JSON = 1
    CUSTOM = 15


class Compression(IntEnum):
    NONE = 0
    GZIP = 1
    CUSTOM = 15


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """One message, its body not yet understood."""

    type: MessageType
    flags: int = 0
    """Four bits, whose meaning depends on the type."""
    serialization: Serialization = Serialization.RAW
    compression: Compression = Compression.NONE
    """What the header says of the payload inside the body. `body` is as it came."""
    body: bytes = b""
    extension: bytes = b""
    """Whole words, at most 14. Nobody is known to send any."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """An error told by the server: an error frame, or a text message of the websocket."""

    code: int
    """The vendor's; 0 where none was told."""
    message: str
    """The vendor's words, at most `SHOWN_MAX` characters."""


def encode_frame(frame: Frame) -> bytes:
    if len(frame.extension) > EXTENSION_MAX or len(frame.extension) % WORD:
        msg = f"A header extension of {len(frame.extension)} bytes; whole words of {WORD} up to {EXTENSION_MAX} are allowed."
        raise ProtocolError(msg)
    if frame.flags >> 4:
        msg = f"Frame flags of {frame.flags}; they are four bits."
        raise ProtocolError(msg)
    words = 1 + len(frame.extension) // WORD
    header = (VERSION << 4 | words, frame.type << 4 | frame.flags, frame.serialization << 4 | frame.compression, 0)
    return bytes(header) + frame.extension + frame.body


def decode_frame(message: bytes) -> Frame:
    if len(message) < WORD:
        msg = f"A message of {len(message)} bytes; a frame's header has {WORD}."
        raise ProtocolError(msg)
    if message[0] >> 4 != VERSION:
        msg = f"A frame of protocol version {message[0] >> 4}; only {VERSION} is known."
        raise ProtocolError(msg)
    size = (message[0] & 0xF) * WORD
    if not WORD <= size <= len(message):
        msg = f"A frame whose header has {size} bytes, in a message of {len(message)}."
        raise ProtocolError(msg)
    return Frame(
        type=_known(MessageType, message[1] >> 4, "message type"),
        flags=message[1] & 0xF,
        serialization=_known(Serialization, message[2] >> 4, "serialization"),
        compression=_known(Compression, message[2] & 0xF, "compression"),
        body=message[size:],
        extension=message[WORD:size],
    )


_Number = TypeVar("_Number", bound=IntEnum)


def _known(numbers: type[_Number], value: int, what: str) -> _Number:
    try:
        return numbers(value)
    except ValueError:
        msg = f"A frame of {what} {value:#x}, which nobody defined."
        raise ProtocolError(msg) from None


def deflate(data: bytes) -> bytes:
    """Gzip; the same data always gives the same bytes."""
    return gzip.compress(data, mtime=0)


def inflate(data: bytes, *, limit: int) -> bytes:
    """What gzip packed into one member, never making more than `limit` bytes of it."""
    member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        made = member.decompress(data, limit + 1)
    except zlib.error as error:
        msg = f"A payload of {len(data)} bytes that is not gzip: {error}."
        raise ProtocolError(msg) from error
    if len(made) > limit:
        msg = f"A gzip payload of {len(data)} bytes holds more than the {limit} bytes that are allowed."
        raise TooLarge(msg)
    if not member.eof or member.unused_data:
        msg = f"A gzip payload of {len(data)} bytes that does not end where the gzip data ends."
        raise ProtocolError(msg)
    return made


def pack(payload: bytes, compression: Compression) -> bytes:
    """A payload as `compression` says."""
    if compression is Compression.CUSTOM:
        msg = "A payload of custom compression, which nobody defined."
        raise ProtocolError(msg)
    return deflate(payload) if compression is Compression.GZIP else payload


def unpack(payload: bytes, compression: Compression, *, limit: int) -> bytes:
    """The reverse of `pack`. An empty payload is empty, whatever the header says of its compression."""
    if compression is Compression.CUSTOM:
        msg = "A payload of custom compression, which nobody defined."
        raise ProtocolError(msg)
    if compression is Compression.GZIP and payload:
        return inflate(payload, limit=limit)
    if len(payload) > limit:
        msg = f"A payload of {len(payload)} bytes; {limit} are allowed."
        raise TooLarge(msg)
    return payload


def number(value: int, *, signed: bool = False) -> bytes:
    """Four bytes: a size, a code, a sequence number or an event."""
    try:
        return value.to_bytes(WORD, "big", signed=signed)
    except OverflowError:
        msg = f"{value} does not fit into the four bytes that the protocol has for it."
        raise ProtocolError(msg) from None


def read_number(body: bytes, at: int, what: str, *, signed: bool = False) -> int:
    if len(body) < at + WORD:
        msg = f"A frame that ends before its {what}: {len(body)} bytes of body, {at + WORD} needed."
        raise ProtocolError(msg)
    return int.from_bytes(body[at : at + WORD], "big", signed=signed)


def sized(payload: bytes) -> bytes:
    """A payload behind its size."""
    return number(len(payload)) + payload


def read_sized(body: bytes, at: int, what: str) -> tuple[bytes, int]:
    """The payload whose size stands at `at`, and where it ends. What follows its end is not looked at."""
    size = read_number(body, at, f"{what}'s size")
    begin = at + WORD
    if size > len(body) - begin:
        msg = f"A {what} of {size} bytes by its size field, of which {len(body) - begin} came."
        raise ProtocolError(msg)
    return body[begin : begin + size], begin + size


def dump_json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def load_json(data: bytes, what: str) -> Any:
    if len(data) > JSON_MAX:
        msg = f"A {what} with {len(data)} bytes of JSON; {JSON_MAX} are allowed."
        raise TooLarge(msg)
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        msg = f"The {what} is not JSON in UTF-8: {error}."
        raise ProtocolError(msg) from error


def load_object(data: bytes, what: str) -> dict[str, Any]:
    value = load_json(data, what)
    if not isinstance(value, dict):
        msg = f"The {what} is not a JSON object."
        raise ProtocolError(msg)
    return value


def find_object(text: bytes | str) -> dict[str, Any] | None:
    """The JSON object that a text is, or None where it is something else, or too large to look."""
    try:
        value = json.loads(text) if len(text) <= JSON_MAX else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


# Failures -------------------------------------------------------------------------------------------------------------------

CODE_KEYS = ("code", "status_code", "statuscode", "error_code", "errorcode", "err_code", "errcode", "errno", "status")
MESSAGE_KEYS = (
    *("message", "msg", "error", "error_message", "errormessage", "error_msg", "errormsg", "err_msg", "errmsg"),
    *("status_message", "status_text", "statustext", "reason", "detail", "value"),
)
NESTED_KEYS = ("header", "error", "responsemetadata", "response_metadata")
NESTED_MAX = 3


def encode_failure(failure: Failure, *, compression: Compression = Compression.NONE, told: Compression | None = None) -> bytes:
    """An error frame. `told` is what the header says of the compression, where it is not the truth."""
    frame = Frame(
        type=MessageType.ERROR,
        serialization=Serialization.JSON,
        compression=compression if told is None else told,
        body=number(failure.code) + sized(pack(failure.message.encode(errors="replace"), compression)),
    )
    return encode_frame(frame)


def decode_failure(frame: Frame) -> Failure:
    """What an error frame says. Not its header but gzip's magic tells whether the message is packed: servers forget the bits."""
    code = read_number(frame.body, 0, "error code")
    packed, _ = read_sized(frame.body, _behind_event(frame), "error message")
    compression = Compression.GZIP if packed.startswith(GZIP_MAGIC) else Compression.NONE
    text = unpack(packed, compression, limit=MESSAGE_MAX).decode(errors="replace")
    told = decode_text(text)
    return Failure(code=code or told.code, message=told.message)


def _behind_event(frame: Frame) -> int:
    """Where the message's size stands: the vendor's own codec reads an event and an id before it where the flags tell of one."""
    if frame.flags & 4:
        try:
            _, end = read_sized(frame.body, 2 * WORD, "id")
            read_sized(frame.body, end, "error message")
        except ProtocolError:
            return WORD
        return end
    return WORD


def decode_text(message: str) -> Failure:
    """A text message, or the text of an error frame: JSON in any of the vendor's spellings, otherwise words."""
    if len(message) > MESSAGE_MAX:
        msg = f"A text message of {len(message)} characters; {MESSAGE_MAX} are allowed."
        raise TooLarge(msg)
    failure = find_failure(find_object(message) or {})
    return Failure(code=failure.code, message=failure.message or _shown(message))


def find_failure(payload: Mapping[str, Any]) -> Failure:
    """The code and message of a JSON object, wherever they stand in it: 0 and "" where it has none."""
    objects = list(_objects(payload, NESTED_MAX))
    codes = (_code(item.get(key)) for item in objects for key in CODE_KEYS)
    messages = (_words(item.get(key)) for item in objects for key in MESSAGE_KEYS)
    return Failure(code=next(filter(None, codes), 0), message=next(filter(None, messages), ""))


def _objects(payload: Mapping[str, Any], depth: int) -> Iterator[dict[str, Any]]:
    """An object, then those inside it that may tell of an error; keys in lower case."""
    lowered = {key.lower(): value for key, value in payload.items()}
    yield lowered
    for key in NESTED_KEYS if depth else ():
        if isinstance(lowered.get(key), dict):
            yield from _objects(lowered[key], depth - 1)


def _code(value: object) -> int:
    """A code as a number or as its digits; 0 for anything else, such as "ok"."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= len("4294967295"):
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 32 else 0


def _words(value: object) -> str:
    return _shown(value) if isinstance(value, str) else ""


def _shown(text: str) -> str:
    """A text as it may be shown: no half characters, which JSON can spell, and not too long."""
    text = text.strip()
    text = text if len(text) <= SHOWN_MAX else text[: SHOWN_MAX - 1] + "…"
    return text.encode(errors="replace").decode()
