"""The OpenSpeech frame by hand: header, extension, sizes, gzip within bounds, and failures in every spelling."""

from __future__ import annotations

import gzip
import json
import tracemalloc

import pytest

from wyoming_server.errors import ProtocolError, TooLarge
from wyoming_server.protocols.openspeech_frame import (
    MESSAGE_MAX,
    SHOWN_MAX,
    Compression,
    Failure,
    Frame,
    MessageType,
    Serialization,
    decode_failure,
    decode_frame,
    decode_text,
    deflate,
    encode_failure,
    encode_frame,
    find_failure,
    inflate,
    number,
    pack,
    read_number,
    read_sized,
    sized,
    unpack,
)

REQUEST = Frame(type=MessageType.FULL_CLIENT, serialization=Serialization.JSON, compression=Compression.GZIP, body=b"body")


def test_a_header_is_four_bytes() -> None:
    assert encode_frame(REQUEST) == b"\x11\x10\x11\x00body"
    assert decode_frame(b"\x11\x10\x11\x00body") == REQUEST


def test_an_extension_is_skipped_and_kept() -> None:
    frame = decode_frame(b"\x13\xb3\x00\x00extended" + b"audio")
    assert frame == Frame(type=MessageType.AUDIO_SERVER, flags=3, body=b"audio", extension=b"extended")
    assert encode_frame(frame) == b"\x13\xb3\x00\x00extendedaudio"


def test_the_longest_header_has_sixty_bytes() -> None:
    extension = bytes(range(56))
    frame = decode_frame(b"\x1f\xf0\x10\x00" + extension + b"x")
    assert (frame.extension, frame.body) == (extension, b"x")


def test_the_reserved_byte_means_nothing() -> None:
    assert decode_frame(b"\x11\x10\x11\x7fbody") == REQUEST


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (b"", "0 bytes"),
        (b"\x11\x10\x10", "3 bytes"),
        (b"\x21\x10\x10\x00", "version 2"),
        (b"\x10\x10\x10\x00", "header has 0 bytes, in a message of 4"),
        (b"\x12\x10\x10\x00abc", "header has 8 bytes, in a message of 7"),
        (b"\x11\x30\x10\x00", "message type 0x3"),
        (b"\x11\x10\x20\x00", "serialization 0x2"),
        (b"\x11\x10\x12\x00", "compression 0x2"),
    ],
)
def test_what_is_no_frame_is_refused_in_words(message: bytes, words: str) -> None:
    with pytest.raises(ProtocolError, match=words):
        decode_frame(message)


@pytest.mark.parametrize("extension", [b"abc", bytes(60)])
def test_an_extension_is_whole_words(extension: bytes) -> None:
    with pytest.raises(ProtocolError, match=f"{len(extension)} bytes"):
        encode_frame(Frame(type=MessageType.ERROR, extension=extension))


def test_flags_are_four_bits() -> None:
    for flags in (16, -1):
        with pytest.raises(ProtocolError, match="four bits"):
            encode_frame(Frame(type=MessageType.ERROR, flags=flags))


def test_a_size_is_honoured_and_what_follows_is_not() -> None:
    assert read_sized(b"??\x00\x00\x00\x03abctrailing", 2, "text") == (b"abc", 9)
    assert read_sized(sized(b""), 0, "text") == (b"", 4)


def test_a_size_beyond_the_message_tells_both_numbers() -> None:
    with pytest.raises(ProtocolError, match="text of 4 bytes by its size field, of which 3 came"):
        read_sized(b"\x00\x00\x00\x04abc", 0, "text")
    with pytest.raises(ProtocolError, match=r"text's size: 3 bytes of body, 4 needed"):
        read_sized(b"\x00\x00\x00", 0, "text")


def test_numbers_are_four_bytes_big_endian() -> None:
    assert number(-2, signed=True) == b"\xff\xff\xff\xfe"
    assert read_number(b"\xff\xff\xff\xfe", 0, "sequence", signed=True) == -2
    assert read_number(b"\xff\xff\xff\xfe", 0, "code") == 4294967294
    with pytest.raises(ProtocolError, match="4294967296"):
        number(1 << 32)


# Compression ----------------------------------------------------------------------------------------------------------------


def test_gzip_is_the_same_every_time_and_readable_by_others() -> None:
    packed = deflate("你好".encode())
    assert packed == deflate("你好".encode())
    assert packed[4:8] == bytes(4)
    assert gzip.decompress(packed).decode() == "你好"
    assert inflate(gzip.compress(b"from elsewhere"), limit=100) == b"from elsewhere"


def test_inflation_stops_at_the_limit() -> None:
    assert inflate(deflate(bytes(1000)), limit=1000) == bytes(1000)
    with pytest.raises(TooLarge, match=r"gzip payload of \d+ bytes holds more than the 999"):
        inflate(deflate(bytes(1000)), limit=999)


def test_a_gzip_bomb_takes_no_memory() -> None:
    bomb = deflate(bytes(64 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge, match="65536"):
            inflate(bomb, limit=MESSAGE_MAX)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"plain",
        b"\x1f\x8b",
        deflate(b"text")[:-1],
        deflate(b"text") + b"x",
        deflate(b"text") * 2,
        deflate(b"text")[:-8] + bytes(8),
    ],
    ids=["nothing", "plain", "magic", "truncated", "trailing", "two members", "wrong checksum"],
)
def test_broken_gzip_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        inflate(data, limit=100)


def test_a_payload_is_packed_as_the_header_says() -> None:
    assert pack(b"text", Compression.NONE) == b"text"
    assert pack(b"text", Compression.GZIP) == deflate(b"text")
    assert unpack(b"text", Compression.NONE, limit=4) == b"text"
    assert unpack(deflate(b"text"), Compression.GZIP, limit=4) == b"text"
    assert unpack(b"", Compression.GZIP, limit=4) == b""
    with pytest.raises(TooLarge, match="5 bytes; 4 are"):
        unpack(b"texts", Compression.NONE, limit=4)
    with pytest.raises(ProtocolError, match="custom"):
        unpack(b"", Compression.CUSTOM, limit=4)
    with pytest.raises(ProtocolError, match="custom"):
        pack(b"", Compression.CUSTOM)


# Failures -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "code", "words"),
    [
        ('{"code": 3001, "message": "quota exceeded"}', 3001, "quota exceeded"),
        ('{"reqid":"r","code":3050,"operation":"submit","sequence":0,"Message":"no such voice"}', 3050, "no such voice"),
        ('{"status_code": 45000000, "status_text": "no concurrency left"}', 45000000, "no concurrency left"),
        ('{"error": "requested grant not found"}', 0, "requested grant not found"),
        ('{"error": {"code": "45000010", "message": "invalid auth token"}}', 45000010, "invalid auth token"),
        ('{"header": {"reqid": "r", "code": 55000000, "message": "mismatched"}}', 55000000, "mismatched"),
        ('{"code": 0, "message": "", "header": {"code": 45000001, "message": "late"}}', 45000001, "late"),
        ('{"ResponseMetadata": {"Error": {"Code": "x", "CodeN": 1, "Message": "denied"}}}', 0, "denied"),
        ('{"backend_code": 1}', 0, '{"backend_code": 1}'),
        ('{"code": true, "msg": 4}', 0, '{"code": true, "msg": 4}'),
        ('{"code": -1, "msg": "x"}', 0, "x"),
        ('{"code": 4294967296, "msg": "x"}', 0, "x"),
        ("[3001]", 0, "[3001]"),
        ("  too busy\n", 0, "too busy"),
        ("", 0, ""),
        ("[" * 20000, 0, "[" * (SHOWN_MAX - 1) + "…"),
        ('{"error": "half \\ud83d"}', 0, "half ?"),
    ],
)
def test_a_text_message_is_a_failure_in_many_spellings(message: str, code: int, words: str) -> None:
    assert decode_text(message) == Failure(code=code, message=words)


def test_objects_in_objects_are_searched_to_a_depth() -> None:
    deep: dict[str, object] = {"code": 7}
    for _ in range(3):
        deep = {"error": deep}
    assert find_failure(deep).code == 7
    assert find_failure({"error": deep}).code == 0


def test_a_long_message_is_shortened() -> None:
    failure = decode_text(json.dumps({"message": "语" * 5000}))
    assert len(failure.message) == SHOWN_MAX
    assert failure.message.endswith("语…")


def test_a_text_message_has_a_limit() -> None:
    assert decode_text("x" * MESSAGE_MAX).code == 0
    with pytest.raises(TooLarge, match=r"65537 characters; 65536 are"):
        decode_text("x" * (MESSAGE_MAX + 1))


def error_frame(body: bytes, *, compression: int = 0) -> Frame:
    return decode_frame(bytes((0x11, 0xF0, 0x10 | compression, 0)) + body)


def test_an_error_frame_is_code_size_and_words() -> None:
    assert decode_failure(error_frame(b"\x00\x00\x0b\xc2" + b"\x00\x00\x00\x04busy")) == Failure(code=3010, message="busy")


def test_an_error_frame_is_read_to_its_size() -> None:
    assert decode_failure(error_frame(b"\x00\x00\x0b\xc2" + b"\x00\x00\x00\x04busy, or so")).message == "busy"


@pytest.mark.parametrize("bits", [0, 1])
def test_the_magic_tells_a_packed_message_whatever_the_bits_say(bits: int) -> None:
    packed, plain = sized(gzip.compress(b'{"message":"zipped"}')), sized(b'{"message":"plain"}')
    assert decode_failure(error_frame(number(3001) + packed, compression=bits)).message == "zipped"
    assert decode_failure(error_frame(number(3001) + plain, compression=bits)).message == "plain"


def test_the_codes_of_frame_and_json_help_each_other() -> None:
    message = sized(b'{"code": 45000000, "message": "x"}')
    assert decode_failure(error_frame(number(0) + message)).code == 45000000
    assert decode_failure(error_frame(number(55000000) + message)).code == 55000000


def test_an_error_message_that_is_no_utf8_is_shown_all_the_same() -> None:
    assert decode_failure(error_frame(number(1) + sized(b"caf\xe9"))).message == "caf�"


def test_an_error_message_has_a_limit() -> None:
    with pytest.raises(TooLarge, match="65537 bytes; 65536 are"):
        decode_failure(error_frame(number(1) + sized(b"x" * (MESSAGE_MAX + 1))))
    with pytest.raises(TooLarge, match="more than the 65536"):
        decode_failure(error_frame(number(1) + sized(deflate(b"x" * (MESSAGE_MAX + 1)))))


def test_an_error_frame_can_hide_its_compression() -> None:
    frame = encode_failure(Failure(code=3001, message="zipped"), compression=Compression.GZIP, told=Compression.NONE)
    assert frame[:8] == b"\x11\xf0\x10\x00\x00\x00\x0b\xb9"
    assert gzip.decompress(frame[12:]) == b"zipped"


def test_a_failure_with_an_event_before_its_message_is_understood() -> None:
    message = b'{"code": 45000000, "message": "quota exceeded for types: concurrency"}'
    event_and_id = (153).to_bytes(4, "big") + (2).to_bytes(4, "big") + b"s1"
    body = (45000000).to_bytes(4, "big") + event_and_id + len(message).to_bytes(4, "big") + message
    frame = decode_frame(b"\x11\xf4\x10\x00" + body)
    assert decode_failure(frame) == Failure(code=45000000, message="quota exceeded for types: concurrency")
