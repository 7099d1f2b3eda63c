"""OpenSpeech v3 (`/api/v3/tts/bidirection`): events with ids and payloads, and the order that they come in. Sans I/O, both ends.

What stands in a payload is the engine's business. Errors are ProtocolError and TooLarge, as `openspeech_frame` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import Any

from ..errors import ProtocolError, TooLarge
from .openspeech_frame import (
    PAYLOAD_MAX,
    WORD,
    Compression,
    Failure,
    Frame,
    MessageType,
    Serialization,
    decode_failure,
    decode_frame,
    decode_text,
    dump_json,
    encode_frame,
    find_object,
    load_json,
    number,
    pack,
    read_number,
    read_sized,
    sized,
    unpack,
)

WITH_EVENT = 4
"""The only flags of a frame that is not an error."""
ID_MAX = 256
"""Bytes of a connection's or a session's id."""


class Event(IntEnum):
    START_CONNECTION = 1
    FINISH_CONNECTION = 2
    CONNECTION_STARTED = 50
    CONNECTION_FAILED = 51
    CONNECTION_FINISHED = 52
    START_SESSION = 100
    CANCEL_SESSION = 101
    FINISH_SESSION = 102
    SESSION_STARTED = 150
    SESSION_CANCELED = 151
    SESSION_FINISHED = 152
    SESSION_FAILED = 153
    TASK_REQUEST = 200
    SENTENCE_START = 350
    SENTENCE_END = 351
    AUDIO = 352
    SUBTITLE = 364

    @property
    def title(self) -> str:
        """The vendor's spelling, for messages."""
        return "".join(part.title() for part in self.name.split("_"))


class Owner(Enum):
    """Whose id an event carries."""

    NOBODY = 0
    CONNECTION = 1
    SESSION = 2


UP = frozenset(
    {
        Event.START_CONNECTION,
        Event.FINISH_CONNECTION,
        Event.START_SESSION,
        Event.CANCEL_SESSION,
        Event.FINISH_SESSION,
        Event.TASK_REQUEST,
    }
)
"""What a client sends; the rest is the server's."""
OWNERS: Mapping[int, Owner] = {
    **dict.fromkeys(Event, Owner.SESSION),
    Event.START_CONNECTION: Owner.NOBODY,
    Event.FINISH_CONNECTION: Owner.NOBODY,
    Event.CONNECTION_STARTED: Owner.CONNECTION,
    Event.CONNECTION_FAILED: Owner.CONNECTION,
    Event.CONNECTION_FINISHED: Owner.CONNECTION,
}
"""Of an event that is not listed, what parses decides."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    event: int
    """An `Event`, or a plain int where it is none that is known."""
    id: str = ""
    """Of the connection or the session, as `OWNERS` says."""
    payload: bytes | dict[str, Any] = field(default_factory=dict)
    """Audio: bytes. Of an unknown event: what came, where it is not a JSON object. Of all others: an object."""


def encode(message: Message, *, compression: Compression = Compression.NONE) -> bytes:
    audio = message.event == Event.AUDIO
    if isinstance(message.payload, bytes) != audio and message.event in OWNERS:
        msg = f"Event {message.event} with a payload of {type(message.payload).__name__}."
        raise ProtocolError(msg)
    raw = isinstance(message.payload, bytes)
    payload = message.payload if isinstance(message.payload, bytes) else dump_json(message.payload)
    kind = MessageType.FULL_CLIENT if message.event in UP else MessageType.FULL_SERVER
    frame = Frame(
        type=MessageType.AUDIO_SERVER if audio else kind,
        flags=WITH_EVENT,
        serialization=Serialization.RAW if raw else Serialization.JSON,
        compression=compression,
        body=number(message.event, signed=True) + _encode_id(message) + sized(pack(payload, compression)),
    )
    return encode_frame(frame)


def _encode_id(message: Message) -> bytes:
    owner = OWNERS.get(message.event, Owner.SESSION if message.id else Owner.NOBODY)
    data = message.id.encode(errors="replace")
    _check_id(len(data))
    if owner is Owner.NOBODY and data:
        msg = f"Event {message.event} carries no id."
        raise ProtocolError(msg)
    return b"" if owner is Owner.NOBODY else sized(data)


def _check_id(size: int) -> None:
    if size > ID_MAX:
        msg = f"An id of {size} bytes; {ID_MAX} are allowed."
        raise TooLarge(msg)


def decode(message: bytes | str, *, limit: int = PAYLOAD_MAX) -> Message | Failure:
    """What a message says, from either end; `limit` is of its payload, unpacked."""
    if isinstance(message, str):
        return decode_text(message)
    frame = decode_frame(message)
    if frame.type is MessageType.ERROR:
        return decode_failure(frame)
    if frame.flags != WITH_EVENT:
        msg = f"A frame of type {frame.type:#x} with the flags {frame.flags}; one with an event has {WITH_EVENT}."
        raise ProtocolError(msg)
    event = read_number(frame.body, 0, "event", signed=True)
    owner_id, packed = _split(event, frame.body)
    data = unpack(packed, frame.compression, limit=limit)
    if event not in OWNERS:
        return Message(event=event, id=owner_id, payload=_unknown_payload(data))
    payload = data if event == Event.AUDIO else _payload(data, frame.serialization)
    return Message(event=Event(event), id=owner_id, payload=payload)


def _split(event: int, body: bytes) -> tuple[str, bytes]:
    """The id and the packed payload. An unknown event has an id if one and a payload fit into the frame, otherwise none."""
    owner = OWNERS.get(event)
    if owner is None:
        try:
            return _read_id(body)
        except (ProtocolError, TooLarge):
            owner = Owner.NOBODY
    if owner is Owner.NOBODY:
        return "", read_sized(body, WORD, "payload")[0]
    return _read_id(body)


def _read_id(body: bytes) -> tuple[str, bytes]:
    data, end = read_sized(body, WORD, "id")
    _check_id(len(data))
    payload, _ = read_sized(body, end, "payload")
    try:
        return data.decode(), payload
    except UnicodeDecodeError as error:
        msg = f"An id that is not UTF-8: {error}."
        raise ProtocolError(msg) from error


def _payload(data: bytes, serialization: Serialization) -> dict[str, Any]:
    """A known event's payload. What is no object stands under "value": it is not worth a session.

    So do words that nobody called JSON; what was called JSON and is none is a ProtocolError.
    """
    if not data:
        return {}
    try:
        value = load_json(data, "payload")
    except ProtocolError:
        if serialization is Serialization.JSON:
            raise
        value = data.decode(errors="replace")
    return value if isinstance(value, dict) else {"value": value}


def _unknown_payload(data: bytes) -> bytes | dict[str, Any]:
    value = find_object(data)
    return data if value is None else value


# The order of events --------------------------------------------------------------------------------------------------------


class State(Enum):
    """Of a connection. The value says, in an error, why an event may not come now."""

    NEW = "StartConnection has not been sent yet"
    CONNECTING = "ConnectionStarted has not come yet"
    READY = "the connection is open and no session is running"
    STARTING = "SessionStarted has not come yet"
    SPEAKING = "a session is running and takes text"
    FINISHING = "the session's text was finished, and its end has not come yet"
    CANCELLING = "the session was cancelled, and its end has not come yet"
    CLOSING = "the connection was finished"
    CLOSED = "the connection is closed"


RUNNING = (State.STARTING, State.SPEAKING, State.FINISHING, State.CANCELLING)
ENDS = (Event.SESSION_CANCELED, Event.SESSION_FINISHED, Event.SESSION_FAILED)
SPEECH = (Event.SENTENCE_START, Event.SENTENCE_END, Event.AUDIO, Event.SUBTITLE)

TRANSITIONS: Mapping[tuple[State, Event], State] = {
    (State.NEW, Event.START_CONNECTION): State.CONNECTING,
    (State.CONNECTING, Event.CONNECTION_STARTED): State.READY,
    (State.READY, Event.START_SESSION): State.STARTING,
    (State.STARTING, Event.SESSION_STARTED): State.SPEAKING,
    (State.SPEAKING, Event.TASK_REQUEST): State.SPEAKING,
    (State.SPEAKING, Event.FINISH_SESSION): State.FINISHING,
    # The vendor says nothing of a cancel before SessionStarted or after FinishSession: it is sent all the same.
    (State.STARTING, Event.CANCEL_SESSION): State.CANCELLING,
    (State.SPEAKING, Event.CANCEL_SESSION): State.CANCELLING,
    (State.FINISHING, Event.CANCEL_SESSION): State.CANCELLING,
    (State.CANCELLING, Event.SESSION_STARTED): State.CANCELLING,
    **{(state, event): state for state in (State.SPEAKING, State.FINISHING, State.CANCELLING) for event in SPEECH},
    # A server may end what it likes, asked or not.
    **{(state, event): State.READY for state in RUNNING for event in ENDS},
    (State.READY, Event.FINISH_CONNECTION): State.CLOSING,
    **{
        (state, event): State.CLOSED
        for state in (State.CONNECTING, State.READY, *RUNNING, State.CLOSING, State.CLOSED)
        for event in (Event.CONNECTION_FAILED, Event.CONNECTION_FINISHED)
    },
}
"""What may come when, and what it leads to. All else is out of order."""


class Order:
    """The order of events on one connection: what a client may not send, and what a server refuses.

    `sent` is what goes up, `received` what comes down, at either end. An unknown event changes nothing, nor does one that comes
    down for any session but the running one: `is_stale` tells. What breaks the order raises ProtocolError and changes nothing.
    """

    def __init__(self) -> None:
        self.state = State.NEW
        self.session = ""
        """Id of the running session; "" where none runs."""
        self._used: set[str] = set()

    def is_stale(self, session: str) -> bool:
        """True for the id of any session but the running one."""
        return not self.session or session != self.session

    def sent(self, event: int, id: str = "") -> None:  # noqa: A002  # the field's name, as in Message
        if event not in OWNERS:
            return
        if event not in UP:
            raise self._error(event, "only a server sends it")
        if event == Event.CANCEL_SESSION and id in self._used and self.is_stale(id):
            return  # it crossed the session's end on its way
        if event != Event.START_SESSION and OWNERS[event] is Owner.SESSION and self.session and self.is_stale(id):
            raise self._error(event, "its session is not the one that is running")
        state = self._after(event)
        if event == Event.START_SESSION:
            self._begin(id)
        self.state = state

    def received(self, event: int, id: str = "") -> None:  # noqa: A002  # the field's name, as in Message
        if event not in OWNERS:
            return
        if event in UP:
            raise self._error(event, "only a client sends it")
        connected = self.state not in {State.NEW, State.CONNECTING}
        if connected and OWNERS[event] is Owner.SESSION and self.is_stale(id):
            return
        self.state = self._after(event)
        if self.state not in RUNNING:
            self.session = ""

    def _begin(self, session: str) -> None:
        if not session or session in self._used:
            raise self._error(Event.START_SESSION, "a session needs a new id")
        self._used.add(session)
        self.session = session

    def _after(self, event: int) -> State:
        state = TRANSITIONS.get((self.state, Event(event)))
        if state is None:
            raise self._error(event, self.state.value)
        return state

    def _error(self, event: int, reason: str) -> ProtocolError:
        return ProtocolError(f"{Event(event).title} is out of order: {reason}.")
