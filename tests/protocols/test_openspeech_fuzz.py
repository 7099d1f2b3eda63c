"""OpenSpeech codecs against anything: what is written is read again, and only the protocol's own errors escape."""

from __future__ import annotations

import contextlib
import dataclasses
import random
import string
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wyoming_server.errors import ProtocolError, TooLarge
from wyoming_server.protocols import openspeech_v1 as v1
from wyoming_server.protocols import openspeech_v3 as v3
from wyoming_server.protocols.openspeech_frame import (
    Compression,
    Failure,
    MessageType,
    Serialization,
    decode_frame,
    deflate,
    encode_failure,
    encode_frame,
    sized,
)

from .fuzzing import ROUNDS, UNICODE

LIMIT = 1 << 16
TEXT = st.text(UNICODE, max_size=20)
JSON = st.dictionaries(TEXT, st.recursive(st.none() | st.booleans() | st.integers() | TEXT, st.lists, max_leaves=5), max_size=4)
COMPRESSION = st.sampled_from([Compression.NONE, Compression.GZIP])
EXTENSION = st.integers(0, 14).flatmap(lambda words: st.binary(min_size=words * 4, max_size=words * 4))
AUDIO = st.binary(max_size=200)
# Words that are no JSON and no blanks come back as they went.
FAILURE = st.builds(
    Failure, code=st.integers(1, 2**32 - 1), message=st.text(string.ascii_letters + "语音", min_size=1, max_size=50)
)

MESSAGES_V1 = st.one_of(
    st.just(v1.Acknowledgement()),
    st.builds(v1.Audio, data=AUDIO, sequence=st.integers(1, 2**31 - 1), last=st.just(False)),
    st.builds(v1.Audio, data=AUDIO, sequence=st.integers(-(2**31), -1), last=st.just(True)),
    st.builds(v1.FrontEnd, payload=JSON),
    FAILURE,
)
SESSION_EVENTS = sorted(event for event in v3.Event if event != v3.Event.AUDIO and v3.OWNERS[event] is not v3.Owner.NOBODY)
ID = st.text(UNICODE, max_size=64)
MESSAGES_V3 = st.one_of(
    st.builds(v3.Message, event=st.sampled_from([v3.Event.START_CONNECTION, v3.Event.FINISH_CONNECTION]), payload=JSON),
    st.builds(v3.Message, event=st.sampled_from(SESSION_EVENTS), id=ID, payload=JSON),
    st.builds(v3.Message, event=st.just(v3.Event.AUDIO), id=ID, payload=AUDIO),
    st.builds(v3.Message, event=st.integers(1000, 2**31 - 1), id=st.text(UNICODE, min_size=1, max_size=64), payload=JSON),
)


def extended(message: bytes, extension: bytes) -> bytes:
    return encode_frame(dataclasses.replace(decode_frame(message), extension=extension))


@given(JSON, COMPRESSION, EXTENSION)
def test_a_request_comes_back(request: dict[str, object], compression: Compression, extension: bytes) -> None:
    assert v1.decode_request(extended(v1.encode_request(request, compression=compression), extension)) == request


@given(MESSAGES_V1, COMPRESSION, EXTENSION, st.sampled_from([2, 3]))
def test_a_v1_message_comes_back(message: v1.ServerMessage, compression: Compression, extension: bytes, flags: int) -> None:
    wire = v1.encode_server(message, compression=compression, last_flags=flags)
    assert v1.decode_server(extended(wire, extension)) == message


@given(AUDIO, COMPRESSION)
def test_a_last_message_without_a_number_comes_back(data: bytes, compression: Compression) -> None:
    message = v1.Audio(data=data, sequence=None, last=True)
    assert v1.decode_server(v1.encode_server(message, compression=compression, last_flags=2)) == message


@given(MESSAGES_V3, COMPRESSION, EXTENSION)
def test_a_v3_message_comes_back(message: v3.Message, compression: Compression, extension: bytes) -> None:
    assert v3.decode(extended(v3.encode(message, compression=compression), extension)) == message


@given(FAILURE, COMPRESSION, COMPRESSION)
def test_a_failure_comes_back_whatever_the_bits_say(failure: Failure, compression: Compression, told: Compression) -> None:
    wire = encode_failure(failure, compression=compression, told=told)
    assert v1.decode_server(wire) == v3.decode(wire) == failure


# Anything else --------------------------------------------------------------------------------------------------------------

DECODERS: dict[str, Callable[[bytes], object]] = {
    "frame": decode_frame,
    "request": lambda data: v1.decode_request(data, limit=LIMIT),
    "v1": lambda data: v1.decode_server(data, limit=LIMIT),
    "v3": lambda data: v3.decode(data, limit=LIMIT),
}
BOMB = deflate(bytes(LIMIT * 4))


def survives(decode: Callable[[bytes], object], data: bytes) -> None:
    with contextlib.suppress(ProtocolError, TooLarge):
        decode(data)


def seeds() -> list[bytes]:
    """Valid frames of every kind, and some bombs."""
    session = v3.Message(event=v3.Event.TASK_REQUEST, id="session-1", payload={"text": "你好", "list": [1, {"code": 3}]})
    speech = v3.Message(event=v3.Event.AUDIO, id="session-1", payload=bytes(range(64)))
    last = v1.Audio(data=b"audio", sequence=-4, last=True)
    frames = [encode_frame(dataclasses.replace(decode_frame(v1.encode_server(last)), extension=b"12345678"))]
    for compression in (Compression.NONE, Compression.GZIP):
        frames += [v1.encode_request({"text": "你好"}, compression=compression)]
        frames += [v1.encode_server(message, compression=compression, last_flags=2) for message in (v1.Acknowledgement(), last)]
        frames += [v1.encode_server(v1.FrontEnd(payload={"a": [1, 2]}), compression=compression)]
        frames += [v1.encode_server(Failure(code=3001, message='{"header":{"code":1}}'), compression=compression)]
        frames += [
            v3.encode(message, compression=compression) for message in (session, speech, v3.Message(event=1), v3.Message(event=9))
        ]
    bodies = (sized(BOMB), b"\0\0\0\1" + sized(BOMB), b"\0\0\1\x60" + sized(b"id") + sized(BOMB))
    heads = (
        b"\x11\x10\x11\0",
        b"\x11\xb1\x01\0",
        b"\x11\xb2\x01\0",
        b"\x11\xf0\x10\0",
        b"\x11\xc0\x11\0",
        b"\x11\xb4\x01\0",
        b"\x11\x90\x11\0",
    )
    return frames + [head + body for head in heads for body in bodies]


def mutated(rng: random.Random, data: bytes) -> bytes:
    """A few bytes changed, added, or left out; sooner at the front, where the meaning is."""
    mutant = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = min(rng.randrange(len(mutant) + 1), rng.randrange(len(mutant) + 1))
        what = rng.randrange(4)
        if what == 0:
            mutant[at : at + 1] = rng.randbytes(1)
        elif what == 1:
            mutant[at : at + 4] = rng.choice([b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\1"])
        elif what == 2:
            del mutant[at : at + rng.randint(1, 8)]
        else:
            mutant[at:at] = rng.randbytes(rng.randint(1, 8))
    return bytes(mutant)


@pytest.mark.parametrize("name", DECODERS)
def test_random_bytes_give_only_the_protocols_errors(name: str) -> None:
    rng = random.Random(f"noise {name}")
    for _ in range(ROUNDS):
        noise = rng.randbytes(rng.randrange(64))
        survives(DECODERS[name], noise)
        kind = rng.choice(list(MessageType))
        head = bytes(
            (0x11, kind << 4 | rng.randrange(8), rng.choice(list(Serialization)) << 4 | rng.choice(list(Compression)), 0)
        )
        survives(DECODERS[name], head + noise)


@pytest.mark.parametrize("name", DECODERS)
def test_mutants_of_valid_frames_give_only_the_protocols_errors(name: str) -> None:
    rng = random.Random(f"mutants {name}")
    frames = seeds()
    for _ in range(ROUNDS):
        survives(DECODERS[name], mutated(rng, rng.choice(frames)))


def test_a_bomb_is_too_large_wherever_it_lies() -> None:
    event = b"\0\0\0\x96" + sized(b"id")
    bombs = {
        "request": [b"\x11\x10\x11\0" + sized(BOMB)],
        "v1": [
            b"\x11\xb1\x01\0" + b"\0\0\0\1" + sized(BOMB),
            b"\x11\xf0\x10\0" + b"\0\0\0\1" + sized(BOMB),
            b"\x11\xc0\x11\0" + sized(BOMB),
        ],
        "v3": [b"\x11\x94\x11\0" + event + sized(BOMB), b"\x11\xf0\x10\0" + b"\0\0\0\1" + sized(BOMB)],
    }
    for name, frames in bombs.items():
        for frame in frames:
            with pytest.raises(TooLarge, match=f"{len(BOMB)} bytes holds more than the {LIMIT}"):
                DECODERS[name](frame)


@pytest.mark.parametrize("nested", ["[" * 50000, '{"error":' * 50000, '{"a":' * 5000 + "1" + "}" * 5000, "1" * 5000])
def test_json_that_is_too_deep_or_too_long_is_no_trouble(nested: str) -> None:
    data = nested.encode()
    for frame in (b"\x11\x10\x10\0" + sized(data), b"\x11\xc0\x10\0" + sized(data), b"\x11\x90\x10\0" + sized(data)):
        for decode in DECODERS.values():
            survives(decode, frame)
    survives(DECODERS["v3"], b"\x11\x94\x10\0" + b"\0\0\0\x96" + sized(b"id") + sized(data))
    survives(DECODERS["v3"], b"\x11\x94\x10\0" + b"\0\0\x09\x96" + sized(b"id") + sized(data))


@settings(max_examples=200)
@given(st.text(max_size=200) | JSON.map(str) | st.recursive(JSON, lambda inner: st.fixed_dictionaries({"error": inner})).map(str))
def test_any_text_message_is_a_failure(text: str) -> None:
    failure = v1.decode_server(text)
    assert isinstance(failure, Failure)
    assert failure == v3.decode(text)
    failure.message.encode()
