"""IndexTTS as transcripts, built by hand: what its document shows, the errors that it lists, and what a client may get wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from wyoming_server.errors import HeraldError, ProtocolError, RequestError, TextTooLong, TooLarge
from wyoming_server.protocols import indextts
from wyoming_server.protocols.indextts import (
    AUDIO_MAX,
    EMO_TEXT_MAX,
    ID_MAX,
    INTERVAL_SILENCE_MAX,
    MAX_TOKENS_MAX,
    NAME_MAX,
    Audio,
    EmoMode,
    Ended,
    Failed,
    Queued,
    Request,
    ServerMessage,
    Started,
    Status,
    StatusQuery,
    TaskStatus,
    Unknown,
    Welcome,
    decode_client,
    decode_server,
    emo_vector,
    encode_client,
    encode_server,
)
from wyoming_server.protocols.json_messages import MESSAGE_MAX, SHOWN_MAX

TEXT_MAX = 5_000
TASK = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
SESSION = "550e8400-e29b-41d4-a716-446655440000"
PROMPT = "asset/zero_shot_prompt.wav"
COMMON = {"prompt_audio": PROMPT, "interval_silence": 200, "max_tokens": 120, "use_random": False}
EXAMPLES: list[tuple[dict[str, Any], Request]] = [
    (
        {"text": "大家好，我现在正在体验 AI 科技！", "emo_mode": "none"},
        Request(text="大家好，我现在正在体验 AI 科技！", prompt_audio=PROMPT),
    ),
    (
        {"text": "今天心情真好！", "emo_mode": "audio", "emo_audio": "path/to/happy_voice.wav", "emo_alpha": 0.8},
        Request(
            text="今天心情真好！",
            prompt_audio=PROMPT,
            emo_mode=EmoMode.AUDIO,
            emo_audio="path/to/happy_voice.wav",
            emo_alpha=0.8,
        ),
    ),
    (
        {"text": "这真是太棒了！", "emo_mode": "vector", "emo_vector": [0.8, 0.0, 0.0, 0.0, 0.0, 0.0, 0.2, 0.0]},
        Request(
            text="这真是太棒了！",
            prompt_audio=PROMPT,
            emo_mode=EmoMode.VECTOR,
            emo_vector=(0.8, 0.0, 0.0, 0.0, 0.0, 0.0, 0.2, 0.0),
        ),
    ),
    (
        {"text": "今天天气真好啊！", "emo_mode": "text", "emo_text": "我太开心了！", "emo_alpha": 0.9},
        Request(text="今天天气真好啊！", prompt_audio=PROMPT, emo_mode=EmoMode.TEXT, emo_text="我太开心了！", emo_alpha=0.9),
    ),
]
"""The document's, one for each emotion mode."""


def read(**fields: Any) -> Any:
    """A `tts_stream` as it is read; None takes a field away."""
    asked = {"type": "tts_stream", "text": "Hello.", **fields}
    return decode_client(json.dumps({name: value for name, value in asked.items() if value is not None}), text_max=TEXT_MAX)


# Up -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("shown", "request_"), EXAMPLES, ids=[request.emo_mode for _, request in EXAMPLES])
def test_the_documents_examples_read_and_write(shown: dict[str, Any], request_: Request) -> None:
    wire = {"type": "tts_stream", **COMMON, **shown}
    assert decode_client(json.dumps(wire), text_max=TEXT_MAX) == request_
    assert json.loads(encode_client(request_)) == wire


def test_a_status_query_reads_and_writes() -> None:
    wire = {"type": "task_status", "task_id": TASK}
    assert decode_client(json.dumps(wire), text_max=0) == StatusQuery(task_id=TASK)
    assert json.loads(encode_client(StatusQuery(task_id=TASK))) == wire


def test_what_may_be_left_out_has_the_documents_defaults() -> None:
    assert read() == Request(
        text="Hello.",
        prompt_audio="",
        emo_mode=EmoMode.NONE,
        emo_alpha=1.0,
        interval_silence=200,
        max_tokens=120,
        use_random=False,
    )
    assert read(emo_mode="text", emo_text="glad").emo_alpha == 1.0
    nothing = dict.fromkeys(["prompt_audio", "emo_mode", "emo_alpha", "interval_silence", "max_tokens", "use_random"])
    assert decode_client(json.dumps({"type": "tts_stream", "text": "Hello.", **nothing}), text_max=9) == read()


def test_no_prompt_is_not_sent_as_an_empty_one() -> None:
    assert "prompt_audio" not in json.loads(encode_client(Request(text="Hello.")))


FULL = Request(text="x", emo_audio="a.wav", emo_vector=(0.1,) * 8, emo_text="glad", emo_alpha=0.5)


@pytest.mark.parametrize(
    ("mode", "used"),
    [
        (EmoMode.NONE, set()),
        (EmoMode.AUDIO, {"emo_audio", "emo_alpha"}),
        (EmoMode.VECTOR, {"emo_vector"}),
        (EmoMode.TEXT, {"emo_text", "emo_alpha"}),
    ],
)
def test_only_what_the_mode_uses_is_sent_and_looked_at(mode: EmoMode, used: set[str]) -> None:
    sent = json.loads(encode_client(Request(**{**_fields(FULL), "emo_mode": mode})))
    assert {name for name in sent if name.startswith("emo_")} == {"emo_mode"} | used
    rubbish = {name: {"odd": 1} for name in ("emo_audio", "emo_vector", "emo_text", "emo_alpha") if name not in used}
    got = read(**{name: value for name, value in sent.items() if name != "type"} | rubbish)
    assert json.loads(encode_client(got)) == sent


def _fields(request: Request) -> dict[str, Any]:
    return {name: getattr(request, name) for name in Request.__slots__}


ERROR_TABLE = [
    ({"text": None}, "缺少有效的 text"),
    ({"text": ""}, "缺少有效的 text"),
    ({"text": " \n　"}, "缺少有效的 text"),
    ({"text": ["Hello."]}, "缺少有效的 text"),
    ({"emo_mode": "joy"}, "emo_mode 必须是 none/audio/vector/text"),
    ({"emo_mode": ""}, "emo_mode 必须是 none/audio/vector/text"),
    ({"emo_mode": ["none"]}, "emo_mode 必须是 none/audio/vector/text"),
    ({"emo_mode": True}, "emo_mode 必须是 none/audio/vector/text"),
    ({"emo_mode": "audio"}, "情感参考音频模式需要提供 emo_audio"),
    ({"emo_mode": "audio", "emo_audio": " "}, "情感参考音频模式需要提供 emo_audio"),
    ({"emo_mode": "vector"}, "情感向量模式需要提供 emo_vector"),
    ({"emo_mode": "vector", "emo_vector": []}, "情感向量模式需要提供 emo_vector"),
    ({"emo_mode": "text"}, "情感文本引导模式需要提供 emo_text"),
    ({"emo_mode": "text", "emo_text": ""}, "情感文本引导模式需要提供 emo_text"),
]


@pytest.mark.parametrize(("fields", "words"), ERROR_TABLE)
def test_the_error_table_is_told_in_its_own_words(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(RequestError) as caught:
        read(**fields)
    assert (str(caught.value), type(caught.value)) == (words, RequestError)


def test_the_rows_that_tell_of_the_server_are_there_in_its_own_words() -> None:
    assert (indextts.MODEL_FAILED, indextts.SERVER_ERROR) == ("模型加载失败", "服务器错误")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"type": "tts"}, "'tts'"),
        ({"type": None}, "None"),
        ({"emo_mode": "vector", "emo_vector": [0.1] * 7}, "8"),
        ({"emo_mode": "vector", "emo_vector": [0.1] * 9}, "8"),
        ({"emo_mode": "vector", "emo_vector": "12345678"}, "8"),
        ({"emo_mode": "vector", "emo_vector": {"happy": 1}}, "8"),
        ({"emo_mode": "vector", "emo_vector": [0.1] * 7 + [1.01]}, "1.01"),
        ({"emo_mode": "vector", "emo_vector": [-0.1] + [0.1] * 7}, "-0.1"),
        ({"emo_mode": "vector", "emo_vector": [None] * 8}, "None"),
        ({"emo_mode": "vector", "emo_vector": [True] * 8}, "True"),
        ({"emo_mode": "vector", "emo_vector": ["0.1"] * 8}, "'0.1'"),
        ({"emo_mode": "vector", "emo_vector": [float("nan")] * 8}, "nan"),
        ({"emo_mode": "audio", "emo_audio": 5}, "emo_audio"),
        ({"emo_mode": "audio", "emo_audio": "a.wav", "emo_alpha": 1.5}, "1.5"),
        ({"emo_mode": "text", "emo_text": "glad", "emo_alpha": "0.9"}, "'0.9'"),
        ({"emo_mode": "text", "emo_text": "x" * (EMO_TEXT_MAX + 1)}, f"{EMO_TEXT_MAX}"),
        ({"interval_silence": -1}, "-1"),
        ({"interval_silence": INTERVAL_SILENCE_MAX + 1}, f"{INTERVAL_SILENCE_MAX}"),
        ({"interval_silence": 0.5}, "0.5"),
        ({"interval_silence": True}, "True"),
        ({"max_tokens": 0}, "0"),
        ({"max_tokens": MAX_TOKENS_MAX + 1}, f"{MAX_TOKENS_MAX}"),
        ({"max_tokens": "120"}, "'120'"),
        ({"max_tokens": float("inf")}, "inf"),
        ({"use_random": 1}, "use_random"),
        ({"use_random": "no"}, "'no'"),
        ({"prompt_audio": 7}, "prompt_audio"),
        ({"prompt_audio": "x" * (NAME_MAX + 1)}, f"{NAME_MAX}"),
        ({"type": "task_status", "task_id": "x" * (ID_MAX + 1)}, f"{ID_MAX}"),
        ({"type": "task_status", "task_id": 7}, "task_id"),
    ],
)
def test_what_a_client_gets_wrong_is_told_with_what_came(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(RequestError) as caught:
        read(**fields)
    assert words in str(caught.value)
    assert not isinstance(caught.value, ProtocolError)


def test_the_largest_and_the_smallest_are_fine() -> None:
    request = read(
        text="x" * TEXT_MAX,
        prompt_audio="p" * NAME_MAX,
        emo_mode="vector",
        emo_vector=[0, 1, 0.5, 0, 1, 1, 1, 1],
        interval_silence=INTERVAL_SILENCE_MAX,
        max_tokens=1.0,
        use_random=True,
    )
    assert request.emo_vector == (0.0, 1.0, 0.5, 0.0, 1.0, 1.0, 1.0, 1.0)
    assert (request.interval_silence, request.max_tokens, request.use_random) == (INTERVAL_SILENCE_MAX, 1, True)
    assert read(interval_silence=0, max_tokens=MAX_TOKENS_MAX).interval_silence == 0
    assert read(emo_mode="text", emo_text="x" * EMO_TEXT_MAX, emo_alpha=0).emo_alpha == 0


def test_a_text_that_is_too_long_is_told_with_both_numbers() -> None:
    with pytest.raises(TextTooLong, match=f"{TEXT_MAX + 1}.*{TEXT_MAX}"):
        read(text="x" * (TEXT_MAX + 1))


def test_a_vector_can_be_checked_by_itself() -> None:
    assert emo_vector((0, 0, 1, 0, 0, 0, 0, 0)) == (0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    with pytest.raises(RequestError, match="情感向量模式需要提供 emo_vector"):
        emo_vector(None)


def test_names_have_no_space_around_them_and_no_half_characters() -> None:
    request = read(text="a\ud800b", prompt_audio=" dad ", emo_mode="audio", emo_audio="\tsad\ud800\n")
    assert (request.text, request.prompt_audio, request.emo_audio) == ("a?b", "dad", "sad?")
    assert json.loads(encode_client(Request(text="a\ud800b")))["text"] == "a?b"


@pytest.mark.parametrize("message", [b"RIFF", "no JSON", "[]", "null", '{"type": "tts_stream"', "1" * 5000])
def test_what_is_no_message_of_a_client_is_no_protocol(message: str | bytes) -> None:
    with pytest.raises(ProtocolError):
        decode_client(message, text_max=TEXT_MAX)


# Down -----------------------------------------------------------------------------------------------------------------------

IDS = {"task_id": TASK, "session_id": SESSION}
DOWN: list[tuple[dict[str, Any], ServerMessage]] = [
    (
        {
            "status": "success",
            "session_id": SESSION,
            "message": "已连接到 IndexTTS WebSocket",
            "usage": '发送 {"type":"tts_stream", "text":"...", "emo_mode":"none/audio/vector/text", ...} 开始合成',
        },
        Welcome(session_id=SESSION),
    ),
    ({"type": "queued", **IDS, "message": "任务已加入队列，等待处理"}, Queued(**IDS)),
    ({"type": "start", **IDS, "message": "开始生成音频"}, Started(**IDS)),
    ({"type": "end", **IDS, "message": "生成完成"}, Ended(**IDS)),
    ({"status": "error", **IDS, "message": "错误描述信息"}, Failed(**IDS, message="错误描述信息")),
    (
        {"status": "error", "session_id": SESSION, "message": "缺少有效的 text"},
        Failed(session_id=SESSION, message="缺少有效的 text"),
    ),
    (
        {"status": "error", "session_id": SESSION, "message": "服务器错误: CUDA out of memory"},
        Failed(session_id=SESSION, message="服务器错误: CUDA out of memory"),
    ),
    (
        {
            "type": "task_status",
            **IDS,
            "status": "completed",
            "created_at": "2024-11-04T10:30:00.123456",
            "completed_at": "2024-11-04T10:30:05.678901",
            "error_message": None,
        },
        Status(
            **IDS,
            status=TaskStatus.COMPLETED,
            created_at="2024-11-04T10:30:00.123456",
            completed_at="2024-11-04T10:30:05.678901",
        ),
    ),
    *(
        (
            {"type": "task_status", **IDS, "status": status, "created_at": "", "completed_at": None, "error_message": words},
            Status(**IDS, status=TaskStatus(status), error_message=words),
        )
        for status, words in [("pending", None), ("running", None), ("failed", "错误描述信息"), ("cancelled", None)]
    ),
]


@pytest.mark.parametrize(("wire", "message"), DOWN)
def test_a_servers_message_reads_and_writes(wire: dict[str, Any], message: ServerMessage) -> None:
    written = encode_server(message)
    assert isinstance(written, str)
    assert json.loads(written) == wire
    assert decode_server(json.dumps(wire)) == message


def test_audio_is_a_binary_message_as_it_is() -> None:
    assert encode_server(Audio(data=b"RIFF")) == b"RIFF"
    assert decode_server(b"RIFF") == Audio(data=b"RIFF")
    assert decode_server(b"") == Audio(data=b"")


def test_audio_has_a_limit_and_the_error_says_both_numbers() -> None:
    assert decode_server(bytes(AUDIO_MAX)) == Audio(data=bytes(AUDIO_MAX))
    with pytest.raises(TooLarge, match=f"{AUDIO_MAX + 1} bytes; {AUDIO_MAX}"):
        decode_server(bytes(AUDIO_MAX + 1))


@pytest.mark.parametrize(
    ("wire", "message"),
    [
        ({"status": "success"}, Welcome()),
        ({"type": "queued"}, Queued(task_id="")),
        ({"type": "start", "task_id": 7, "session_id": []}, Started(task_id="")),
        ({"type": "end", "task_id": None}, Ended(task_id="")),
        ({"status": "error"}, Failed(message="")),
        ({"status": "error", "type": "tts_stream", "task_id": None, "message": {"a": 1}}, Failed(message="")),
        ({"type": "task_status", "status": "running"}, Status(task_id="", status=TaskStatus.RUNNING)),
        ({"type": "progress", "percent": 50}, Unknown(kind="progress")),
        ({"type": ["end"]}, Unknown(kind="")),
        ({"status": "success", "type": "stats"}, Unknown(kind="stats")),
        ({}, Unknown(kind="")),
    ],
)
def test_a_server_may_say_less_or_more(wire: dict[str, Any], message: ServerMessage) -> None:
    assert decode_server(json.dumps(wire)) == message


def test_what_a_server_says_is_shortened() -> None:
    failed = decode_server(json.dumps({"status": "error", "task_id": "t" * 5000, "message": "m" * 5000}))
    assert isinstance(failed, Failed)
    assert (len(failed.task_id), len(failed.message)) == (ID_MAX, SHOWN_MAX)


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("no JSON", ProtocolError),
        ("[]", ProtocolError),
        ('{"type": "task_status", "status": "sleeping"}', ProtocolError),
        ('{"type": "task_status"}', ProtocolError),
        ('{"a": "' + "x" * MESSAGE_MAX + '"}', TooLarge),
    ],
)
def test_what_is_no_message_of_a_server_is_an_error(message: str, error: type[HeraldError]) -> None:
    with pytest.raises(error):
        decode_server(message)


def test_an_unknown_message_can_be_told() -> None:
    written = encode_server(Unknown(kind="progress"))
    assert json.loads(str(written)) == {"type": "progress"}
