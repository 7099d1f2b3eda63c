"""The order of OpenSpeech v3 events as transcripts: `>` goes up, `<` comes down."""

from __future__ import annotations

import pytest

from wyoming_server.errors import ProtocolError
from wyoming_server.protocols.openspeech_v3 import TRANSITIONS, UP, Event, Order, State

NAMES = {event.title: event for event in Event}
OPEN = "> StartConnection, < ConnectionStarted c"
RUN = f"{OPEN}, > StartSession a, < SessionStarted a"
TEXT = f"{RUN}, > TaskRequest a"
FINISHED = f"{TEXT}, > FinishSession a"
ENDED = f"{FINISHED}, < SessionFinished a"


def play(transcript: str, order: Order | None = None) -> Order:
    order = order or Order()
    for line in filter(None, transcript.split(", ")):
        direction, title, *ids = line.split()
        move = order.sent if direction == ">" else order.received
        move(NAMES[title] if title in NAMES else int(title), *ids)
    return order


@pytest.mark.parametrize(
    ("transcript", "state", "session"),
    [
        ("", State.NEW, ""),
        ("> StartConnection", State.CONNECTING, ""),
        (OPEN, State.READY, ""),
        (f"{OPEN}, > StartSession a", State.STARTING, "a"),
        (RUN, State.SPEAKING, "a"),
        (f"{TEXT}, < SentenceStart a, < AUDIO a, > TaskRequest a".replace("AUDIO", "Audio"), State.SPEAKING, "a"),
        (f"{FINISHED}, < Audio a, < Subtitle a, < SentenceEnd a", State.FINISHING, "a"),
        (ENDED, State.READY, ""),
        (f"{ENDED}, > StartSession b, < SessionStarted b, > TaskRequest b", State.SPEAKING, "b"),
        (f"{ENDED}, > FinishConnection", State.CLOSING, ""),
        (f"{ENDED}, > FinishConnection, < ConnectionFinished c", State.CLOSED, ""),
        ("> StartConnection, < ConnectionFailed c", State.CLOSED, ""),
        (f"{TEXT}, < ConnectionFinished c, < Audio a", State.CLOSED, ""),
        (f"{OPEN}, > StartSession a, < SessionFailed a", State.READY, ""),
        (f"{TEXT}, < SessionFailed a", State.READY, ""),
        (f"{TEXT}, < SessionFinished a", State.READY, ""),
    ],
)
def test_a_transcript_leads_to_a_state(transcript: str, state: State, session: str) -> None:
    order = play(transcript)
    assert (order.state, order.session) == (state, session)


@pytest.mark.parametrize("before", [RUN, TEXT, FINISHED, f"{FINISHED}, < Audio a"])
@pytest.mark.parametrize("end", ["SessionCanceled", "SessionFinished", "SessionFailed"])
def test_a_cancel_ends_by_any_of_three_events(before: str, end: str) -> None:
    order = play(f"{before}, > CancelSession a, < Audio a")
    assert order.state is State.CANCELLING
    play(f"< {end} a, > StartSession b, < SessionStarted b", order)
    assert (order.state, order.session) == (State.SPEAKING, "b")


def test_a_cancel_may_cross_the_start() -> None:
    order = play(f"{OPEN}, > StartSession a, > CancelSession a, < SessionStarted a")
    assert order.state is State.CANCELLING
    assert play("< SessionCanceled a", order).state is State.READY


def test_a_cancel_may_cross_the_end() -> None:
    order = play(f"{ENDED}, > CancelSession a")
    assert order.state is State.READY
    play("> StartSession b, > CancelSession a", order)
    assert (order.state, order.session) == (State.STARTING, "b")


@pytest.mark.parametrize(
    "late", ["SessionStarted", "Audio", "SentenceEnd", "SessionCanceled", "SessionFinished", "SessionFailed"]
)
@pytest.mark.parametrize("next_session", ["", ", > StartSession b", ", > StartSession b, < SessionStarted b"])
def test_what_comes_late_for_a_stale_session_changes_nothing(late: str, next_session: str) -> None:
    order = play(ENDED + next_session)
    before = (order.state, order.session)
    assert order.is_stale("a")
    play(f"< {late} a", order)
    assert (order.state, order.session) == before


def test_only_the_running_session_is_not_stale() -> None:
    order = play(OPEN)
    assert order.is_stale("a")
    assert order.is_stale("")
    play("> StartSession a", order)
    assert not order.is_stale("a")
    assert order.is_stale("")


@pytest.mark.parametrize(
    ("before", "line", "words"),
    [
        ("", "> StartSession a", r"StartSession is out of order: StartConnection has not been sent yet\."),
        ("", "< ConnectionStarted c", "StartConnection has not been sent yet"),
        ("> StartConnection", "> StartSession a", "ConnectionStarted has not come yet"),
        ("> StartConnection", "> StartConnection", "ConnectionStarted has not come yet"),
        ("> StartConnection", "> FinishConnection", "ConnectionStarted has not come yet"),
        ("> StartConnection", "< SessionStarted a", "ConnectionStarted has not come yet"),
        (OPEN, "> TaskRequest a", "no session is running"),
        (OPEN, "> CancelSession a", "no session is running"),
        (OPEN, "> StartConnection", "connection is open"),
        (OPEN, "> StartSession", "a session needs a new id"),
        (f"{OPEN}, > StartSession a", "> TaskRequest a", "TaskRequest is out of order: SessionStarted has not come yet"),
        (f"{OPEN}, > StartSession a", "> FinishSession a", "SessionStarted has not come yet"),
        (f"{OPEN}, > StartSession a", "< Audio a", "SessionStarted has not come yet"),
        (RUN, "> StartSession b", "a session is running"),
        (RUN, "> TaskRequest b", "its session is not the one that is running"),
        (RUN, "> CancelSession b", "its session is not the one that is running"),
        (RUN, "> FinishSession", "its session is not the one that is running"),
        (RUN, "> FinishConnection", "a session is running"),
        (RUN, "< SessionStarted a", "a session is running"),
        (RUN, "< TaskRequest a", "only a client sends it"),
        (RUN, "> Audio a", "only a server sends it"),
        (FINISHED, "> TaskRequest a", "text was finished"),
        (FINISHED, "> FinishSession a", "text was finished"),
        (FINISHED, "> StartSession b", "its end has not come yet"),
        (f"{RUN}, > CancelSession a", "> TaskRequest a", "was cancelled"),
        (f"{RUN}, > CancelSession a", "> CancelSession a", "was cancelled"),
        (f"{RUN}, > CancelSession a", "> StartSession b", "its end has not come yet"),
        (ENDED, "> StartSession a", "a session needs a new id"),
        (ENDED, "> TaskRequest a", "no session is running"),
        (f"{ENDED}, > FinishConnection", "> StartSession b", "the connection was finished"),
        (f"{ENDED}, < ConnectionFinished c", "> StartSession b", "the connection is closed"),
    ],
)
def test_what_is_out_of_order_is_refused_in_words_and_changes_nothing(before: str, line: str, words: str) -> None:
    order = play(before)
    state = (order.state, order.session)
    with pytest.raises(ProtocolError, match=words):
        play(line, order)
    assert (order.state, order.session) == state


def test_a_refused_id_is_not_used_up() -> None:
    order = play(RUN)
    with pytest.raises(ProtocolError):
        play("> StartSession b", order)
    play("< SessionFinished a, > StartSession b", order)
    assert order.session == "b"


@pytest.mark.parametrize("before", ["", OPEN, RUN, ENDED])
def test_unknown_events_are_ignored(before: str) -> None:
    order = play(before)
    state = order.state
    play("< 999 a, < -1, > 999 a", order)
    assert order.state is state


def test_every_state_can_be_left_and_every_event_has_a_place() -> None:
    assert {state for state, _ in TRANSITIONS} == set(State)
    assert {event for _, event in TRANSITIONS} == set(Event)
    ups = {state: {event for begin, event in TRANSITIONS if begin is state and event in UP} for state in State}
    assert not ups[State.CANCELLING] | ups[State.CLOSING] | ups[State.CLOSED]
