"""OpenSpeech v3 as transcripts, built by hand: events both ways, failures, and what servers get wrong."""

from __future__ import annotations

import gzip

import pytest

from wyoming_server.errors import ProtocolError, TooLarge
from wyoming_server.protocols.openspeech_frame import JSON_MAX, Compression, Failure, deflate
from wyoming_server.protocols.openspeech_v3 import ID_MAX, OWNERS, UP, Event, Message, Owner, decode, encode

EMPTY = "00000002 7b7d"  # {}
ID = "00000002 6964"  # "id"

# Frames as we write them too: one of every event.
EXACT: list[tuple[str, Message]] = [
    (f"11141000 00000001 {EMPTY}", Message(event=Event.START_CONNECTION)),
    (f"11141000 00000002 {EMPTY}", Message(event=Event.FINISH_CONNECTION)),
    (f"11941000 00000032 {ID} {EMPTY}", Message(event=Event.CONNECTION_STARTED, id="id")),
    (f"11941000 00000033 {ID} {EMPTY}", Message(event=Event.CONNECTION_FAILED, id="id")),
    (f"11941000 00000034 {ID} {EMPTY}", Message(event=Event.CONNECTION_FINISHED, id="id")),
    (f"11141000 00000064 {ID} 00000007" + b'{"a":1}'.hex(), Message(event=Event.START_SESSION, id="id", payload={"a": 1})),
    (f"11141000 00000065 {ID} {EMPTY}", Message(event=Event.CANCEL_SESSION, id="id")),
    (f"11141000 00000066 {ID} {EMPTY}", Message(event=Event.FINISH_SESSION, id="id")),
    (f"11941000 00000096 {ID} {EMPTY}", Message(event=Event.SESSION_STARTED, id="id")),
    (f"11941000 00000097 {ID} {EMPTY}", Message(event=Event.SESSION_CANCELED, id="id")),
    (f"11941000 00000098 {ID} {EMPTY}", Message(event=Event.SESSION_FINISHED, id="id")),
    (f"11941000 00000099 {ID} {EMPTY}", Message(event=Event.SESSION_FAILED, id="id")),
    (
        f"11141000 000000c8 {ID} 0000000b" + '{"t":"语"}'.encode().hex(),
        Message(event=Event.TASK_REQUEST, id="id", payload={"t": "语"}),
    ),
    (f"11941000 0000015e {ID} {EMPTY}", Message(event=Event.SENTENCE_START, id="id")),
    (f"11941000 0000015f {ID} {EMPTY}", Message(event=Event.SENTENCE_END, id="id")),
    (f"11b40000 00000160 {ID} 00000004 00010203", Message(event=Event.AUDIO, id="id", payload=b"\0\1\2\3")),
    (f"11941000 0000016c {ID} {EMPTY}", Message(event=Event.SUBTITLE, id="id")),
]

# Frames that are read, but not what we would write.
TOLERATED: list[tuple[str, str, Message | Failure]] = [
    ("empty payload", f"11941000 00000096 {ID} 00000000", Message(event=Event.SESSION_STARTED, id="id")),
    ("empty id", "11941000 00000096 00000000 00000000", Message(event=Event.SESSION_STARTED)),
    ("packed and empty", f"11941100 00000096 {ID} 00000000", Message(event=Event.SESSION_STARTED, id="id")),
    ("trailing bytes", f"11941000 00000096 {ID} {EMPTY} ffff", Message(event=Event.SESSION_STARTED, id="id")),
    ("longer header", f"12941000 ffffffff 00000096 {ID} {EMPTY}", Message(event=Event.SESSION_STARTED, id="id")),
    ("audio called JSON", f"11b41000 00000160 {ID} 00000002 7b7d", Message(event=Event.AUDIO, id="id", payload=b"{}")),
    ("audio in a full answer", f"11941000 00000160 {ID} 00000002 0001", Message(event=Event.AUDIO, id="id", payload=b"\0\1")),
    ("empty audio", f"11b40000 00000160 {ID} 00000000", Message(event=Event.AUDIO, id="id", payload=b"")),
    (
        "JSON, but no object",
        f"11941000 0000015e {ID} 00000003 5b315d",
        Message(event=Event.SENTENCE_START, id="id", payload={"value": [1]}),
    ),
    ("object called raw", f"11940000 00000096 {ID} {EMPTY}", Message(event=Event.SESSION_STARTED, id="id")),
    (
        "words called raw",
        f"11940000 00000033 {ID} 00000002 6e6f",
        Message(event=Event.CONNECTION_FAILED, id="id", payload={"value": "no"}),
    ),
    ("error", "11f01000 0349 2ae0 00000004 62757379", Failure(code=55126752, message="busy")),
    ("error with JSON", "11f01000 00000000 0000000a" + b'{"code":7}'.hex(), Failure(code=7, message='{"code":7}')),
    (
        "unknown event with an id",
        f"11941000 00000999 {ID} 00000007" + b'{"a":1}'.hex(),
        Message(event=0x999, id="id", payload={"a": 1}),
    ),
    ("unknown event without", "11941000 00000999 00000007" + b'{"a":1}'.hex(), Message(event=0x999, payload={"a": 1})),
    ("unknown event with bytes", f"11b40000 00000167 {ID} 00000002 ff00", Message(event=359, id="id", payload=b"\xff\0")),
    ("unknown event, empty", "11941000 00000003 00000000", Message(event=3, payload=b"")),
    ("negative event", "11941000 ffffffff 00000000", Message(event=-1, payload=b"")),
]


@pytest.mark.parametrize(("wire", "message"), EXACT, ids=[Event(message.event).title for _, message in EXACT])
def test_an_event_reads_and_writes(wire: str, message: Message) -> None:
    assert encode(message) == bytes.fromhex(wire)
    assert decode(bytes.fromhex(wire)) == message


def test_every_event_is_shown_here() -> None:
    assert {message.event for _, message in EXACT} == set(Event)


@pytest.mark.parametrize(("wire", "message"), [row[1:] for row in TOLERATED], ids=[row[0] for row in TOLERATED])
def test_a_frame_that_could_be_better_is_read(wire: str, message: Message | Failure) -> None:
    assert decode(bytes.fromhex(wire)) == message


def test_a_known_event_is_told_by_its_name() -> None:
    message = decode(bytes.fromhex(EXACT[0][0]))
    assert isinstance(message, Message)
    assert isinstance(message.event, Event)
    assert Event.SESSION_CANCELED.title == "SessionCanceled"


@pytest.mark.parametrize("wire", [row[0] for row in EXACT] + [row[1] for row in TOLERATED])
def test_a_truncated_frame_is_refused_or_says_the_same(wire: str) -> None:
    """An unknown event's id, once its payload is cut off, reads as a payload: it will be ignored all the same."""
    whole = bytes.fromhex(wire)
    for end in range(len(whole)):
        try:
            shorter = decode(whole[:end])
        except ProtocolError:
            continue
        unknown = isinstance(shorter, Message) and shorter.event not in OWNERS
        assert unknown or shorter == decode(whole), end


@pytest.mark.parametrize("event", [Event.SESSION_STARTED, Event.AUDIO])
def test_packed_payloads_are_unpacked(event: Event) -> None:
    payload = b"\0\1" if event is Event.AUDIO else b'{"a":1}'
    packed = gzip.compress(payload)
    wire = bytes.fromhex(f"11941100 {event:08x} {ID}") + len(packed).to_bytes(4, "big") + packed
    assert decode(wire) == Message(event=event, id="id", payload=payload if event is Event.AUDIO else {"a": 1})
    ours = encode(
        Message(event=event, id="id", payload=payload if event is Event.AUDIO else {"a": 1}), compression=Compression.GZIP
    )
    assert ours.endswith(deflate(payload))
    assert ours[2] & 0xF == 1


def test_a_text_message_is_a_failure() -> None:
    assert decode('{"error":"resource ID is mismatched","code":55000000}') == Failure(
        code=55000000, message="resource ID is mismatched"
    )


@pytest.mark.parametrize(
    ("wire", "words"),
    [
        ("119410", "3 bytes"),
        ("11941000", "event"),
        ("11941000 0000", "event"),
        ("11941000 00000096", "id's size"),
        ("11941000 00000096 00000003 6964", "id of 3 bytes by its size field, of which 2 came"),
        (f"11941000 00000096 {ID}", "payload's size"),
        (f"11941000 00000096 {ID} 00000003 7b7d", "payload of 3 bytes by its size field, of which 2 came"),
        (f"11941000 00000096 {ID} 00000002 7b7b", "not JSON"),
        (f"11941000 00000096 {ID} 00000002 c328", "not JSON"),
        (f"11941000 00000096 00000002 c328 {EMPTY}", "not UTF-8"),
        (f"11941100 00000096 {ID} {EMPTY}", "not gzip"),
        (f"11941f00 00000096 {ID} {EMPTY}", "custom"),
        (f"11901000 00000096 {ID} {EMPTY}", "type 0x9 with the flags 0; one with an event has 4"),
        (f"11b10000 00000001 {EMPTY}", "flags 1"),
        ("11941000 00000999 00000009 7b7d", "payload of 9 bytes"),
        ("11f01000 0349", "error code"),
        ("11f01000 03492ae0 00000005 62757379", "error message of 5 bytes"),
    ],
)
def test_what_is_no_event_is_refused_in_words(wire: str, words: str) -> None:
    with pytest.raises(ProtocolError, match=words):
        decode(bytes.fromhex(wire))


def test_an_id_has_a_limit() -> None:
    longest = Message(event=Event.SESSION_STARTED, id="i" * ID_MAX)
    assert decode(encode(longest)) == longest
    with pytest.raises(TooLarge, match="257 bytes; 256 are"):
        encode(Message(event=Event.SESSION_STARTED, id="i" * 257))
    with pytest.raises(TooLarge, match="257 bytes; 256 are"):
        decode(bytes.fromhex("11941000 00000096 00000101" + "69" * 257 + EMPTY))


def test_a_payload_has_a_limit_packed_or_not() -> None:
    message = Message(event=Event.AUDIO, id="id", payload=bytes(1000))
    assert decode(encode(message), limit=1000) == message
    with pytest.raises(TooLarge, match="1000 bytes; 999 are"):
        decode(encode(message), limit=999)
    with pytest.raises(TooLarge, match="more than the 999"):
        decode(encode(message, compression=Compression.GZIP), limit=999)


def test_json_has_a_lower_limit() -> None:
    big = {"a": "x" * JSON_MAX}
    with pytest.raises(TooLarge, match=r"1048584 bytes of JSON; 1048576 are"):
        decode(encode(Message(event=Event.SENTENCE_END, id="id", payload=big)))
    unread = decode(encode(Message(event=999, id="id", payload=big)))
    assert isinstance(unread, Message)
    assert isinstance(unread.payload, bytes)


@pytest.mark.parametrize(
    "message",
    [
        Message(event=Event.AUDIO, id="id", payload={}),
        Message(event=Event.TASK_REQUEST, id="id", payload=b"text"),
        Message(event=Event.START_CONNECTION, id="id"),
        Message(event=1 << 31),
    ],
)
def test_what_has_no_frame_is_not_written(message: Message) -> None:
    with pytest.raises(ProtocolError):
        encode(message)


def test_unknown_events_can_be_written_for_a_test() -> None:
    for message in (Message(event=999, id="id", payload={"a": 1}), Message(event=999, payload=b"\xff"), Message(event=-5)):
        assert decode(encode(message)) == message


def test_the_table_of_owners_is_the_documentation() -> None:
    owners = {owner: {int(event) for event in Event if OWNERS[event] is owner} for owner in Owner}
    assert owners[Owner.NOBODY] == {1, 2}
    assert owners[Owner.CONNECTION] == {50, 51, 52}
    assert {int(event) for event in UP} == {1, 2, 100, 101, 102, 200}
