"""The IndexTTS websocket service: its messages, read and written at both ends, sans I/O.

JSON text messages go up; JSON text messages and one binary WAV for each request come down. What a client may do wrong is told in
the words of the service's own document.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, TypeAlias

from ..errors import ProtocolError, RequestError, TextTooLong, TooLarge
from ..models import shortened
from .json_messages import dump, load, shown, whole_characters

ID_MAX = 256
"""Characters of an id that a peer makes; a UUID has 36."""
NAME_MAX = 1_000
"""Characters of the name of an audio file."""
EMO_TEXT_MAX = 2_000
"""Characters of a text that is only felt, not spoken."""
AUDIO_MAX = 64 << 20
"""Bytes of a WAV: 25 minutes of the service's 22,050 Hz."""
INTERVAL_SILENCE_MAX = 60_000
"""Milliseconds."""
MAX_TOKENS_MAX = 10_000
EMOTIONS = ("happy", "angry", "sad", "afraid", "disgusted", "melancholic", "surprised", "calm")
"""What the numbers of an emotion vector stand for."""

WELCOME = "已连接到 IndexTTS WebSocket"
USAGE = '发送 {"type":"tts_stream", "text":"...", "emo_mode":"none/audio/vector/text", ...} 开始合成'
QUEUED = "任务已加入队列，等待处理"
STARTED = "开始生成音频"
ENDED = "生成完成"
NO_TEXT = "缺少有效的 text"
BAD_MODE = "emo_mode 必须是 none/audio/vector/text"
NO_EMO_AUDIO = "情感参考音频模式需要提供 emo_audio"
NO_EMO_VECTOR = "情感向量模式需要提供 emo_vector"
NO_EMO_TEXT = "情感文本引导模式需要提供 emo_text"
MODEL_FAILED = "模型加载失败"
SERVER_ERROR = "服务器错误"


class EmoMode(StrEnum):
    """Where a reply's emotion comes from."""

    NONE = "none"
    AUDIO = "audio"
    VECTOR = "vector"
    TEXT = "text"


class TaskStatus(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


# Up -------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """`tts_stream`: one text to be spoken. What its emotion mode does not use is `None`."""

    text: str
    prompt_audio: str = ""
    """The speaker: to the service a path on its own machine; empty: whoever it chooses."""
    emo_mode: EmoMode = EmoMode.NONE
    emo_audio: str | None = None
    """A path too."""
    emo_vector: tuple[float, ...] | None = None
    """As many as EMOTIONS, 0 to 1 each; a sum above 1 is not advised."""
    emo_text: str | None = None
    emo_alpha: float = 1.0
    """How much of the emotion, 0 to 1; of the modes `audio` and `text`."""
    interval_silence: int = 200
    """Milliseconds between the parts into which the service splits a text."""
    max_tokens: int = 120
    """Of one such part."""
    use_random: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusQuery:
    """`task_status`."""

    task_id: str


ClientMessage: TypeAlias = Request | StatusQuery


def decode_client(message: str | bytes, *, text_max: int) -> ClientMessage:
    """What a client asks. `text_max`: characters that may be spoken.

    Raises RequestError, in the service's words where it has any; the next message may still be fine.
    """
    value = load(message)
    if value.get("type") == "task_status":
        return StatusQuery(task_id=_name(value, "task_id", ID_MAX))
    if value.get("type") != "tts_stream":
        msg = f"type 必须是 tts_stream 或 task_status，收到 {shortened(value.get('type'))}"
        raise RequestError(msg)
    return Request(
        text=_text(value, text_max),
        prompt_audio=_name(value, "prompt_audio", NAME_MAX),
        **_emotion(value),
        interval_silence=_whole(value, "interval_silence", 200, INTERVAL_SILENCE_MAX),
        max_tokens=_whole(value, "max_tokens", 120, MAX_TOKENS_MAX, low=1),
        use_random=_flag(value, "use_random"),
    )


_USED: Mapping[EmoMode, tuple[str, ...]] = {
    EmoMode.NONE: (),
    EmoMode.AUDIO: ("emo_audio", "emo_alpha"),
    EmoMode.VECTOR: ("emo_vector",),
    EmoMode.TEXT: ("emo_text", "emo_alpha"),
}
"""The fields of each emotion mode."""


def encode_client(message: ClientMessage) -> str:
    """A message to the service; only what its emotion mode uses is sent."""
    if isinstance(message, StatusQuery):
        return dump({"type": "task_status", "task_id": message.task_id})
    unused = {name for names in _USED.values() for name in names} - set(_USED[message.emo_mode])
    said = {field.name: getattr(message, field.name) for field in fields(message) if field.name not in unused}
    if not message.prompt_audio:
        del said["prompt_audio"]
    return dump({"type": "tts_stream", **said})


def _text(value: Mapping[str, Any], limit: int) -> str:
    text = value.get("text")
    if not isinstance(text, str) or not text.strip():
        raise RequestError(NO_TEXT)
    if len(text) > limit:
        msg = f"text 过长：{len(text)} 个字符，最多 {limit} 个"
        raise TextTooLong(msg)
    return whole_characters(text)


def _emotion(value: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the emotion mode that was asked for; those of the other modes are not looked at."""
    given = value.get("emo_mode")
    mode = EmoMode.NONE if given is None else given
    if mode not in list(EmoMode):
        raise RequestError(BAD_MODE)
    fields_of_mode: dict[str, Any] = {"emo_mode": EmoMode(mode)}
    if mode == EmoMode.AUDIO:
        fields_of_mode["emo_audio"] = _name(value, "emo_audio", NAME_MAX) or _missing(NO_EMO_AUDIO)
    elif mode == EmoMode.VECTOR:
        fields_of_mode["emo_vector"] = emo_vector(value.get("emo_vector"))
    elif mode == EmoMode.TEXT:
        fields_of_mode["emo_text"] = _name(value, "emo_text", EMO_TEXT_MAX) or _missing(NO_EMO_TEXT)
    if mode in (EmoMode.AUDIO, EmoMode.TEXT):
        given_alpha = value.get("emo_alpha")
        fields_of_mode["emo_alpha"] = 1.0 if given_alpha is None else _part(given_alpha, "emo_alpha")
    return fields_of_mode


def emo_vector(value: Any) -> tuple[float, ...]:
    """Raises RequestError for what is no emotion vector."""
    if not value:
        _missing(NO_EMO_VECTOR)
    if not isinstance(value, list | tuple) or len(value) != len(EMOTIONS):
        msg = f"emo_vector 必须是 {len(EMOTIONS)} 个数字"
        raise RequestError(msg)
    return tuple(_part(one, "emo_vector") for one in value)


def _missing(words: str) -> Any:
    raise RequestError(words)


def _part(value: Any, name: str) -> float:
    """A number from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        msg = f"{name} 的值范围是 0.0-1.0，收到 {shortened(value)}"
        raise RequestError(msg)
    return float(value)


def _whole(value: Mapping[str, Any], name: str, default: int, high: int, *, low: int = 0) -> int:
    given = value.get(name)
    if given is None:
        return default
    if isinstance(given, bool) or not isinstance(given, int | float) or not low <= given <= high or given != int(given):
        msg = f"{name} 必须是 {low} 到 {high} 的整数，收到 {shortened(given)}"
        raise RequestError(msg)
    return int(given)


def _flag(value: Mapping[str, Any], name: str) -> bool:
    given = value.get(name)
    if given is not None and not isinstance(given, bool):
        msg = f"{name} 必须是 true 或 false，收到 {shortened(given)}"
        raise RequestError(msg)
    return bool(given)


def _name(value: Mapping[str, Any], name: str, limit: int) -> str:
    """A text; "" where there is none."""
    given = value.get(name)
    if given is None:
        return ""
    if not isinstance(given, str) or len(given) > limit:
        msg = f"{name} 必须是不超过 {limit} 个字符的字符串"
        raise RequestError(msg)
    return whole_characters(given.strip())


# Down -----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Welcome:
    session_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Queued:
    """Says nothing about waiting: the real service sends it just before `start`."""

    task_id: str
    session_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    task_id: str
    session_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Audio:
    """A whole WAV."""

    data: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    task_id: str
    session_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """Has no `type`; `task_id` is empty where there is no task, and in the service's own failures."""

    message: str
    task_id: str = ""
    session_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """What a StatusQuery is answered."""

    task_id: str
    status: TaskStatus
    created_at: str = ""
    """The server's local time in ISO 8601, without a zone."""
    completed_at: str | None = None
    error_message: str | None = None
    session_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unknown:
    """A message of a later version; to be ignored."""

    kind: str


ServerMessage: TypeAlias = Welcome | Queued | Started | Audio | Ended | Failed | Status | Unknown

_STEPS: Mapping[str, type[Queued | Started | Ended]] = {"queued": Queued, "start": Started, "end": Ended}
_STEP_WORDS: Mapping[type, tuple[str, str]] = {
    Queued: ("queued", QUEUED),
    Started: ("start", STARTED),
    Ended: ("end", ENDED),
}


def decode_server(message: str | bytes) -> ServerMessage:
    """A message of the service. Raises ProtocolError and TooLarge."""
    if isinstance(message, bytes):
        if len(message) > AUDIO_MAX:
            msg = f"A WAV of {len(message)} bytes; {AUDIO_MAX} are allowed."
            raise TooLarge(msg)
        return Audio(data=message)
    value = load(message)
    ids = {"session_id": shown(value.get("session_id"), ID_MAX)}
    if value.get("status") == "error":
        return Failed(message=shown(value.get("message")), task_id=shown(value.get("task_id"), ID_MAX), **ids)
    kind = value.get("type")
    if kind is None and value.get("status") == "success":
        return Welcome(**ids)
    task_id = shown(value.get("task_id"), ID_MAX)
    if isinstance(kind, str) and kind in _STEPS:
        return _STEPS[kind](task_id=task_id, **ids)
    return _status(value, task_id, ids["session_id"]) if kind == "task_status" else Unknown(kind=shown(kind, ID_MAX))


def _status(value: Mapping[str, Any], task_id: str, session_id: str) -> Status:
    if value.get("status") not in list(TaskStatus):
        msg = f"A task_status of {shortened(value.get('status'))}."
        raise ProtocolError(msg)
    return Status(
        task_id=task_id,
        session_id=session_id,
        status=TaskStatus(value["status"]),
        created_at=shown(value.get("created_at"), ID_MAX),
        completed_at=shown(value.get("completed_at"), ID_MAX) or None,
        error_message=shown(value.get("error_message")) or None,
    )


def encode_server(message: ServerMessage) -> str | bytes:
    """A message to a client."""
    if isinstance(message, Audio):
        return message.data
    if isinstance(message, Welcome):
        return dump({"status": "success", "session_id": message.session_id, "message": WELCOME, "usage": USAGE})
    if isinstance(message, Failed):
        task = {"task_id": message.task_id} if message.task_id else {}
        return dump({"status": "error", **task, "session_id": message.session_id, "message": message.message})
    if isinstance(message, Status):
        return dump({"type": "task_status", **{field.name: getattr(message, field.name) for field in fields(message)}})
    if isinstance(message, Unknown):
        return dump({"type": message.kind})
    kind, words = _STEP_WORDS[type(message)]
    return dump({"type": kind, "task_id": message.task_id, "session_id": message.session_id, "message": words})
