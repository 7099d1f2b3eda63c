"""A client's messages, read strictly: known fields of the right types, and only those of the emotion mode that is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..common.codes import Refused, Told
from ..common.fields import NUMBER, Field, check, json_object

NO_TEXT = "缺少有效的 text"
BAD_MODE = "emo_mode 必须是 none/audio/vector/text"
MISSING = {
    "emo_audio": "情感参考音频模式需要提供 emo_audio",
    "emo_vector": "情感向量模式需要提供 emo_vector",
    "emo_text": "情感文本引导模式需要提供 emo_text",
}
STRICT = Told(code=0, message="strict")
COMMON = [
    Field(path="type", required=True),
    Field(path="text", required=True),
    Field(path="prompt_audio"),
    Field(path="emo_mode"),
    Field(path="interval_silence", types=(int,), within=(0, 60_000)),
    Field(path="max_tokens", types=(int,), within=(1, 10_000)),
    Field(path="use_random", types=(bool,)),
]
ALPHA = Field(path="emo_alpha", types=NUMBER, within=(0, 1))
MODES: Mapping[str, list[Field]] = {
    "none": [],
    "audio": [Field(path="emo_audio"), ALPHA],
    "vector": [Field(path="emo_vector", types=(list,))],
    "text": [Field(path="emo_text"), ALPHA],
}
STATUS = [Field(path="type", required=True), Field(path="task_id", required=True)]


def refused(words: str) -> Refused:
    return Refused(Told(code=0, message=words))


def document(message: str | bytes) -> dict[str, Any]:
    """The object that a message is."""
    if isinstance(message, bytes):
        raise refused("a binary message")
    found = json_object(message, STRICT)
    if found.get("type") not in ("tts_stream", "task_status"):
        raise refused(f"type {found.get('type')!r} is not known")
    return found


def check_status(found: dict[str, Any]) -> None:
    _check(found, STATUS)


def check_request(found: dict[str, Any], *, prompt_required: bool) -> None:
    """In the document's words where it has any."""
    text, mode = found.get("text"), found.get("emo_mode", "none")
    if not isinstance(text, str) or not text.strip():
        raise refused(NO_TEXT)
    if mode not in list(MODES):
        raise refused(BAD_MODE)
    for field in MODES[mode]:
        if field.path in MISSING and not found.get(field.path):
            raise refused(MISSING[field.path])
    _check(found, [*COMMON, *MODES[mode]])
    if mode == "vector":
        _check_vector(found["emo_vector"])
    if prompt_required and not found.get("prompt_audio"):
        raise refused("prompt_audio is required")


def _check(found: dict[str, Any], rows: list[Field]) -> None:
    if unknown := sorted(set(found) - {row.path for row in rows}):
        raise refused(f"nobody knows {', '.join(unknown)} here")
    if nothing := sorted(name for name, value in found.items() if value is None):
        raise refused(f"{', '.join(nothing)} is null")
    check(found, rows, STRICT)


def _check_vector(vector: list[Any]) -> None:
    numbers = [value for value in vector if isinstance(value, NUMBER) and not isinstance(value, bool) and 0 <= value <= 1]
    if len(vector) != 8 or len(numbers) != len(vector):
        raise refused(f"emo_vector {vector} is not eight numbers from 0 to 1")
