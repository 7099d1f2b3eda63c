"""DashScope's duplex speech synthesis (`/api-ws/v1/inference`): events to websocket messages and back, both ends.

The session is that of `flowing`; what a run-task asks for stands in `dashscope_task`. After a task's end the connection may take
another, with a new id (`flowing_order`, `reusable`). The vendor's own client also cancels and flushes, which his documents do not
explain: whoever does not trust that closes the connection. Errors are ProtocolError, TooLarge and TextTooLong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import ProtocolError
from .flowing_events import (
    Audio,
    Cancel,
    ClientEvent,
    Completed,
    Failed,
    Finish,
    Kind,
    Message,
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
from .flowing_json import audio, check_text, fragment, own_id, peer_id, read_words, word_fields
from .json_messages import count, dump, load, section, shown

TEXT_MAX = 20_000
"""Characters of one piece of text, as `characters` counts them."""
TASK_MAX = 200_000
"""Characters of a whole task."""
NAMES: Mapping[Kind, str] = {
    Kind.START: "run-task",
    Kind.TEXT: "continue-task",
    Kind.FINISH: "finish-task",
    Kind.CANCEL: "finish-task (cancel)",
    Kind.STARTED: "task-started",
    Kind.SENTENCE_BEGIN: "sentence-begin",
    Kind.AUDIO: "audio",
    Kind.SUBTITLES: "sentence-synthesis",
    Kind.SENTENCE_END: "sentence-end",
    Kind.COMPLETED: "task-finished",
    Kind.FAILED: "task-failed",
}
"""Of every event, for people."""
RESULT = "result-generated"
"""The message of all events of a sentence; its `payload.output.type` tells which."""
PHONEMES = "phonemes"
DUPLEX = "duplex"
CANCEL = "cancel"
"""The directive that makes a finish-task one. The server ends with task-finished then, and sends no more audio."""

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


def characters(text: str) -> int:
    """How the vendor counts a text, in its limits and on its bills: a Han character is two."""
    return len(text) + len(_HAN.findall(text))


# Up -------------------------------------------------------------------------------------------------------------------------


def encode_client(event: ClientEvent) -> str:
    """A client's message. A text of "" is a flush: what has come so far is spoken."""
    if isinstance(event, Unknown):
        raise _unwritable(event)
    header = {"action": _ACTIONS[event.kind], "task_id": own_id(event.task_id, dashes=True), "streaming": DUPLEX}
    return dump({"header": header, "payload": _client_payload(event)})


_ACTIONS = {
    Kind.START: NAMES[Kind.START],
    Kind.TEXT: NAMES[Kind.TEXT],
    Kind.FINISH: NAMES[Kind.FINISH],
    Kind.CANCEL: NAMES[Kind.FINISH],
}


def _client_payload(event: Start | Text | Finish | Cancel) -> dict[str, Any]:
    if isinstance(event, Start):
        return dict(event.payload)
    if isinstance(event, Text):
        check_text(characters(event.text), TEXT_MAX)
        return {"input": {"text": event.text} if event.text else {"flush": True}}
    return {"input": {"directive": CANCEL} if isinstance(event, Cancel) else {}}


def decode_client(message: Message) -> ClientEvent:
    """What a client says, as a server reads it."""
    value = load(message)
    header, payload = section(value, "header"), section(value, "payload")
    task_id, action = peer_id(header.get("task_id")), _read_name(header, "action")
    read = _UP.get(action)
    return read(task_id, payload) if read else Unknown(task_id=task_id, name=action)


def _decode_text(task_id: str, payload: Mapping[str, Any]) -> ClientEvent:
    given = section(payload, "input")
    text = fragment("" if given.get("flush") is True else given.get("text"), TEXT_MAX)
    check_text(characters(text), TEXT_MAX)
    return Text(task_id=task_id, text=text)


def _decode_finish(task_id: str, payload: Mapping[str, Any]) -> ClientEvent:
    cancelled = section(payload, "input").get("directive") == CANCEL
    return Cancel(task_id=task_id) if cancelled else Finish(task_id=task_id)


_UP: Mapping[str, Callable[[str, dict[str, Any]], ClientEvent]] = {
    NAMES[Kind.START]: lambda task_id, payload: Start(task_id=task_id, payload=payload),
    NAMES[Kind.TEXT]: _decode_text,
    NAMES[Kind.FINISH]: _decode_finish,
}


# Down -----------------------------------------------------------------------------------------------------------------------


def encode_server(event: ServerEvent) -> Message:
    """A server's message. The task's id goes back as the client made it."""
    if isinstance(event, Audio):
        return audio(event.data)
    if isinstance(event, SentenceBegin | Subtitles | SentenceEnd):
        return _server(event.task_id, RESULT, _result(event))
    if isinstance(event, Started):
        return _server(event.task_id, NAMES[event.kind], {})
    if isinstance(event, Completed):
        output = {"sentence": {"words": [_encode_word(word) for word in event.words]}}
        return _server(event.task_id, NAMES[event.kind], {"output": output, "usage": {"characters": event.characters}})
    if isinstance(event, Failed):
        error = {"error_code": event.code, "error_message": event.text}
        return _server(event.task_id, NAMES[event.kind], {}, **error)
    raise _unwritable(event)


def _server(task_id: str, name: str, payload: Mapping[str, Any], **more: str) -> str:
    header = {"task_id": peer_id(task_id), "event": name, "attributes": {}, **more}
    return dump({"header": header, "payload": dict(payload)})


def _result(event: SentenceBegin | Subtitles | SentenceEnd) -> dict[str, Any]:
    words = () if isinstance(event, SentenceBegin) else event.words
    sentence: dict[str, Any] = {"words": [_encode_word(word) for word in words]}
    if event.index:
        sentence["index"] = event.index - 1
    output: dict[str, Any] = {"sentence": sentence, "type": NAMES[event.kind]}
    if not isinstance(event, Subtitles) and event.text:
        output["original_text"] = event.text
    if isinstance(event, SentenceEnd):
        return {"output": output, "usage": {"characters": event.characters}}
    return {"output": output}


def _encode_word(word: Word) -> dict[str, Any]:
    return dict(word_fields(word)) | ({PHONEMES: list(word.phonemes)} if word.phonemes else {})


def decode_server(message: Message) -> ServerEvent:
    """What a server says, as a client reads it."""
    if isinstance(message, bytes):
        return Audio(data=audio(message))
    value = load(message)
    header, payload = section(value, "header"), section(value, "payload")
    task_id, name = peer_id(header.get("task_id")), _read_name(header, "event")
    if name == NAMES[Kind.FAILED]:
        code, text = shown(header.get("error_code")), shown(header.get("error_message"))
        return Failed(task_id=task_id, code=code, text=text or code or "The task failed.")
    read = _DOWN.get(name)
    return read(task_id, payload) if read else Unknown(task_id=task_id, name=name)


def _decode_result(task_id: str, payload: Mapping[str, Any]) -> ServerEvent:
    output = section(payload, "output")
    sentence = section(output, "sentence")
    index = count(sentence["index"]) + 1 if "index" in sentence else 0
    words, text = _decode_words(payload), shown(output.get("original_text"), TEXT_MAX)
    if output.get("type") == NAMES[Kind.SENTENCE_BEGIN]:
        return SentenceBegin(task_id=task_id, index=index, text=text)
    if output.get("type") == NAMES[Kind.SENTENCE_END]:
        return SentenceEnd(task_id=task_id, index=index, words=words, text=text, characters=_usage(payload))
    return Subtitles(task_id=task_id, index=index, words=words)


def _decode_completed(task_id: str, payload: Mapping[str, Any]) -> ServerEvent:
    return Completed(task_id=task_id, words=_decode_words(payload), characters=_usage(payload))


_DOWN: Mapping[str, Callable[[str, dict[str, Any]], ServerEvent]] = {
    NAMES[Kind.STARTED]: lambda task_id, _: Started(task_id=task_id),
    RESULT: _decode_result,
    NAMES[Kind.COMPLETED]: _decode_completed,
}


def _decode_words(payload: Mapping[str, Any]) -> tuple[Word, ...]:
    return read_words(section(section(payload, "output"), "sentence").get("words"), phonemes=PHONEMES)


def _usage(payload: Mapping[str, Any]) -> int:
    return count(section(payload, "usage").get("characters"))


def _read_name(header: Mapping[str, Any], key: str) -> str:
    name = header.get(key)
    if not isinstance(name, str) or not name:
        msg = f"A message whose header has no {key}."
        raise ProtocolError(msg)
    return shown(name)


def _unwritable(event: Unknown) -> ProtocolError:
    return ProtocolError(f"An unknown message, {event.name}, cannot be written.")
