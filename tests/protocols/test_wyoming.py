"""The Wyoming framing as transcripts: bytes in, events or errors out."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wyoming.audio import AudioChunk
from wyoming.event import Event
from wyoming.tts import Synthesize, SynthesizeVoice

from wyoming_server.errors import HeraldError, ProtocolError, TooLarge
from wyoming_server.models import AudioFormat
from wyoming_server.protocols.wyoming import AudioEncoder, WyomingReader, encode

SYNTHESIZE = (
    b'{"type": "synthesize", "version": "1.10.2", "data_length": 45}\n'
    b'{"text": "Hi.", "voice": {"language": "en"}}\n'
    b'{"type": "describe"}\n'
)


def read_all(data: bytes, **limits: int) -> list[Event]:
    reader = WyomingReader(**limits)
    reader.feed(data)
    return list(iter(reader.next_event, None))


def test_a_transcript_gives_the_same_events_byte_by_byte() -> None:
    expected = [Event("synthesize", {"text": "Hi.", "voice": {"language": "en"}}), Event("describe", {})]
    assert read_all(SYNTHESIZE) == expected
    reader = WyomingReader()
    events = []
    for byte in SYNTHESIZE:
        reader.feed(bytes([byte]))
        events += list(iter(reader.next_event, None))
    assert events == expected
    assert not reader.mid_event


def test_data_may_stand_in_the_header_and_behind_it() -> None:
    (event,) = read_all(b'{"type":"x","data":{"a":1,"b":1},"data_length":7,"payload_length":2}\n{"b":2}ab')
    assert event == Event("x", {"a": 1, "b": 2}, b"ab")


def test_bytes_behind_an_event_wait_for_the_rest() -> None:
    reader = WyomingReader()
    reader.feed(b'{"type":"ping"}\n{"type":"pi')
    assert reader.next_event() == Event("ping", {})
    assert reader.next_event() is None
    assert reader.mid_event


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"GET / HTTP/1.1\r\n", "The header of an event is not JSON in UTF-8: Expecting value: line 1 column 1 (char 0)."),
        (b'{"type":"\xff"}\n', "The header of an event is not JSON in UTF-8: "),
        (b"[1]\n", "The header of an event is not a JSON object."),
        (b"{}\n", "An event header without a type."),
        (b'{"type":7}\n', "An event header without a type."),
        (b'{"type":"x","data":[1]}\n', "An event whose data is not an object."),
        (b'{"type":"x","data_length":"5"}\n', "An event header whose data_length is not a count of bytes."),
        (b'{"type":"x","data_length":-1}\n', "An event header whose data_length is not a count of bytes."),
        (b'{"type":"x","payload_length":1.5}\n', "An event header whose payload_length is not a count of bytes."),
        (b'{"type":"x","payload_length":true}\n', "An event header whose payload_length is not a count of bytes."),
        (b'{"type":"x","data_length":2}\n[]', "The data of an event is not a JSON object."),
        (b'{"type":"x","data_length":1}\n{', "The data of an event is not JSON in UTF-8: "),
        (b'{"type":' + b"[" * 5000 + b"}\n", "The header of an event is not JSON in UTF-8: "),
    ],
)
def test_what_is_not_the_protocol_is_said_in_words(data: bytes, sentence: str) -> None:
    with pytest.raises(ProtocolError) as error:
        read_all(data)
    assert str(error.value).startswith(sentence)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b'{"type":"x","payload_length":2000000000}\n', "An event with a payload_length of 2000000000 bytes; 99 are allowed."),
        (b'{"type":"x","data_length":100}\n', "An event with a data_length of 100 bytes; 99 are allowed."),
        (b'{"type":"' + b"x" * 200, "An event header of more than 99 bytes; at least 209 came."),
    ],
)
def test_a_size_beyond_its_limit_is_refused_before_it_comes(data: bytes, sentence: str) -> None:
    with pytest.raises(TooLarge) as error:
        read_all(data, max_header=99, max_data=99, max_payload=99)
    assert str(error.value) == sentence


def complaint(parts: list[bytes], **limits: int) -> str | None:
    """What the reader says of these bytes; anything but Herald's own error fails the test."""
    reader = WyomingReader(**limits)
    try:
        for part in parts:
            reader.feed(part)
            while reader.next_event() is not None:
                pass
    except HeraldError as error:
        return str(error)
    return None


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_only_heralds_own_error_escapes(parts: list[bytes]) -> None:
    said = complaint(parts, max_header=100, max_data=50, max_payload=50)
    assert said is None or said.endswith(".")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(["type", "data", "data_length", "payload_length", "version"])


@given(st.dictionaries(KEYS, JSON), st.binary(max_size=30))
def test_any_header_gives_events_or_heralds_error(header: dict[str, object], tail: bytes) -> None:
    said = complaint([json.dumps(header).encode() + b"\n" + tail])
    assert said is None or said.endswith(".")


@given(
    st.lists(st.tuples(st.text(), st.dictionaries(st.text(), JSON, max_size=3), st.binary(max_size=40)), max_size=4),
    st.integers(min_value=1, max_value=50),
)
def test_what_is_written_is_read_again_in_any_pieces(events: list[tuple[str, dict[str, object], bytes]], size: int) -> None:
    sent = [Event(kind, data, payload or None) for kind, data, payload in events]
    wire = b"".join(map(encode, sent))
    reader = WyomingReader()
    received = []
    for start in range(0, len(wire), size):
        reader.feed(wire[start : start + size])
        received += list(iter(reader.next_event, None))
    assert received == sent


def test_an_event_of_the_package_arrives_as_it_was() -> None:
    event = Synthesize(text="Grüß Gott 你好", voice=SynthesizeVoice(name="en-GB"), context={"rate": 16000}).event()
    assert read_all(encode(event)) == [event]


def test_half_a_surrogate_pair_is_written_as_a_question_mark() -> None:
    assert read_all(encode(Event("x", {"text": "a\ud83d"}))) == [Event("x", {"text": "a?"})]


def test_an_audio_chunk_is_what_the_package_would_read() -> None:
    encoder = AudioEncoder(AudioFormat(rate=22050, channels=2))
    wire = encoder.chunk(b"\x01\x02\x03\x04") + encoder.chunk(bytes(1000))
    chunks = [AudioChunk.from_event(event) for event in read_all(wire)]
    assert [(c.rate, c.width, c.channels, c.audio) for c in chunks] == [
        (22050, 2, 2, b"\x01\x02\x03\x04"),
        (22050, 2, 2, bytes(1000)),
    ]
