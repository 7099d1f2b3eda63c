"""FlowingSpeechSynthesizer, the messages of Aliyun NLS and its local servers: events to websocket messages and back, both ends.

Strict in what it writes, tolerant in what it reads: unknown messages are `Unknown`, unknown fields ignored, missing ones empty.
What may come when is the business of `flowing_order`, what a start asks for that of `flowing_settings`. Errors are ProtocolError,
TooLarge and TextTooLong.
"""

from __future__ import annotations

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
from .flowing_json import TEXT_MAX, audio, check_text, fragment, new_id, own_id, peer_id, read_words, word_fields
from .flowing_status import Status, words
from .json_messages import count, dump, load, section, shown

NAMESPACE = "FlowingSpeechSynthesizer"
FAILED_NAMESPACE = "Default"
NAMES: Mapping[Kind, str] = {
    Kind.START: "StartSynthesis",
    Kind.TEXT: "RunSynthesis",
    Kind.FINISH: "StopSynthesis",
    Kind.CANCEL: "CancelSynthesis",
    Kind.STARTED: "SynthesisStarted",
    Kind.SENTENCE_BEGIN: "SentenceBegin",
    Kind.AUDIO: "Audio",
    Kind.SUBTITLES: "SentenceSynthesis",
    Kind.SENTENCE_END: "SentenceEnd",
    Kind.COMPLETED: "SynthesisCompleted",
    Kind.FAILED: "TaskFailed",
}
"""Of every event, for messages and for people. Audio has no message of its own; CancelSynthesis is ours."""
PHONEMES = "phoneme_list"


# Up -------------------------------------------------------------------------------------------------------------------------


def encode_client(event: ClientEvent, *, appkey: str = "", message_id: str = "", text_max: int = TEXT_MAX) -> str:
    """A client's message. The cloud wants the `appkey` in each."""
    header = {
        "message_id": own_id(message_id or new_id()),
        "task_id": own_id(event.task_id),
        "namespace": NAMESPACE,
        "name": _name(event),
    }
    if appkey:
        header["appkey"] = appkey
    if isinstance(event, Start):
        return dump({"header": header, "payload": dict(event.payload)})
    if isinstance(event, Text):
        check_text(len(event.text), text_max)
        return dump({"header": header, "payload": {"text": event.text}})
    return dump({"header": header})


def decode_client(message: Message, *, text_max: int = TEXT_MAX) -> ClientEvent:
    """What a client says, as a server reads it."""
    value = load(message)
    header, payload = section(value, "header"), section(value, "payload")
    task_id, name = peer_id(header.get("task_id")), _read_name(header)
    if name == NAMES[Kind.TEXT]:
        return Text(task_id=task_id, text=fragment(payload.get("text"), text_max))
    read = _UP.get(name)
    return read(task_id, payload) if read else Unknown(task_id=task_id, name=name)


_UP: Mapping[str, Callable[[str, dict[str, Any]], ClientEvent]] = {
    NAMES[Kind.START]: lambda task_id, payload: Start(task_id=task_id, payload=payload),
    NAMES[Kind.FINISH]: lambda task_id, _: Finish(task_id=task_id),
    NAMES[Kind.CANCEL]: lambda task_id, _: Cancel(task_id=task_id),
}


# Down -----------------------------------------------------------------------------------------------------------------------


def encode_server(event: ServerEvent, *, message_id: str = "") -> Message:
    """A server's message. The task's id goes back as the client made it."""
    if isinstance(event, Audio):
        return audio(event.data)
    failed = isinstance(event, Failed)
    header: dict[str, Any] = {
        "message_id": own_id(message_id or new_id()),
        "task_id": peer_id(event.task_id),
        "namespace": FAILED_NAMESPACE if failed else NAMESPACE,
        "name": _name(event),
        "status": Status.OK,
    }
    if isinstance(event, Failed):
        status = event.status or Status.CLIENT_ERROR
        header |= {"status": status, "status_text": event.text or words(status)}
        return dump({"header": {**header, "code": event.code} if event.code else header})
    return dump({"header": {**header, "status_message": words(Status.OK)}, "payload": dict(_payload(event))})


def _payload(event: ServerEvent) -> dict[str, Any]:
    """What an event that is no failure tells; fields that are empty are left out, but for the documented ones."""
    if isinstance(event, Subtitles):
        return {"index": event.index, "subtitles": [_subtitle(word) for word in event.words]}
    if isinstance(event, Started | SentenceBegin | SentenceEnd | Completed):
        payload: dict[str, Any] = {"session_id": event.session_id, "index": getattr(event, "index", 0)}
    else:
        payload = {}
    if isinstance(event, SentenceEnd):
        payload["subtitles"] = [_subtitle(word) for word in event.words]
    if isinstance(event, Completed):
        own = {
            "reason": event.reason,
            "notice": event.notice,
            "notice_code": event.notice_code,
            "voice": event.voice,
            "measureLength": event.characters,
        }
        payload |= {name: value for name, value in own.items() if value}
    return payload


def _subtitle(word: Word) -> dict[str, Any]:
    return {**dict(word_fields(word)), "sentence": word.sentence, PHONEMES: list(word.phonemes)}


def decode_server(message: Message) -> ServerEvent:
    """What a server says, as a client reads it."""
    if isinstance(message, bytes):
        return Audio(data=audio(message))
    value = load(message)
    header, payload = section(value, "header"), section(value, "payload")
    task_id, status = peer_id(header.get("task_id")), count(header.get("status"))
    if header.get("name") == NAMES[Kind.FAILED] or ("name" not in header and status not in {0, Status.OK}):
        status = status or Status.CLIENT_ERROR
        text = shown(header.get("status_text")) or shown(header.get("status_message")) or words(status)
        return Failed(task_id=task_id, status=status, code=shown(header.get("code")), text=text)
    name = _read_name(header)
    read = _DOWN.get(name)
    return read(task_id, payload) if read else Unknown(task_id=task_id, name=name)


def _started(task_id: str, payload: Mapping[str, Any]) -> ServerEvent:
    return Started(task_id=task_id, session_id=peer_id(payload.get("session_id")))


def _sentence_begin(task_id: str, payload: Mapping[str, Any]) -> ServerEvent:
    return SentenceBegin(task_id=task_id, session_id=peer_id(payload.get("session_id")), index=count(payload.get("index")))


def _subtitles(task_id: str, payload: Mapping[str, Any]) -> ServerEvent:
    return Subtitles(task_id=task_id, index=count(payload.get("index")), words=_words(payload))


def _sentence_end(task_id: str, payload: Mapping[str, Any]) -> ServerEvent:
    return SentenceEnd(
        task_id=task_id,
        session_id=peer_id(payload.get("session_id")),
        index=count(payload.get("index")),
        words=_words(payload),
    )


def _completed(task_id: str, payload: Mapping[str, Any]) -> ServerEvent:
    return Completed(
        task_id=task_id,
        session_id=peer_id(payload.get("session_id")),
        index=count(payload.get("index")),
        reason=shown(payload.get("reason")),
        notice=shown(payload.get("notice")),
        notice_code=shown(payload.get("notice_code")),
        voice=shown(payload.get("voice")),
        characters=count(payload.get("measureLength")),
    )


_DOWN: Mapping[str, Callable[[str, dict[str, Any]], ServerEvent]] = {
    NAMES[Kind.STARTED]: _started,
    NAMES[Kind.SENTENCE_BEGIN]: _sentence_begin,
    NAMES[Kind.SUBTITLES]: _subtitles,
    NAMES[Kind.SENTENCE_END]: _sentence_end,
    NAMES[Kind.COMPLETED]: _completed,
}


def _words(payload: Mapping[str, Any]) -> tuple[Word, ...]:
    return read_words(payload.get("subtitles"), phonemes=PHONEMES)


# Both -----------------------------------------------------------------------------------------------------------------------


def _name(event: ClientEvent | ServerEvent) -> str:
    if isinstance(event, Unknown):
        msg = f"An unknown message, {event.name}, cannot be written."
        raise ProtocolError(msg)
    return NAMES[event.kind]


def _read_name(header: Mapping[str, Any]) -> str:
    name = header.get("name")
    if not isinstance(name, str) or not name:
        msg = "A message whose header has no name."
        raise ProtocolError(msg)
    return shown(name)
