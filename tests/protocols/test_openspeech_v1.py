"""OpenSpeech v1 as transcripts, built by hand: requests up, acknowledgement, audio, ends and failures down."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from wyoming_server.errors import ProtocolError, TooLarge
from wyoming_server.protocols.openspeech_frame import JSON_MAX, Compression, Failure, deflate
from wyoming_server.protocols.openspeech_v1 import (
    Acknowledgement,
    Audio,
    FrontEnd,
    ServerMessage,
    decode_request,
    decode_server,
    encode_request,
    encode_server,
)

REQUEST = {"app": {"appid": "1"}, "request": {"text": "字节跳动语音合成。", "operation": "submit"}}
END = Audio(data=b"", sequence=None, last=True)


def audio(data: bytes, sequence: int | None, *, last: bool = False) -> Audio:
    return Audio(data=data, sequence=sequence, last=last)


# A server's messages, by hand, and what they say.
TRANSCRIPT: list[tuple[str, str, ServerMessage]] = [
    ("acknowledgement", "11b00000", Acknowledgement()),
    ("acknowledgement with a size", "11b00000 00000000", Acknowledgement()),
    ("audio", "11b10000 00000001 00000004 61626364", audio(b"abcd", 1)),
    ("audio with a longer header", "13b10000 0102030405060708 00000002 00000002 6162", audio(b"ab", 2)),
    ("audio whose serialization is wrong", "11b11000 00000002 00000002 6162", audio(b"ab", 2)),
    ("audio and what nobody asked for", "11b10000 00000003 00000002 6162 ffff", audio(b"ab", 3)),
    ("flags 3 with audio", "11b30000 fffffffe 00000002 6162", audio(b"ab", -2, last=True)),
    ("flags 3, empty", "11b30000 fffffffe 00000000", audio(b"", -2, last=True)),
    ("flags 3 and what nobody asked for", "11b30000 fffffffe 00000000 00", audio(b"", -2, last=True)),
    ("flags 3 without a body", "11b30000", END),
    ("flags 2 with a sequence number", "11b20000 fffffffe 00000002 6162", audio(b"ab", -2, last=True)),
    ("flags 2 with a sequence number, empty", "11b20000 ffffffff 00000000", audio(b"", -1, last=True)),
    ("flags 2 without a sequence number", "11b20000 00000002 6162", audio(b"ab", None, last=True)),
    ("flags 2 without a sequence number, empty", "11b20000 00000000", END),
    ("flags 2 without a body", "11b20000", END),
    ("flags 2 that fit both forms", "11b20000 00000004 00000000", audio(bytes(4), None, last=True)),
    ("flags 1 with a negative sequence number", "11b10000 fffffffd 00000001 61", audio(b"a", -3, last=True)),
    ("packed but empty", "11b30100 fffffffe 00000000", audio(b"", -2, last=True)),
    ("front end", "11c01000 0000000d" + b'{"words":[1]}'.hex(), FrontEnd(payload={"words": [1]})),
    ("front end, empty", "11c01000 00000000", FrontEnd(payload={})),
    ("error", "11f01000 00000bb9 00000004" + b"busy".hex(), Failure(code=3001, message="busy")),
    ("deprecated answer", "11901000 0000000d" + b'{"code":3000}'.hex(), Acknowledgement()),
    ("deprecated answer of nothing", "11901000 00000000", Acknowledgement()),
    ("deprecated answer without JSON", "11901000 00000002 6162", Acknowledgement()),
    ("deprecated failure", "11901000 0000001b" + b'{"code":3050,"message":"x"}'.hex(), Failure(code=3050, message="x")),
    ("deprecated failure, numbered", "11911000 00000001 0000000d" + b'{"code":3011}'.hex(), Failure(code=3011, message="")),
]


@pytest.mark.parametrize(("message", "meaning"), [row[1:] for row in TRANSCRIPT], ids=[row[0] for row in TRANSCRIPT])
def test_a_message_says(message: str, meaning: ServerMessage) -> None:
    assert decode_server(bytes.fromhex(message)) == meaning


@pytest.mark.parametrize("message", [row[1] for row in TRANSCRIPT], ids=[row[0] for row in TRANSCRIPT])
def test_a_truncated_message_is_refused_or_is_a_shorter_one(message: str) -> None:
    whole = bytes.fromhex(message)
    for end in range(len(whole)):
        try:
            shorter = decode_server(whole[:end])
        except ProtocolError:
            continue
        assert shorter in (Acknowledgement(), END, decode_server(whole)), (end, shorter)


def test_a_text_message_is_a_failure() -> None:
    assert decode_server('{"code":3003,"message":"over"}') == Failure(code=3003, message="over")


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("11b20000 00000003 6162", "6 bytes whose size field fits neither"),
        ("11b20000 fffffffe 00000001 6162", "10 bytes whose size field fits neither"),
        ("11b20000 fffffffe", "4 bytes whose size field fits neither"),
        ("11b20000 00", "1 bytes whose size field fits neither"),
        ("11b10000", "sequence number"),
        ("11b10000 00000001 00000003 6162", "3 bytes by its size field, of which 2 came"),
        ("11b40000 00000160 00000000", "flags 0x4"),
        ("11b10100 00000001 00000002 6162", "not gzip"),
        ("11b10f00 00000001 00000002 6162", "custom"),
        ("11c01000 00000002 5b5d", "not a JSON object"),
        ("11c01000 00000002 7b7b", "not JSON"),
        ("11f01000 00000bb9", "size"),
        ("11101000 00000002 7b7d", "type 0x1, which no server sends"),
        ("11201000", "type 0x2, which no server sends"),
    ],
)
def test_what_no_server_may_send_is_refused_in_words(message: str, words: str) -> None:
    with pytest.raises(ProtocolError, match=words):
        decode_server(bytes.fromhex(message))


@pytest.mark.parametrize("head", ["11b10100 00000001", "11b30100 ffffffff", "11b20100 ffffffff", "11b20100"])
def test_packed_audio_is_unpacked(head: str) -> None:
    packed = gzip.compress(b"audio")
    message = bytes.fromhex(head) + len(packed).to_bytes(4, "big") + packed
    decoded = decode_server(message)
    assert isinstance(decoded, Audio)
    assert decoded.data == b"audio"


def test_a_payload_has_a_limit_packed_or_not() -> None:
    plain = bytes.fromhex("11b10000 00000001 00000004 61626364")
    assert decode_server(plain, limit=4) == audio(b"abcd", 1)
    with pytest.raises(TooLarge, match="4 bytes; 3 are"):
        decode_server(plain, limit=3)
    packed = encode_server(audio(bytes(1000), 1), compression=Compression.GZIP)
    with pytest.raises(TooLarge, match="more than the 999"):
        decode_server(packed, limit=999)


def test_json_has_a_lower_limit() -> None:
    big = encode_server(FrontEnd(payload={"a": "x" * JSON_MAX}))
    with pytest.raises(TooLarge, match=r"1048584 bytes of JSON; 1048576 are"):
        decode_server(big)


# Every form that a server uses, as our own server end makes it.
FORMS: list[tuple[str, ServerMessage, dict[str, Any], str]] = [
    ("acknowledgement", Acknowledgement(), {}, "11b00000"),
    ("audio", audio(b"ab", 1), {}, "11b10000 00000001 00000002 6162"),
    ("last", audio(b"ab", -2, last=True), {}, "11b30000 fffffffe 00000002 6162"),
    ("last, empty", audio(b"", -2, last=True), {}, "11b30000 fffffffe 00000000"),
    ("flags 2, numbered", audio(b"a", -2, last=True), {"last_flags": 2}, "11b20000 fffffffe 00000001 61"),
    ("flags 2", audio(b"a", -2, last=True), {"last_flags": 2, "last_with_sequence": False}, "11b20000 00000001 61"),
    ("flags 2, no number", audio(b"a", None, last=True), {"last_flags": 2}, "11b20000 00000001 61"),
    ("front end", FrontEnd(payload={"a": "语"}), {}, "11c01000 0000000b" + '{"a":"语"}'.encode().hex()),
    ("error", Failure(code=3011, message="no"), {}, "11f01000 00000bc3 00000002 6e6f"),
]


@pytest.mark.parametrize(("message", "form", "wire"), [row[1:] for row in FORMS], ids=[row[0] for row in FORMS])
def test_a_server_writes(message: ServerMessage, form: dict[str, Any], wire: str) -> None:
    assert encode_server(message, **form) == bytes.fromhex(wire)


def test_a_server_can_pack_and_hide_it() -> None:
    packed = deflate(b"no")
    body = b"\x00\x00\x0b\xc3" + len(packed).to_bytes(4, "big") + packed
    failure = Failure(code=3011, message="no")
    assert encode_server(failure, compression=Compression.GZIP) == b"\x11\xf0\x11\x00" + body
    assert encode_server(failure, compression=Compression.GZIP, told=Compression.NONE) == b"\x11\xf0\x10\x00" + body


@pytest.mark.parametrize(("message", "flags"), [(audio(b"a", None), 3), (END, 3)])
def test_audio_needs_a_sequence_number(message: Audio, flags: int) -> None:
    with pytest.raises(ProtocolError, match="sequence number"):
        encode_server(message, last_flags=flags)


def test_a_number_out_of_range_is_no_message() -> None:
    with pytest.raises(ProtocolError, match="-1 does not fit"):
        encode_server(Failure(code=-1, message=""))


# Requests -------------------------------------------------------------------------------------------------------------------


def test_a_request_is_sent_as_the_vendor_shows_it() -> None:
    message = encode_request(REQUEST)
    assert message[:4] == b"\x11\x10\x11\x00"
    assert int.from_bytes(message[4:8], "big") == len(message) - 8
    assert json.loads(gzip.decompress(message[8:])) == REQUEST


def test_a_request_may_be_plain() -> None:
    message = encode_request({"a": "语"}, compression=Compression.NONE)
    assert message == b"\x11\x10\x10\x00\x00\x00\x00\x0b" + '{"a":"语"}'.encode()


def test_a_server_reads_what_others_send() -> None:
    packed = gzip.compress(json.dumps(REQUEST).encode())
    assert decode_request(b"\x11\x10\x11\x00" + len(packed).to_bytes(4, "big") + packed + b"trailing") == REQUEST
    plain = json.dumps(REQUEST).encode()
    assert decode_request(b"\x12\x10\x10\x00more" + len(plain).to_bytes(4, "big") + plain) == REQUEST


@pytest.mark.parametrize("compression", [Compression.NONE, Compression.GZIP])
def test_every_truncation_of_a_request_is_refused(compression: Compression) -> None:
    message = encode_request(REQUEST, compression=compression)
    for end in range(len(message)):
        with pytest.raises(ProtocolError):
            decode_request(message[:end])


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("11b01000 00000002 7b7d", "not 0xb and 0"),
        ("11141000 00000002 7b7d", "not 0x1 and 4"),
        ("11101000 00000002 5b5d", "not a JSON object"),
        ("11101000 00000000", "not JSON"),
        ("11101000 00000003 7b7d", "3 bytes by its size field, of which 2 came"),
    ],
)
def test_what_is_no_request_is_refused_in_words(message: str, words: str) -> None:
    with pytest.raises(ProtocolError, match=words):
        decode_request(bytes.fromhex(message))


def test_a_request_has_a_limit() -> None:
    with pytest.raises(TooLarge, match="more than the 65536"):
        decode_request(encode_request({"text": "x" * (64 << 10)}))
    with pytest.raises(TooLarge, match="13 bytes; 12 are"):
        decode_request(encode_request({"a": "12345"}, compression=Compression.NONE), limit=12)
