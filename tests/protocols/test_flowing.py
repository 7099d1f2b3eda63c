"""FlowingSpeechSynthesizer as transcripts, built by hand: what the document shows, what servers and clients make of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from wyoming_server.errors import ProtocolError, TextTooLong, TooLarge
from wyoming_server.protocols.flowing import NAMES, decode_client, decode_server, encode_client, encode_server
from wyoming_server.protocols.flowing_events import (
    Audio,
    Cancel,
    ClientEvent,
    Completed,
    Failed,
    Finish,
    Kind,
    SentenceBegin,
    SentenceEnd,
    ServerEvent,
    Start,
    Started,
    Subtitles,
    Text,
    Unknown,
    Word,
)
from wyoming_server.protocols.flowing_json import AUDIO_MAX, ID_MAX, TEXT_MAX, WORDS_MAX, new_id
from wyoming_server.protocols.flowing_status import Status, is_retryable, words
from wyoming_server.protocols.json_messages import MESSAGE_MAX, NUMBER_MAX

MESSAGE_ID = "05450bf69c53413f8d88aed1ee600e93"
TASK_ID = "640bc797bb684bd6960185651307aaaa"
HEADER = {"message_id": MESSAGE_ID, "task_id": TASK_ID, "namespace": "FlowingSpeechSynthesizer"}
GOOD = {"status": 20000000, "status_message": "Success."}
SESSION = "session-1"

# Messages as we write them too: one of every event.
UP: list[tuple[dict[str, Any], ClientEvent]] = [
    (
        {"header": {**HEADER, "name": "StartSynthesis", "appkey": "key"}, "payload": {"voice": "中文女", "format": "PCM"}},
        Start(task_id=TASK_ID, payload={"voice": "中文女", "format": "PCM"}),
    ),
    (
        {"header": {**HEADER, "name": "RunSynthesis", "appkey": "key"}, "payload": {"text": "你好，world"}},
        Text(task_id=TASK_ID, text="你好，world"),
    ),
    ({"header": {**HEADER, "name": "StopSynthesis", "appkey": "key"}}, Finish(task_id=TASK_ID)),
    ({"header": {**HEADER, "name": "CancelSynthesis", "appkey": "key"}}, Cancel(task_id=TASK_ID)),
]

WORD = Word(text="你", begin_time=0, end_time=180, begin_index=0, end_index=1, phonemes=({"text": "n"},))
SUBTITLE = {
    "text": "你",
    "begin_time": 0,
    "end_time": 180,
    "begin_index": 0,
    "end_index": 1,
    "sentence": False,
    "phoneme_list": [{"text": "n"}],
}
DOWN: list[tuple[dict[str, Any], ServerEvent]] = [
    (
        {"header": {**HEADER, "name": "SynthesisStarted", **GOOD}, "payload": {"session_id": SESSION, "index": 0}},
        Started(task_id=TASK_ID, session_id=SESSION),
    ),
    (
        {"header": {**HEADER, "name": "SentenceBegin", **GOOD}, "payload": {"session_id": SESSION, "index": 1}},
        SentenceBegin(task_id=TASK_ID, session_id=SESSION, index=1),
    ),
    (
        {"header": {**HEADER, "name": "SentenceSynthesis", **GOOD}, "payload": {"index": 1, "subtitles": [SUBTITLE]}},
        Subtitles(task_id=TASK_ID, index=1, words=(WORD,)),
    ),
    (
        {
            "header": {**HEADER, "name": "SentenceEnd", **GOOD},
            "payload": {"session_id": SESSION, "index": 1, "subtitles": [SUBTITLE]},
        },
        SentenceEnd(task_id=TASK_ID, session_id=SESSION, index=1, words=(WORD,)),
    ),
    (
        {
            "header": {**HEADER, "name": "SynthesisCompleted", **GOOD},
            "payload": {
                "session_id": SESSION,
                "index": 2,
                "reason": "interrupted",
                "notice": "Not as asked.",
                "notice_code": "quota_exceeded",
                "voice": "somebody",
                "measureLength": 57,
            },
        },
        Completed(
            task_id=TASK_ID,
            session_id=SESSION,
            index=2,
            reason="interrupted",
            notice="Not as asked.",
            notice_code="quota_exceeded",
            voice="somebody",
            characters=57,
        ),
    ),
    (
        {"header": {**HEADER, "namespace": "Default", "name": "TaskFailed", "status": 40000001, "status_text": "No voice."}},
        Failed(task_id=TASK_ID, status=40000001, text="No voice."),
    ),
]


def up(name: str, payload: Any = None, **header: Any) -> str:
    return json.dumps({"header": {**HEADER, "name": name, **header}, "payload": payload})


@pytest.mark.parametrize(("wire", "event"), UP, ids=[NAMES[event.kind] for _, event in UP])
def test_a_clients_message_reads_and_writes(wire: dict[str, Any], event: ClientEvent) -> None:
    assert json.loads(encode_client(event, appkey="key", message_id=MESSAGE_ID)) == wire
    assert decode_client(json.dumps(wire)) == event


@pytest.mark.parametrize(("wire", "event"), DOWN, ids=[NAMES[event.kind] for _, event in DOWN])
def test_a_servers_message_reads_and_writes(wire: dict[str, Any], event: ServerEvent) -> None:
    message = encode_server(event, message_id=MESSAGE_ID)
    assert isinstance(message, str)
    assert json.loads(message) == wire
    assert decode_server(json.dumps(wire)) == event


def test_every_event_is_shown_here() -> None:
    shown = {event.kind for _, event in UP} | {event.kind for _, event in DOWN} | {Kind.AUDIO}
    assert shown == set(NAMES) == set(Kind) - {Kind.UNKNOWN}


def test_audio_is_a_binary_message_as_it_is() -> None:
    assert encode_server(Audio(data=b"RIFF")) == b"RIFF"
    assert decode_server(b"RIFF") == Audio(data=b"RIFF")


def test_a_server_without_an_appkey_is_sent_none_and_chinese_is_not_escaped() -> None:
    message = encode_client(Text(task_id=TASK_ID, text="你好"), message_id=MESSAGE_ID)
    assert "appkey" not in message
    assert "你好" in message


# What servers make of it ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wire", "event"),
    [
        ({"header": {"name": "SynthesisStarted"}}, Started(task_id="")),
        ({"header": {"name": "SynthesisStarted", "task_id": 7}, "payload": None}, Started(task_id="")),
        ({"header": {"name": "SynthesisStarted"}, "payload": {"session_id": None, "new": []}}, Started(task_id="")),
        ({"header": {"name": "SentenceBegin"}, "payload": {"index": "3"}}, SentenceBegin(task_id="", index=3)),
        ({"header": {"name": "SentenceBegin"}, "payload": {"index": -1}}, SentenceBegin(task_id="")),
        ({"header": {"name": "SentenceEnd"}, "payload": {"subtitles": None}}, SentenceEnd(task_id="")),
        ({"header": {"name": "SynthesisCompleted"}}, Completed(task_id="")),
        ({"header": {"name": "MetaInfo", "task_id": "a"}}, Unknown(task_id="a", name="MetaInfo")),
        (
            {"header": {"name": "TaskFailed", "status": "40000000", "task_id": "foreign"}},
            Failed(task_id="foreign", status=40000000, text="The request is not valid."),
        ),
        ({"header": {"name": "TaskFailed"}}, Failed(task_id="", status=40000000, text="The request is not valid.")),
        (
            {"header": {"name": "TaskFailed", "status": 50000099, "status_message": "GATEWAY|FAILED"}},
            Failed(task_id="", status=50000099, text="GATEWAY|FAILED"),
        ),
        (
            {"header": {"status": 40000001, "status_text": "Meta:ACCESS_DENIED"}},
            Failed(task_id="", status=40000001, text="Meta:ACCESS_DENIED"),
        ),
    ],
)
def test_a_servers_message_that_could_be_better_is_read(wire: dict[str, Any], event: ServerEvent) -> None:
    assert decode_server(json.dumps(wire)) == event


@pytest.mark.parametrize(
    ("entry", "word"),
    [
        ({}, Word(text="")),
        ({"text": 5, "begin_time": "120", "end_time": 130.5}, Word(text="", begin_time=120, end_time=130.5)),
        ({"text": "a", "begin_time": True, "end_time": "soon"}, Word(text="a")),
        ({"text": "a", "begin_time": "nan", "end_time": "inf"}, Word(text="a")),
        ({"text": "a", "begin_time": 10 * NUMBER_MAX, "end_time": "9" * 40}, Word(text="a")),
        ({"text": "a", "begin_time": "1".zfill(32), "end_time": "1".zfill(33)}, Word(text="a", begin_time=1)),
        ({"text": "a", "begin_index": 1.0, "end_index": None}, Word(text="a", begin_index=1)),
        ({"text": "a", "sentence": True}, Word(text="a", sentence=True)),
        ({"text": "a", "sentence": "你好"}, Word(text="a", sentence="你好")),
        ({"text": "a", "sentence": None, "phoneme_list": "null"}, Word(text="a")),
        ({"text": "\ud800"}, Word(text="?")),
    ],
)
def test_a_word_that_could_be_better_is_read(entry: dict[str, Any], word: Word) -> None:
    wire = {"header": {"name": "SentenceSynthesis"}, "payload": {"subtitles": [entry, "no word", None]}}
    assert decode_server(json.dumps(wire)) == Subtitles(task_id="", words=(word,))


# What clients make of it ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wire", "event"),
    [
        ('{"header":{"name":"StartSynthesis"}}', Start(task_id="", payload={})),
        (up("StartSynthesis", [1]), Start(task_id=TASK_ID, payload={})),
        (up("StartSynthesis", {"volumn": 1}, namespace=None), Start(task_id=TASK_ID, payload={"volumn": 1})),
        (up("RunSynthesis", {"text": ""}), Text(task_id=TASK_ID, text="")),
        (up("RunSynthesis", {"text": "\ud83d\ude00 \ud83d"}), Text(task_id=TASK_ID, text="😀 ?")),
        (up("StopSynthesis", {"text": "late"}, task_id="MESSAGE-17"), Finish(task_id="MESSAGE-17")),
        (up("PauseSynthesis"), Unknown(task_id=TASK_ID, name="PauseSynthesis")),
        (up("SynthesisStarted"), Unknown(task_id=TASK_ID, name="SynthesisStarted")),
    ],
)
def test_a_clients_message_that_could_be_better_is_read(wire: str, event: ClientEvent) -> None:
    assert decode_client(wire) == event


@pytest.mark.parametrize(
    ("wire", "said"),
    [
        ("", "not JSON"),
        ("hello", "not JSON"),
        ('{"header":', "not JSON"),
        ("[1]", "not a JSON object"),
        ("{}", "no name"),
        ('{"header":[]}', "no name"),
        ('{"header":{"name":""}}', "no name"),
        ('{"header":{"name":7}}', "no name"),
        (up("RunSynthesis"), "a string, not None"),
        (up("RunSynthesis", {"text": 5}), "a string, not 5"),
        (b"\0\1", "binary message of 2 bytes"),
    ],
)
def test_what_a_client_may_not_send_is_refused_in_words(wire: str | bytes, said: str) -> None:
    with pytest.raises(ProtocolError, match=said):
        decode_client(wire)


def test_a_servers_message_without_a_name_or_a_failure_is_refused() -> None:
    with pytest.raises(ProtocolError, match="no name"):
        decode_server('{"header":{"status":20000000}}')


# Strictness -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", ["", "1234", TASK_ID + "a", "g" * 32, "640bc797-bb68-4bd6-9601-85651307aaaa"])
def test_our_own_ids_have_32_hex_digits(bad: str) -> None:
    with pytest.raises(ProtocolError, match="32 hex digits"):
        encode_client(Finish(task_id=bad))


def test_ids_are_made_where_none_are_given() -> None:
    first, second = (json.loads(encode_client(Finish(task_id=new_id())))["header"] for _ in range(2))
    assert len({first["message_id"], second["message_id"], first["task_id"], second["task_id"]}) == 4


def test_a_server_gives_a_clients_id_back_as_it_was() -> None:
    message = encode_server(Started(task_id="MESSAGE-17"))
    assert decode_server(message) == Started(task_id="MESSAGE-17")


def test_what_is_written_has_no_half_characters() -> None:
    message = encode_client(Text(task_id=TASK_ID, text="a\ud800"))
    assert decode_client(message.encode().decode()) == Text(task_id=TASK_ID, text="a?")


def test_what_is_unknown_or_no_json_is_not_written() -> None:
    for event in (Unknown(task_id=TASK_ID, name="x"), Start(task_id=TASK_ID, payload={"pace": float("nan")})):
        with pytest.raises(ProtocolError, match="cannot be written"):
            encode_client(event)
    with pytest.raises(ProtocolError, match="cannot be written"):
        encode_server(Unknown(task_id=TASK_ID, name="x"))


def test_a_failure_without_words_is_told_in_the_documents() -> None:
    wire = json.loads(encode_server(Failed(task_id="a", status=Status.STATE)))
    assert wire["header"]["status_text"] == "The message does not fit the state of the session."


def test_a_failures_code_is_told_where_there_is_one() -> None:
    failed = Failed(task_id=TASK_ID, status=40000001, code="unknown_voice", text="No voice.")
    message = encode_server(failed)
    assert json.loads(message)["header"]["code"] == "unknown_voice"
    assert decode_server(message) == failed


# Limits ---------------------------------------------------------------------------------------------------------------------


def test_a_text_message_has_a_limit() -> None:
    room = MESSAGE_MAX - len(up("StopSynthesis", {"x": ""}))
    assert decode_client(up("StopSynthesis", {"x": "a" * room})) == Finish(task_id=TASK_ID)
    for decode in (decode_client, decode_server):
        with pytest.raises(TooLarge, match=f"{MESSAGE_MAX + 1} characters; {MESSAGE_MAX} are"):
            decode(up("StopSynthesis", {"x": "a" * (room + 1)}))
    with pytest.raises(TooLarge, match=f"{MESSAGE_MAX} are"):
        encode_client(Start(task_id=TASK_ID, payload={"x": "a" * MESSAGE_MAX}))


def test_a_binary_message_has_a_limit() -> None:
    data = bytes(AUDIO_MAX + 1)
    assert decode_server(data[1:]) == Audio(data=data[1:])
    with pytest.raises(TooLarge, match=f"{AUDIO_MAX + 1} bytes; {AUDIO_MAX} are"):
        decode_server(data)
    with pytest.raises(TooLarge, match=f"{AUDIO_MAX + 1} bytes; {AUDIO_MAX} are"):
        encode_server(Audio(data=data))


def test_a_piece_of_text_has_a_limit_both_ways() -> None:
    longest = Text(task_id=TASK_ID, text="字" * TEXT_MAX)
    assert decode_client(encode_client(longest)) == longest
    with pytest.raises(TextTooLong, match="20001 characters; 20000 are"):
        decode_client(up("RunSynthesis", {"text": "字" * (TEXT_MAX + 1)}))
    with pytest.raises(TextTooLong, match="3 characters; 2 are"):
        decode_client(up("RunSynthesis", {"text": "abc"}), text_max=2)
    with pytest.raises(TextTooLong, match="3 characters; 2 are"):
        encode_client(Text(task_id=TASK_ID, text="abc"), text_max=2)


def test_an_id_has_a_limit() -> None:
    assert decode_client(up("StopSynthesis", task_id="i" * ID_MAX)) == Finish(task_id="i" * ID_MAX)
    for wire in (up("StopSynthesis", task_id="i" * (ID_MAX + 1)), up("X", task_id="i" * (ID_MAX + 1))):
        with pytest.raises(TooLarge, match="257 characters; 256 are"):
            decode_client(wire)


def test_words_beyond_the_limit_and_the_ends_of_long_texts_are_left_out() -> None:
    entries = [{"text": str(n)} for n in range(WORDS_MAX + 1)]
    event = decode_server(up("SentenceEnd", {"subtitles": entries}))
    assert isinstance(event, SentenceEnd)
    assert [word.text for word in event.words] == [str(n) for n in range(WORDS_MAX)]
    failed = decode_server(up("TaskFailed", status_text="x" * 5000))
    assert isinstance(failed, Failed)
    assert len(failed.text) == 1000


# Statuses -------------------------------------------------------------------------------------------------------------------


def test_only_the_servers_own_errors_and_two_more_may_be_retried() -> None:
    assert {status for status in Status if is_retryable(status)} == {Status.IDLE, Status.TOO_MANY, Status.SERVER_ERROR}
    assert is_retryable(50000001)
    assert not is_retryable(60000000)


def test_every_status_has_words() -> None:
    assert all(words(status).endswith(".") for status in Status)
    assert words(50000042) == words(Status.SERVER_ERROR)
    assert words(40020107) == words(Status.CLIENT_ERROR)
    assert words(7) == "Status 7."
