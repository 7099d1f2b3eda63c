"""SAMI's websocket protocol for VoiceConversionStream, read and written at both ends, sans I/O.

Text messages are JSON, whose `payload` is JSON in a string and whose `data` is audio in base64; binary messages are audio and
nothing else. Either kind may come at any time, and any message may bring audio, the last one too: so whoever reads a message
looks at its audio first.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from ..errors import ProtocolError, TooLarge
from ..models import AudioFormat, shortened
from .json_messages import dump, load, number, section, shown, whole_characters

NAMESPACE = "VoiceConversionStream"
AUDIO_MAX = 512 << 10
"""Bytes of audio in one message: 2.7 s at the service's highest rate, in stereo."""
RATES = (8_000, 48_000)
"""Hz, lowest and highest, in and out."""
GOOD = frozenset({0, 20_000_000})
"""Status codes of what went well."""
ID_MAX = 256
"""Characters of an id, and of a speaker's name."""
TOKEN_MAX = 4_096
"""Characters of a token."""


class Event(StrEnum):
    """What a text message is about; others are ignored."""

    START = "StartTask"
    FINISH = "FinishTask"
    STARTED = "TaskStarted"
    FINISHED = "TaskFinished"
    FAILED = "TaskFailed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """What a StartTask asks for."""

    speaker: str
    source: AudioFormat
    """Of the audio that goes up; 16-bit."""
    target: AudioFormat
    """Of the audio that is to come down; 16-bit."""
    downstream_align: bool = False
    """Whether all chunks that come down, but the first and the last, have one length."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """Who asks: in every text message that goes up."""

    appkey: str
    token: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    account: Account
    task: Task


@dataclass(frozen=True, kw_only=True, slots=True)
class Audio:
    """PCM, as the task has it."""

    data: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Finish:
    """No more audio comes."""

    account: Account


ClientMessage: TypeAlias = Start | Audio | Finish


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A text message of the service, with the audio that it brings."""

    event: Event | None = None
    """`None`: one that says nothing to us."""
    status_code: int = 20_000_000
    status_text: str = ""
    task_id: str = ""
    message_id: str = ""
    data: bytes = b""

    @property
    def failed(self) -> bool:
        """It ends the task, whatever its event says."""
        return self.event is Event.FAILED or self.status_code not in GOOD


ServerMessage: TypeAlias = Told | Audio


def encode_client(message: ClientMessage) -> str | bytes:
    """Raises TooLarge."""
    if isinstance(message, Audio):
        return _checked(message.data)
    event, payload = Event.FINISH, None
    if isinstance(message, Start):
        event, payload = Event.START, dump(_payload(message.task))
    account = message.account
    head = {"token": account.token, "appkey": account.appkey, "namespace": NAMESPACE, "event": event.value}
    return dump(head if payload is None else {**head, "payload": payload})


def _payload(task: Task) -> dict[str, Any]:
    align = {"extra": {"downstream_align": True}} if task.downstream_align else {}
    return {"speaker": task.speaker, "audio_info": _audio(task.source), "audio_config": _audio(task.target), **align}


def _audio(audio: AudioFormat) -> dict[str, Any]:
    return {"format": "s16le", "sample_rate": audio.rate, "channel": audio.channels}


def decode_server(message: str | bytes) -> ServerMessage:
    """Raises ProtocolError and TooLarge."""
    if isinstance(message, bytes):
        return Audio(data=_checked(message))
    value = load(message)
    return Told(
        event=_event(value),
        status_code=code if isinstance(code := number(value.get("status_code")), int) else 20_000_000,
        status_text=shown(value.get("status_text")),
        task_id=shown(value.get("task_id"), ID_MAX),
        message_id=shown(value.get("message_id"), ID_MAX),
        data=_data(value),
    )


def _event(value: Mapping[str, Any]) -> Event | None:
    given = value.get("event")
    return Event(given) if given in list(Event) else None


def _data(value: Mapping[str, Any]) -> bytes:
    given = value.get("data")
    if given is None:
        return b""
    if not isinstance(given, str):
        msg = f"The data of a message is audio in base64, not {shortened(given)}."
        raise ProtocolError(msg)
    try:
        return _checked(base64.b64decode(given, validate=True))
    except (binascii.Error, ValueError) as error:
        msg = f"The data of a message is not base64: {error}."
        raise ProtocolError(msg) from error


def _checked(data: bytes) -> bytes:
    if len(data) > AUDIO_MAX:
        msg = f"A message with {len(data)} bytes of audio; {AUDIO_MAX} are allowed."
        raise TooLarge(msg)
    return data


# The service's end ----------------------------------------------------------------------------------------------------------


def encode_server(message: ServerMessage) -> str | bytes:
    """What the service sends."""
    if isinstance(message, Audio):
        return message.data
    head = {
        "task_id": message.task_id,
        "message_id": message.message_id,
        "namespace": NAMESPACE,
        "event": message.event.value if message.event else "",
        "status_code": message.status_code,
        "status_text": message.status_text,
    }
    return dump({**head, "data": base64.b64encode(message.data).decode()} if message.data else head)


def decode_client(message: str | bytes) -> ClientMessage:
    """What the service is asked. Raises ProtocolError and TooLarge.

    A text message with `data`, as the vendor's samples send it, is audio, whatever its event; but a FinishTask is that alone, as
    the audio which such a sample leaves in it was sent before.
    """
    if isinstance(message, bytes):
        return Audio(data=_checked(message))
    value = load(message)
    if value.get("namespace") != NAMESPACE:
        msg = f"The namespace is {NAMESPACE}, not {shortened(value.get('namespace'))}."
        raise ProtocolError(msg)
    account = Account(appkey=shown(value.get("appkey"), ID_MAX), token=shown(value.get("token"), TOKEN_MAX))
    if value.get("event") == Event.FINISH:
        return Finish(account=account)
    if data := _data(value):
        return Audio(data=data)
    if value.get("event") != Event.START:
        msg = f"A client's event is {Event.START} or {Event.FINISH}, not {shortened(value.get('event'))}."
        raise ProtocolError(msg)
    return Start(account=account, task=_task(value.get("payload")))


def _task(payload: Any) -> Task:
    if not isinstance(payload, str):
        msg = f"The payload is JSON in a string, not {shortened(payload)}."
        raise ProtocolError(msg)
    value = load(payload)
    if not isinstance(speaker := value.get("speaker"), str) or not 0 < len(speaker) <= ID_MAX:
        msg = f"A speaker's name has 1 to {ID_MAX} characters; {shortened(speaker)} is none."
        raise ProtocolError(msg)
    return Task(
        speaker=whole_characters(speaker),
        source=_format(section(value, "audio_info"), "audio_info"),
        target=_format(section(value, "audio_config"), "audio_config"),
        downstream_align=section(value, "extra").get("downstream_align") is True,
    )


def _format(value: Mapping[str, Any], name: str) -> AudioFormat:
    rate, channels = number(value.get("sample_rate")), number(value.get("channel"))
    low, high = RATES
    if value.get("format") != "s16le" or not isinstance(rate, int) or not low <= rate <= high or channels not in (1, 2):
        msg = f"{name} is s16le of {low} to {high} Hz with 1 or 2 channels, not {shortened(dict(value))}."
        raise ProtocolError(msg)
    return AudioFormat(rate=rate, channels=int(channels))
