"""The order of a duplex session as transcripts: `>` goes up, `<` comes down; a name, then the task's id."""

from __future__ import annotations

import pytest

from wyoming_server.errors import ProtocolError
from wyoming_server.protocols.flowing import NAMES
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
)
from wyoming_server.protocols.flowing_order import CLIENT, IGNORED, OVER, SERVER, UP, ClientOrder, OutOfOrder, ServerOrder, State
from wyoming_server.protocols.flowing_status import Status


def client_event(name: str, task_id: str = "") -> ClientEvent:
    events: dict[str, ClientEvent] = {
        "Start": Start(task_id=task_id, payload={}),
        "Text": Text(task_id=task_id, text="a"),
        "Finish": Finish(task_id=task_id),
        "Cancel": Cancel(task_id=task_id),
        "Unknown": Unknown(task_id=task_id, name="x"),
    }
    return events[name]


def server_event(name: str, task_id: str = "") -> ServerEvent:
    events: dict[str, ServerEvent] = {
        "Started": Started(task_id=task_id),
        "Begin": SentenceBegin(task_id=task_id),
        "Audio": Audio(data=b""),
        "Subtitles": Subtitles(task_id=task_id),
        "End": SentenceEnd(task_id=task_id),
        "Completed": Completed(task_id=task_id),
        "Failed": Failed(task_id=task_id),
        "Unknown": Unknown(task_id=task_id, name="x"),
    }
    return events[name]


def serve(transcript: str, order: ServerOrder | None = None) -> ServerOrder:
    """A server's view; what it is to ignore has a `~` for the `>`."""
    order = order or ServerOrder(NAMES)
    for line in filter(None, transcript.split(", ")):
        direction, name, *ids = line.split()
        if direction == "<":
            order.sent(server_event(name, *ids))
        else:
            assert order.received(client_event(name, *ids)) is (direction == ">"), line
    return order


def ask(transcript: str, order: ClientOrder | None = None) -> ClientOrder:
    """A client's view; what it is to ignore has a `~` for the `<`."""
    order = order or ClientOrder(NAMES)
    for line in filter(None, transcript.split(", ")):
        direction, name, *ids = line.split()
        if direction == ">":
            order.sent(client_event(name, *ids))
        else:
            assert order.received(server_event(name, *ids)) is (direction == "<"), line
    return order


# A server -------------------------------------------------------------------------------------------------------------------

RUN = "> Start a, < Started a"
TEXT = f"{RUN}, > Text a"
STOPPED = f"{TEXT}, > Finish a"
DONE = f"{STOPPED}, < Completed a"


@pytest.mark.parametrize(
    ("transcript", "state"),
    [
        ("", State.IDLE),
        ("> Start a", State.STARTED),
        ("> Start a, > Text a", State.STARTED),
        (TEXT, State.STARTED),
        (f"{TEXT}, < Begin a, < Audio, < Subtitles a, > Text a, < End a, < Audio", State.STARTED),
        (f"{RUN}, > Text", State.STARTED),
        (f"{RUN}, ~ Unknown a", State.STARTED),
        (STOPPED, State.STOPPING),
        (f"{STOPPED}, < Audio, < End a", State.STOPPING),
        (DONE, State.DONE),
        (f"{RUN}, < Completed a", State.DONE),
        ("< Failed", State.FAILED),
        (f"{TEXT}, < Failed a", State.FAILED),
        (f"{STOPPED}, < Failed a", State.FAILED),
        (f"{DONE}, < Failed a", State.FAILED),
    ],
)
def test_a_servers_transcript_leads_to_a_state(transcript: str, state: State) -> None:
    assert serve(transcript).state is state


@pytest.mark.parametrize(
    ("transcript", "state"),
    [
        ("~ Cancel a", State.IDLE),
        ("> Start a, > Cancel a", State.CANCELLING),
        (f"{TEXT}, > Cancel a, < Audio, < Completed a", State.DONE),
        (f"{STOPPED}, > Cancel a, ~ Cancel a", State.CANCELLING),
        (f"{DONE}, ~ Cancel a", State.DONE),
        (f"{TEXT}, < Failed a, ~ Cancel a", State.FAILED),
    ],
)
def test_a_cancel_may_come_at_any_time(transcript: str, state: State) -> None:
    assert serve(transcript).state is state


def test_after_a_failure_a_client_is_ignored() -> None:
    order = serve(f"{TEXT}, < Failed foreign, ~ Text a, ~ Finish a, ~ Start b, ~ Text b, ~ Unknown a")
    assert order.state is State.FAILED
    assert order.over


@pytest.mark.parametrize(
    ("before", "line", "status", "words"),
    [
        ("", "> Text a", 40010005, r"RunSynthesis is out of order: no session was started\."),
        ("", "> Finish a", 40010005, "StopSynthesis is out of order: no session was started"),
        (RUN, "> Start a", 40010005, "StartSynthesis is out of order: a session is running"),
        (RUN, "> Start b", 40010005, "a session is running"),
        (RUN, "> Text b", 40000002, "its task_id is not the running session's"),
        (RUN, "> Finish b", 40000002, "its task_id is not the running session's"),
        (RUN, "> Cancel b", 40000002, "its task_id is not the running session's"),
        (STOPPED, "> Text a", 40010005, "the session's text was finished"),
        (STOPPED, "> Finish a", 40010005, "the session's text was finished"),
        (STOPPED, "> Start b", 40010005, "the session's text was finished"),
        (f"{TEXT}, > Cancel a", "> Text a", 40010005, "the session was cancelled"),
        (f"{TEXT}, > Cancel a", "> Finish a", 40010005, "the session was cancelled"),
        (DONE, "> Text a", 40010005, "the session is over"),
        (DONE, "> Start b", 40010005, "the session is over"),
        ("", "< Audio", 40010005, "no session was started"),
        (DONE, "< Audio", 40010005, "the session is over"),
        (DONE, "< Completed a", 40010005, "the session is over"),
        (f"{TEXT}, < Failed a", "< Completed a", 40010005, "the session failed"),
        (f"{TEXT}, < Failed a", "< Failed a", 40010005, "the session failed"),
    ],
)
def test_a_server_refuses_with_a_status_and_words_and_nothing_changes(before: str, line: str, status: int, words: str) -> None:
    order = serve(before)
    state = (order.state, order.task_id)
    with pytest.raises(OutOfOrder, match=words) as caught:
        serve(line, order)
    assert caught.value.status == caught.value.flowing_status == status
    assert isinstance(caught.value, ProtocolError)
    assert (order.state, order.task_id) == state


def test_an_error_without_a_status_is_one_of_state() -> None:
    assert OutOfOrder("x").flowing_status == Status.STATE


# A client -------------------------------------------------------------------------------------------------------------------

ASKED = "> Start a, < Started a, > Text a"
FINISHED = f"{ASKED}, > Finish a"


@pytest.mark.parametrize(
    ("transcript", "state"),
    [
        ("> Start a", State.STARTING),
        (ASKED, State.STARTED),
        (f"{FINISHED}, < Begin a, < Audio, < Subtitles a, < End a, < Audio", State.STOPPING),
        (f"{FINISHED}, ~ Begin b, ~ Completed b, ~ Unknown a", State.STOPPING),
        (f"{FINISHED}, < Begin, < End", State.STOPPING),
        (f"{FINISHED}, < Completed a", State.DONE),
        (f"{FINISHED}, < Completed", State.DONE),
        (f"{FINISHED}, < Completed a, ~ Audio, ~ Failed a, ~ Completed a", State.DONE),
        (f"{ASKED}, < Completed a", State.DONE),
        ("> Start a, < Failed a", State.FAILED),
        ("> Start a, < Failed foreign", State.FAILED),
        (f"{FINISHED}, < Failed foreign, ~ Audio, ~ Completed a", State.FAILED),
        ("< Failed", State.FAILED),
        ("> Start a, > Cancel a, < Started a, < Audio", State.CANCELLING),
        (f"{FINISHED}, > Cancel a, < Audio, < Completed a", State.DONE),
    ],
)
def test_a_clients_transcript_leads_to_a_state(transcript: str, state: State) -> None:
    order = ask(transcript)
    assert order.state is state
    assert order.over is (state in OVER)


def test_a_sessions_only_ends_are_completed_and_failed() -> None:
    assert {kind for (state, kind), after in CLIENT.items() if after in OVER and state not in OVER} == {
        Kind.COMPLETED,
        Kind.FAILED,
    }


@pytest.mark.parametrize(
    ("before", "line", "words"),
    [
        ("", "> Text a", "RunSynthesis is out of order: no session was started"),
        ("> Start a", "> Text a", "the server has not said yet that the session is started"),
        ("> Start a", "> Finish a", "has not said yet"),
        ("> Start a", "< Begin a", "has not said yet"),
        ("> Start a", "< Completed a", "has not said yet"),
        (ASKED, "> Start b", "a session is running"),
        (ASKED, "> Text b", "its task_id is not the running session's"),
        (ASKED, "> Unknown a", "UNKNOWN is out of order"),
        (ASKED, "< Started a", "a session is running"),
        (FINISHED, "> Text a", "the session's text was finished"),
        (f"{FINISHED}, > Cancel a", "> Cancel a", "the session was cancelled"),
        (f"{FINISHED}, < Completed a", "> Cancel a", "the session is over"),
        (f"{FINISHED}, < Completed a", "> Start b", "the session is over"),
        (f"{FINISHED}, < Failed a", "> Start b", "the session failed"),
    ],
)
def test_a_client_is_stopped_in_words_and_nothing_changes(before: str, line: str, words: str) -> None:
    order = ask(before)
    state = (order.state, order.task_id)
    with pytest.raises(OutOfOrder, match=words):
        ask(line, order)
    assert (order.state, order.task_id) == state


# One session after the other ------------------------------------------------------------------------------------------------


def test_a_reusable_connection_takes_another_session_with_a_new_id() -> None:
    server = serve(f"{DONE}, > Start b, < Started b, > Text b", ServerOrder(NAMES, reusable=True))
    client = ask(f"{FINISHED}, < Completed a, > Start b, < Started b, > Text b", ClientOrder(NAMES, reusable=True))
    assert (server.state, server.task_id) == (client.state, client.task_id) == (State.STARTED, "b")


def test_a_sessions_id_is_not_used_twice() -> None:
    server = serve(DONE, ServerOrder(NAMES, reusable=True))
    with pytest.raises(OutOfOrder, match="a session needs a new id") as caught:
        serve("> Start a", server)
    assert caught.value.status == Status.MESSAGE
    client = ask(f"{FINISHED}, < Completed a", ClientOrder(NAMES, reusable=True))
    with pytest.raises(OutOfOrder, match="a session needs a new id"):
        ask("> Start a", client)


def test_what_a_past_session_leaves_behind_does_not_touch_the_next() -> None:
    client = ask(f"{FINISHED}, < Completed a, > Start b", ClientOrder(NAMES, reusable=True))
    ask("~ Audio, ~ End a, ~ Completed a, ~ Failed a, < Started b", client)
    assert client.state is State.STARTED


def test_a_failed_connection_is_not_used_again() -> None:
    with pytest.raises(OutOfOrder, match="the session failed"):
        ask("> Start a, < Failed a, > Start b", ClientOrder(NAMES, reusable=True))


# The tables -----------------------------------------------------------------------------------------------------------------


def test_every_event_has_a_place_in_both_tables() -> None:
    for table in (SERVER, CLIENT):
        assert {kind for _, kind in table} == set(Kind) - {Kind.UNKNOWN}


def test_every_state_but_the_ends_can_be_left() -> None:
    assert {state for (state, _), after in CLIENT.items() if after is not state} == set(State) - set(OVER)
    assert {state for (state, _), after in SERVER.items() if after is not state} == set(State) - {State.STARTING, State.FAILED}


def test_what_is_ignored_is_in_no_table_and_comes_from_clients() -> None:
    assert not IGNORED & set(SERVER)
    assert {kind for _, kind in IGNORED} <= set(UP)
