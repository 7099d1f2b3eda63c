"""The order of a duplex session: what a server refuses and ignores, and what a client may send and expect. Sans I/O, in tables.

Both machines know events, not messages: they serve `flowing` and `dashscope`. `names` is what the protocol calls its events. What
breaks the order raises OutOfOrder and changes nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from enum import Enum

from ..errors import ProtocolError
from .flowing_events import Audio, ClientEvent, Kind, ServerEvent, Start
from .flowing_status import Status

USED_MAX = 64
"""Ids of past sessions that a connection remembers."""


class State(Enum):
    """Where a session is, and, in words, why an event may not come now."""

    IDLE = "no session was started"
    STARTING = "the server has not said yet that the session is started"
    STARTED = "a session is running"
    STOPPING = "the session's text was finished"
    CANCELLING = "the session was cancelled"
    DONE = "the session is over"
    FAILED = "the session failed"


class OutOfOrder(ProtocolError):
    """An event that may not come now. Its status is told to a client of FlowingSpeechSynthesizer."""

    def __init__(self, message: str | None = None, *, status: int = Status.STATE) -> None:
        super().__init__(message)
        self.status = status

    @property
    def flowing_status(self) -> int:
        return self.status


SPEECH = (Kind.SENTENCE_BEGIN, Kind.AUDIO, Kind.SUBTITLES, Kind.SENTENCE_END)
RUNNING = (State.STARTED, State.STOPPING, State.CANCELLING)
OVER = (State.DONE, State.FAILED)
UP = (Kind.START, Kind.TEXT, Kind.FINISH, Kind.CANCEL)

_SPEAKING: Mapping[tuple[State, Kind], State] = {(state, kind): state for state in RUNNING for kind in SPEECH}

SERVER: Mapping[tuple[State, Kind], State] = {
    (State.IDLE, Kind.START): State.STARTED,
    (State.STARTED, Kind.TEXT): State.STARTED,
    (State.STARTED, Kind.FINISH): State.STOPPING,
    (State.STARTED, Kind.CANCEL): State.CANCELLING,
    (State.STOPPING, Kind.CANCEL): State.CANCELLING,
    **{(state, Kind.STARTED): state for state in RUNNING},
    **_SPEAKING,
    # An interrupt from elsewhere completes a session whose client is still writing.
    **{(state, Kind.COMPLETED): State.DONE for state in RUNNING},
    **{(state, Kind.FAILED): State.FAILED for state in (State.IDLE, *RUNNING, State.DONE)},
}
"""What a server may be told, and may tell. All else is out of order, but for what it ignores."""

IGNORED = frozenset(
    {
        # Clients go on writing after TaskFailed, until they see the close.
        *((State.FAILED, kind) for kind in UP),
        # A cancel may cross the end, or come twice; before the start there is nothing to cancel.
        *((state, Kind.CANCEL) for state in (State.IDLE, State.CANCELLING, State.DONE)),
    }
)
"""What a server is told and does nothing about."""

CLIENT: Mapping[tuple[State, Kind], State] = {
    (State.IDLE, Kind.START): State.STARTING,
    (State.STARTED, Kind.TEXT): State.STARTED,
    (State.STARTED, Kind.FINISH): State.STOPPING,
    **{(state, Kind.CANCEL): State.CANCELLING for state in (State.STARTING, State.STARTED, State.STOPPING)},
    (State.STARTING, Kind.STARTED): State.STARTED,
    (State.CANCELLING, Kind.STARTED): State.CANCELLING,
    **_SPEAKING,
    # A server may end what it likes, asked or not.
    **{(state, Kind.COMPLETED): State.DONE for state in RUNNING},
    **{(state, Kind.FAILED): State.FAILED for state in (State.IDLE, State.STARTING, *RUNNING)},
}
"""What a client may send, and be told."""


class _Order:
    """A table's state, and the id of the session that runs or ran last."""

    def __init__(self, table: Mapping[tuple[State, Kind], State], names: Mapping[Kind, str], *, reusable: bool) -> None:
        again = {(State.DONE, Kind.START): table[State.IDLE, Kind.START]} if reusable else {}
        self._table = {**table, **again}
        self._names = names
        self._used: deque[str] = deque(maxlen=USED_MAX)
        self.state = State.IDLE
        self.task_id = ""
        """Of the running session, or the last."""

    @property
    def over(self) -> bool:
        """True once the session completed or failed."""
        return self.state in OVER

    def _follow(self, event: ClientEvent | ServerEvent) -> None:
        state = self._table.get((self.state, event.kind))
        if state is None:
            raise self._error(event, self.state.value)
        if isinstance(event, Start):
            self._begin(event)
        self.state = state

    def _begin(self, event: Start) -> None:
        if event.task_id and event.task_id in self._used:
            raise self._error(event, "a session needs a new id", status=Status.MESSAGE)
        self._used.append(event.task_id)
        self.task_id = event.task_id

    def _error(self, event: ClientEvent | ServerEvent, reason: str, *, status: int = Status.STATE) -> OutOfOrder:
        return OutOfOrder(f"{self._names.get(event.kind, event.kind.name)} is out of order: {reason}.", status=status)


class ServerOrder(_Order):
    """A connection as a server sees it. `reusable`: one session after the other, each with a new id."""

    def __init__(self, names: Mapping[Kind, str], *, reusable: bool = False) -> None:
        super().__init__(SERVER, names, reusable=reusable)

    def received(self, event: ClientEvent) -> bool:
        """False for what is to be ignored. An event without an id is the running session's."""
        if event.kind is Kind.UNKNOWN or (self.state, event.kind) in IGNORED:
            return False
        if event.kind is not Kind.START and self.state in RUNNING and event.task_id not in {"", self.task_id}:
            raise self._error(event, "its task_id is not the running session's", status=Status.MESSAGE)
        self._follow(event)
        return True

    def sent(self, event: ServerEvent) -> None:
        self._follow(event)


class ClientOrder(_Order):
    """A connection as a client sees it. `reusable`: one session after the other, each with a new id."""

    def __init__(self, names: Mapping[Kind, str], *, reusable: bool = False) -> None:
        super().__init__(CLIENT, names, reusable=reusable)

    def sent(self, event: ClientEvent) -> None:
        if not isinstance(event, Start) and self.state is not State.IDLE and event.task_id != self.task_id:
            raise self._error(event, "its task_id is not the running session's", status=Status.MESSAGE)
        self._follow(event)

    def received(self, event: ServerEvent) -> bool:
        """False for what is to be ignored: unknown, late, or of another session."""
        if event.kind is Kind.UNKNOWN or self.over or self._is_stale(event):
            return False
        self._follow(event)
        return True

    def _is_stale(self, event: ServerEvent) -> bool:
        """Whether an event is of another session. A failure counts, whatever id it has, unless that is a past session's."""
        if isinstance(event, Audio):
            return self.state not in RUNNING
        task_id = event.task_id
        if event.kind is Kind.FAILED:
            return task_id != self.task_id and task_id in self._used
        return task_id not in {"", self.task_id}
