"""DashScope as transcripts, built by hand: what its document shows, what its SDK sends, and what a run-task may ask for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from wyoming_server.errors import BadSetting, ProtocolError, TextTooLong, TooLarge
from wyoming_server.protocols.dashscope import (
    NAMES,
    TEXT_MAX,
    characters,
    decode_client,
    decode_server,
    encode_client,
    encode_server,
)
from wyoming_server.protocols.dashscope_task import Task
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
from wyoming_server.protocols.flowing_order import ClientOrder, ServerOrder, State
from wyoming_server.protocols.json_messages import MESSAGE_MAX

TASK_ID = "2bf83b9a-baeb-4fda-8d9a-0123456789ab"
TASK = Task(model="cosyvoice-v2", voice="longxiaochun_v2", rate=1.5, word_timestamp_enabled=True, extras={"seed": 7})
RUN_TASK = {
    "task_group": "audio",
    "task": "tts",
    "function": "SpeechSynthesizer",
    "model": "cosyvoice-v2",
    "parameters": {
        "seed": 7,
        "voice": "longxiaochun_v2",
        "format": "pcm",
        "sample_rate": 22050,
        "volume": 50,
        "rate": 1.5,
        "pitch": 1.0,
        "text_type": "PlainText",
        "word_timestamp_enabled": True,
    },
    "input": {},
}


def up(action: str, payload: dict[str, Any]) -> dict[str, Any]:
    return {"header": {"action": action, "task_id": TASK_ID, "streaming": "duplex"}, "payload": payload}


def down(event: str, payload: dict[str, Any], **header: str) -> dict[str, Any]:
    return {"header": {"task_id": TASK_ID, "event": event, "attributes": {}, **header}, "payload": payload}


UP: list[tuple[dict[str, Any], ClientEvent]] = [
    (up("run-task", RUN_TASK), Start(task_id=TASK_ID, payload=RUN_TASK)),
    (up("continue-task", {"input": {"text": "床前明月光"}}), Text(task_id=TASK_ID, text="床前明月光")),
    (up("continue-task", {"input": {"flush": True}}), Text(task_id=TASK_ID, text="")),
    (up("finish-task", {"input": {}}), Finish(task_id=TASK_ID)),
    (up("finish-task", {"input": {"directive": "cancel"}}), Cancel(task_id=TASK_ID)),
]
WORD = {"text": "床", "begin_index": 0, "end_index": 1, "begin_time": 80, "end_time": 200}
READ = Word(text="床", begin_index=0, end_index=1, begin_time=80, end_time=200)
DOWN: list[tuple[dict[str, Any], ServerEvent]] = [
    (down("task-started", {}), Started(task_id=TASK_ID)),
    (
        down(
            "result-generated",
            {"output": {"sentence": {"index": 0, "words": []}, "type": "sentence-begin", "original_text": "床前明月光，"}},
        ),
        SentenceBegin(task_id=TASK_ID, index=1, text="床前明月光，"),
    ),
    (
        down("result-generated", {"output": {"sentence": {"index": 0, "words": [WORD]}, "type": "sentence-synthesis"}}),
        Subtitles(task_id=TASK_ID, index=1, words=(READ,)),
    ),
    (
        down(
            "result-generated",
            {
                "output": {"sentence": {"index": 1, "words": [WORD]}, "type": "sentence-end", "original_text": "床"},
                "usage": {"characters": 11},
            },
        ),
        SentenceEnd(task_id=TASK_ID, index=2, words=(READ,), text="床", characters=11),
    ),
    (
        down("task-finished", {"output": {"sentence": {"words": [WORD]}}, "usage": {"characters": 13}}),
        Completed(task_id=TASK_ID, words=(READ,), characters=13),
    ),
    (
        down("task-failed", {}, error_code="InvalidParameter", error_message="[tts:]Engine return error code: 418"),
        Failed(task_id=TASK_ID, code="InvalidParameter", text="[tts:]Engine return error code: 418"),
    ),
]


@pytest.mark.parametrize(("wire", "event"), UP)
def test_a_clients_message_reads_and_writes(wire: dict[str, Any], event: ClientEvent) -> None:
    assert json.loads(encode_client(event)) == wire
    assert decode_client(json.dumps(wire)) == event


@pytest.mark.parametrize(("wire", "event"), DOWN, ids=[NAMES[event.kind] for _, event in DOWN])
def test_a_servers_message_reads_and_writes(wire: dict[str, Any], event: ServerEvent) -> None:
    message = encode_server(event)
    assert isinstance(message, str)
    assert json.loads(message) == wire
    assert decode_server(json.dumps(wire)) == event


def test_every_event_is_shown_here() -> None:
    shown = {event.kind for _, event in UP} | {event.kind for _, event in DOWN} | {Kind.AUDIO}
    assert shown == set(NAMES) == set(Kind) - {Kind.UNKNOWN}


def test_audio_is_a_binary_message_as_it_is() -> None:
    assert encode_server(Audio(data=b"RIFF")) == b"RIFF"
    assert decode_server(b"RIFF") == Audio(data=b"RIFF")


@pytest.mark.parametrize(
    ("wire", "event"),
    [
        ({"header": {"event": "task-started"}}, Started(task_id="")),
        ({"header": {"event": "result-generated"}}, Subtitles(task_id="")),
        ({"header": {"event": "result-generated"}, "payload": {"output": {"sentence": {"words": []}}}}, Subtitles(task_id="")),
        ({"header": {"event": "result-generated"}, "payload": {"output": {"type": "sentence-end"}}}, SentenceEnd(task_id="")),
        (
            {"header": {"event": "task-finished"}, "payload": {"usage": {"characters": "13"}}},
            Completed(task_id="", characters=13),
        ),
        ({"header": {"event": "task-finished"}, "payload": {"output": None}}, Completed(task_id="")),
        ({"header": {"event": "task-failed"}}, Failed(task_id="", text="The task failed.")),
        ({"header": {"event": "task-failed", "error_code": "Busy"}}, Failed(task_id="", code="Busy", text="Busy")),
        ({"header": {"event": "heartbeat", "task_id": "a"}}, Unknown(task_id="a", name="heartbeat")),
        (
            {
                "header": {"event": "result-generated"},
                "payload": {"output": {"sentence": {"words": [{"text": "a", "phonemes": [{"text": "b", "tone": 4}]}]}}},
            },
            Subtitles(task_id="", words=(Word(text="a", phonemes=({"text": "b", "tone": 4},)),)),
        ),
    ],
)
def test_a_servers_message_that_could_be_better_is_read(wire: dict[str, Any], event: ServerEvent) -> None:
    assert decode_server(json.dumps(wire)) == event


@pytest.mark.parametrize(
    ("wire", "said"),
    [
        ("[]", "not a JSON object"),
        ("{", "not JSON"),
        ('{"header":{}}', "no action"),
        ('{"header":{"action":"continue-task"}}', "a string, not None"),
        ('{"header":{"action":"continue-task"},"payload":{"input":{"text":["a"]}}}', r"a string, not \['a'\]"),
        (b"", "binary message of 0 bytes"),
    ],
)
def test_what_a_client_may_not_send_is_refused_in_words(wire: str | bytes, said: str) -> None:
    with pytest.raises(ProtocolError, match=said):
        decode_client(wire)


def test_what_is_unknown_is_read_and_not_written() -> None:
    assert decode_client('{"header":{"action":"pause-task","task_id":"a"}}') == Unknown(task_id="a", name="pause-task")
    for encode in (encode_client, encode_server):
        with pytest.raises(ProtocolError, match="cannot be written"):
            encode(Unknown(task_id="a", name="x"))


@pytest.mark.parametrize("task_id", ["", "task", "2bf83b9a-baeb-4fda-8d9a-0123456789ab0", "2bf83b9a_baeb_4fda_8d9a_0123456789ab"])
def test_our_own_ids_are_uuids(task_id: str) -> None:
    encode_client(Finish(task_id=TASK_ID.replace("-", "")))
    with pytest.raises(ProtocolError, match="32 hex digits"):
        encode_client(Finish(task_id=task_id))


# Limits ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "size"),
    [("你好", 4), ("中A文123", 8), ("中文。", 5), ("中 文。", 6), ("かな한글", 4), ("𠀀㐀", 4), ("", 0)],
)
def test_characters_are_counted_as_the_vendor_does(text: str, size: int) -> None:
    assert characters(text) == size


def test_a_piece_of_text_has_a_limit_both_ways() -> None:
    longest = Text(task_id=TASK_ID, text="字" * (TEXT_MAX // 2))
    assert decode_client(encode_client(longest)) == longest
    with pytest.raises(TextTooLong, match="20002 characters; 20000 are"):
        encode_client(Text(task_id=TASK_ID, text="字" * (TEXT_MAX // 2 + 1)))
    with pytest.raises(TextTooLong, match="20002 characters; 20000 are"):
        decode_client(json.dumps(up("continue-task", {"input": {"text": "字" * (TEXT_MAX // 2 + 1)}})))


def test_a_text_message_has_a_limit() -> None:
    for decode in (decode_client, decode_server):
        with pytest.raises(TooLarge, match=f"{MESSAGE_MAX + 1} characters; {MESSAGE_MAX} are"):
            decode(" " * (MESSAGE_MAX + 1))


# Tasks ----------------------------------------------------------------------------------------------------------------------


def test_a_task_reads_and_writes() -> None:
    assert TASK.payload() == RUN_TASK
    assert Task.parse(RUN_TASK) == TASK


def test_the_vendors_sdk_leaves_the_format_to_the_server() -> None:
    parameters = {
        "voice": "v",
        "volume": 50,
        "sample_rate": 0,
        "format": "Default",
        "rate": 1.0,
        "pitch": 1.0,
        "seed": 0,
        "type": 0,
    }
    task = Task.parse({"model": "m", "parameters": {**parameters, "text_type": "PlainText"}})
    assert task == Task(model="m", voice="v", format="mp3", extras={"seed": 0, "type": 0})


def test_a_task_may_be_written_otherwise() -> None:
    parameters = {"format": "PCM", "rate": "1.5", "volume": "30", "text_type": "ssml", "pitch": None}
    expected = Task(model="m", voice="", format="pcm", rate=1.5, volume=30, text_type="SSML")
    assert Task.parse({"model": "m", "parameters": parameters}) == expected


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("format", "flac", "format is one of pcm, wav, mp3, opus, not 'flac'"),
        ("format", 1, "format is one of"),
        ("sample_rate", 7999, "sample_rate is a whole number from 8000 to 48000, not 7999"),
        ("volume", 101, "volume is a whole number from 0 to 100, not 101"),
        ("rate", 2.1, "rate is a number from 0.5 to 2, not 2.1"),
        ("pitch", 0.4, "pitch is a number from 0.5 to 2, not 0.4"),
        ("text_type", "HTML", "text_type is one of PlainText, SSML, not 'HTML'"),
        ("voice", ["v"], "voice is a text"),
        ("word_timestamp_enabled", "maybe", "true or false"),
    ],
)
def test_what_is_not_allowed_is_refused_by_name_value_and_range(name: str, value: Any, words: str) -> None:
    with pytest.raises(BadSetting, match=words):
        Task.parse({"model": "m", "parameters": {name: value}})
    with pytest.raises(BadSetting, match=words):
        Task(**{"model": "m", "voice": "v", name: value})


def test_a_task_needs_a_model_and_few_extras() -> None:
    with pytest.raises(BadSetting, match="model is a text"):
        Task.parse({"parameters": {}})
    with pytest.raises(BadSetting, match="extras is an object with at most 64 entries"):
        Task.parse({"model": "m", "parameters": {str(n): n for n in range(65)}})


# A session ------------------------------------------------------------------------------------------------------------------


def test_two_tasks_on_one_connection_and_a_cancel() -> None:
    """What one end writes, the other reads; both agree where they are."""
    client, server = ClientOrder(NAMES, reusable=True), ServerOrder(NAMES, reusable=True)
    first, second = "1" * 32, "2" * 32
    session: list[ClientEvent | ServerEvent] = [
        Start(task_id=first, payload=TASK.payload()),
        Started(task_id=first),
        Text(task_id=first, text="床前明月光，"),
        SentenceBegin(task_id=first, index=1, text="床前明月光，"),
        Subtitles(task_id=first, index=1),
        Audio(data=b"\0\1"),
        Finish(task_id=first),
        SentenceEnd(task_id=first, index=1, characters=11),
        Completed(task_id=first, characters=11),
        Start(task_id=second, payload=TASK.payload()),
        Started(task_id=second),
        Text(task_id=second, text="疑是"),
        Cancel(task_id=second),
        Audio(data=b"\2\3"),
        Completed(task_id=second),
    ]
    for event in session:
        if isinstance(event, Start | Text | Finish | Cancel):
            client.sent(event)
            assert server.received(decode_client(encode_client(event)))
        else:
            assert not isinstance(event, Unknown)
            server.sent(event)
            assert client.received(decode_server(encode_server(event)))
    assert client.state is server.state is State.DONE
