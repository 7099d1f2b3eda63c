"""VoiceConversionStream as transcripts, built by hand: the page's examples, the vendor's samples, and a peer's mistakes."""

from __future__ import annotations

import base64
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_server.errors import HeraldError, ProtocolError, TooLarge
from wyoming_server.models import AudioFormat
from wyoming_server.protocols.json_messages import MESSAGE_MAX, SHOWN_MAX
from wyoming_server.protocols.sami import (
    AUDIO_MAX,
    ID_MAX,
    Account,
    Audio,
    ClientMessage,
    Event,
    Finish,
    ServerMessage,
    Start,
    Task,
    Told,
    decode_client,
    decode_server,
    encode_client,
    encode_server,
)

PCM = bytes(range(16))
WHO = {"token": "your_token", "appkey": "your_appkey", "namespace": "VoiceConversionStream"}
ACCOUNT = Account(appkey="your_appkey", token="your_token")
TASK = Task(speaker="zh_female_qingxin_stream", source=AudioFormat(rate=16_000), target=AudioFormat(rate=24_000))
PAYLOAD = {
    "speaker": "zh_female_qingxin_stream",
    "audio_info": {"sample_rate": 16000, "channel": 1, "format": "s16le"},
    "audio_config": {"sample_rate": 24000, "channel": 1, "format": "s16le"},
}
"""The page's."""
FINISHED = {
    "task_id": "***",
    "message_id": "***",
    "namespace": "VoiceConversionStream",
    "event": "TaskFinished",
    "status_code": 20000000,
    "status_text": "OK",
}
"""The page's."""


def asked(**fields: Any) -> ClientMessage:
    """A text message as the service reads it; None takes a field away."""
    message = {**WHO, "event": "StartTask", "payload": json.dumps(PAYLOAD), **fields}
    return decode_client(json.dumps({name: value for name, value in message.items() if value is not None}))


def asked_for(**changes: Any) -> ClientMessage:
    """A StartTask of a changed payload; None takes a field away."""
    payload = {**PAYLOAD, **changes}
    return asked(payload=json.dumps({name: value for name, value in payload.items() if value is not None}))


def told(**fields: Any) -> Told:
    message = decode_server(json.dumps({**FINISHED, **fields}))
    assert isinstance(message, Told)
    return message


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


# Up -------------------------------------------------------------------------------------------------------------------------


def test_a_start_is_written_as_the_page_shows_it() -> None:
    wire = encode_client(Start(account=ACCOUNT, task=TASK))
    message = json.loads(wire)
    assert message == {**WHO, "event": "StartTask", "payload": message["payload"]}
    assert isinstance(message["payload"], str)
    assert json.loads(message["payload"]) == PAYLOAD
    assert asked() == decode_client(wire) == Start(account=ACCOUNT, task=TASK)


def test_aligned_output_is_asked_for_only_where_it_is_wanted() -> None:
    task = Task(speaker="x", source=AudioFormat(rate=8_000, channels=2), target=AudioFormat(rate=48_000), downstream_align=True)
    wire = encode_client(Start(account=ACCOUNT, task=task))
    assert json.loads(json.loads(wire)["payload"])["extra"] == {"downstream_align": True}
    assert decode_client(wire) == Start(account=ACCOUNT, task=task)
    assert asked_for(extra={"downstream_align": "yes"}) == asked()


def test_audio_goes_up_as_a_bare_binary_message() -> None:
    assert encode_client(Audio(data=PCM)) == PCM
    assert decode_client(PCM) == Audio(data=PCM)


def test_the_end_is_written_without_a_payload() -> None:
    wire = encode_client(Finish(account=ACCOUNT))
    assert json.loads(wire) == {**WHO, "event": "FinishTask"}
    assert decode_client(wire) == Finish(account=ACCOUNT)


def test_the_vendors_sample_sends_audio_as_a_start_with_data_and_leaves_the_last_of_it_in_the_end() -> None:
    assert asked(data=encoded(PCM)) == Audio(data=PCM)
    assert asked(event=None, payload=None, data=encoded(PCM)) == Audio(data=PCM)
    assert asked(event="FinishTask", data=encoded(PCM)) == Finish(account=ACCOUNT)


def test_empty_data_is_no_audio() -> None:
    assert asked(data="") == asked()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"namespace": "TTS"}, "namespace is VoiceConversionStream, not 'TTS'"),
        ({"namespace": None}, "not None"),
        ({"event": "StopTask"}, "event is StartTask or FinishTask, not 'StopTask'"),
        ({"event": ["StartTask"]}, "not .'StartTask'."),
        ({"event": "TaskStarted"}, "not 'TaskStarted'"),
        ({"payload": None}, "JSON in a string, not None"),
        ({"payload": PAYLOAD}, "JSON in a string, not {"),
        ({"payload": "{"}, "not JSON"),
        ({"payload": "[]"}, "not a JSON object"),
        ({"data": 7}, "audio in base64, not 7"),
        ({"data": "AAA*"}, "not base64"),
        ({"data": "AA"}, "not base64"),
        ({"data": "AA-_AA"}, "not base64"),
        ({"data": "AAAA\n"}, "not base64"),
        ({"data": "音"}, "not base64"),
    ],
)
def test_what_no_client_says_is_refused_in_words(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ProtocolError, match=words):
        asked(**fields)


INFO = PAYLOAD["audio_info"]
assert isinstance(INFO, dict)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"speaker": None}, "1 to 256 characters; None is none"),
        ({"speaker": ""}, "1 to 256 characters"),
        ({"speaker": "x" * (ID_MAX + 1)}, "1 to 256 characters"),
        ({"audio_info": None}, "audio_info is s16le"),
        ({"audio_config": "s16le"}, "audio_config is s16le"),
        ({"audio_info": {**INFO, "format": "wav"}}, "not .*'format': 'wav'"),
        ({"audio_info": {**INFO, "sample_rate": 7_999}}, "8000 to 48000 Hz"),
        ({"audio_info": {**INFO, "sample_rate": 48_001}}, "8000 to 48000 Hz"),
        ({"audio_info": {**INFO, "sample_rate": 16_000.5}}, "8000 to 48000 Hz"),
        ({"audio_info": {**INFO, "sample_rate": True}}, "8000 to 48000 Hz"),
        ({"audio_config": {**INFO, "channel": 3}}, "1 or 2 channels"),
        ({"audio_config": {**INFO, "channel": "mono"}}, "1 or 2 channels"),
    ],
)
def test_a_payload_that_is_none_is_refused_in_words(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ProtocolError, match=words):
        asked_for(**changes)


def test_a_payload_as_deep_as_json_goes_is_refused_in_a_line() -> None:
    deep = '{"speaker":"x","audio_info":{"a":' + "[" * 900 + "]" * 900 + "}}"
    with pytest.raises(ProtocolError, match="audio_info is s16le") as refused:
        asked(payload=deep)
    assert len(str(refused.value)) < 200


# Down -----------------------------------------------------------------------------------------------------------------------


def test_the_pages_example_reads() -> None:
    assert told() == Told(
        event=Event.FINISHED, status_code=20_000_000, status_text="OK", task_id="***", message_id="***", data=b""
    )


@pytest.mark.parametrize("event", [*Event, "TaskResult", "", None, 7, {}])
def test_any_text_message_may_bring_audio(event: Any) -> None:
    message = told(event=event, data=encoded(PCM))
    assert message.data == PCM
    assert message.event == (event if event in list(Event) else None)


def test_a_binary_message_is_audio_and_may_end_within_a_sample() -> None:
    assert decode_server(PCM[:5]) == Audio(data=PCM[:5])
    assert decode_server(b"") == Audio(data=b"")


@pytest.mark.parametrize(
    ("fields", "failed"),
    [
        ({}, False),
        ({"status_code": 0}, False),
        ({"status_code": "20000000"}, False),
        ({"status_code": 20000000.0}, False),
        ({"status_code": None}, False),
        ({"event": "TaskFailed"}, True),
        ({"event": "TaskFailed", "status_code": 0}, True),
        ({"status_code": 40000022}, True),
        ({"event": "TaskStarted", "status_code": "40200003"}, True),
        ({"event": None, "status_code": 50000000}, True),
        ({"status_code": -1}, True),
    ],
)
def test_a_task_fails_by_its_event_or_by_its_status(fields: dict[str, Any], failed: bool) -> None:
    assert told(**fields).failed is failed


def test_the_body_of_a_refused_handshake_fails_too() -> None:
    message = decode_server('{"status_code":40000022,"status_text":"IllegalPayload:InvalidSpeaker"}')
    assert message == Told(status_code=40_000_022, status_text="IllegalPayload:InvalidSpeaker")
    assert isinstance(message, Told)
    assert message.failed


@pytest.mark.parametrize("field", ["event", "status_code", "status_text", "task_id", "message_id", "namespace", "payload"])
@pytest.mark.parametrize("value", [None, True, 1.5, [], {}, [[]], "\ud800"])
def test_what_is_missing_or_of_a_wrong_type_is_empty(field: str, value: Any) -> None:
    message = told(**{field: value})
    assert message.status_code == 20_000_000
    assert not message.failed
    assert "\ud800" not in message.status_text + message.task_id + message.message_id


@pytest.mark.parametrize(
    "message", ["", "no JSON", "[]", '"TaskStarted"', "[" * 99_999, '{"data":1}', '{"data":"A"}', '{"data":["AAAA"]}']
)
def test_what_is_no_message_is_refused(message: str) -> None:
    with pytest.raises(ProtocolError):
        decode_server(message)


def test_texts_are_cut() -> None:
    message = told(status_text="x" * 2_000, task_id="y" * 2_000, message_id="z" * 2_000)
    assert (len(message.status_text), len(message.task_id), len(message.message_id)) == (SHOWN_MAX, ID_MAX, ID_MAX)


# Limits ---------------------------------------------------------------------------------------------------------------------


def test_audio_of_one_message_has_a_limit_in_every_way_it_goes() -> None:
    most, more = bytes(AUDIO_MAX), bytes(AUDIO_MAX + 1)
    assert decode_server(most) == decode_client(most) == Audio(data=most)
    assert told(data=encoded(most)).data == most
    words = f"{AUDIO_MAX + 1} bytes of audio; {AUDIO_MAX} are"
    for refused in (
        lambda: decode_server(more),
        lambda: decode_client(more),
        lambda: told(data=encoded(more)),
        lambda: asked(data=encoded(more)),
        lambda: encode_client(Audio(data=more)),
    ):
        with pytest.raises(TooLarge, match=words):
            refused()


def test_a_text_message_has_a_limit() -> None:
    with pytest.raises(TooLarge, match=f"{MESSAGE_MAX + 2} characters; {MESSAGE_MAX} are"):
        decode_server("{" + " " * MESSAGE_MAX + "}")


def test_a_token_is_not_shown() -> None:
    assert "your_token" not in repr(Start(account=ACCOUNT, task=TASK)) + repr(Finish(account=ACCOUNT))


# Anything -------------------------------------------------------------------------------------------------------------------

UNICODE = st.characters(exclude_categories=["Cs"])
WORDS = st.text(UNICODE, max_size=20)
FORMATS = st.builds(AudioFormat, rate=st.integers(8_000, 48_000), channels=st.sampled_from([1, 2]))
TASKS = st.builds(
    Task, speaker=st.text(UNICODE, min_size=1, max_size=20), source=FORMATS, target=FORMATS, downstream_align=st.booleans()
)
ACCOUNTS = st.builds(Account, appkey=WORDS, token=WORDS)
AUDIO = st.builds(Audio, data=st.binary(max_size=50))
CLIENT_MESSAGES = st.one_of(st.builds(Start, account=ACCOUNTS, task=TASKS), st.builds(Finish, account=ACCOUNTS), AUDIO)
SERVER_MESSAGES = st.one_of(
    st.builds(
        Told,
        event=st.none() | st.sampled_from(Event),
        status_code=st.integers(-(10**9), 10**9),
        status_text=WORDS,
        task_id=WORDS,
        message_id=WORDS,
        data=st.binary(max_size=50),
    ),
    AUDIO,
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | st.sampled_from([*Event, encoded(PCM)]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = ("token", "appkey", "namespace", "event", "payload", "data", "status_code", "status_text", "task_id", "message_id")


@given(CLIENT_MESSAGES)
def test_what_a_client_writes_is_read_again(message: ClientMessage) -> None:
    assert decode_client(encode_client(message)) == message


@given(SERVER_MESSAGES)
def test_what_the_service_writes_is_read_again(message: ServerMessage) -> None:
    assert decode_server(encode_server(message)) == message


@given(st.text(max_size=100) | st.binary(max_size=100))
def test_any_message_is_read_or_refused(message: str | bytes) -> None:
    for decode in (decode_client, decode_server):
        with contextlib.suppress(HeraldError):
            assert decode(message) is not None


@given(st.dictionaries(st.sampled_from(FIELDS), VALUES))
def test_any_object_is_read_or_refused(fields: dict[str, Any]) -> None:
    for decode in (decode_client, decode_server):
        with contextlib.suppress(HeraldError):
            assert decode(json.dumps(WHO | fields)) is not None


@given(st.dictionaries(st.sampled_from(["speaker", "audio_info", "audio_config", "extra"]), VALUES | st.just(INFO)))
def test_any_payload_is_read_or_refused(payload: dict[str, Any]) -> None:
    with contextlib.suppress(HeraldError):
        read = asked(payload=json.dumps(payload))
        assert isinstance(read, Start)
        assert decode_client(encode_client(read)) == read
