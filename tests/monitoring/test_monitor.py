"""Every session is told of once when it begins and once when it ends, whatever becomes of it; and a defect hurts nobody."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import datetime

import pytest

from wyoming_server.errors import CredentialsRefused, Interrupted
from wyoming_server.models import Notice
from wyoming_server.monitoring.errors import KEPT
from wyoming_server.monitoring.monitor import Monitor
from wyoming_server.monitoring.states import Kind, State
from wyoming_server.monitoring.usage import described as usage_of
from wyoming_server.sessions import ListenerGone, LocalSessions, Session

from .watching import Told, new_monitor, told_by, value

ENDED = "session_ended"


@pytest.fixture
def monitor() -> Monitor:
    return new_monitor()


@pytest.fixture
def sessions(monitor: Monitor) -> LocalSessions:
    return LocalSessions(monitor)


def speak(session: Session, seconds: float = 0.5) -> None:
    """As an engine would."""
    session.progress.engine = "tone"
    session.progress.asked = True
    session.progress.took("tone", 10)
    session.progress.heard(seconds)


async def ends(monitor: Monitor, told: Told) -> list[tuple[object, object]]:
    """Ids and outcomes, once nothing more is told."""
    monitor.close()
    await told.all()
    assert not monitor.sessions()
    assert value(monitor, "herald_sessions", front_end="none") == 0
    started = [data["id"] for data in told.of("session_started")]
    ended = [(data["id"], data["outcome"]) for data in told.of(ENDED)]
    assert sorted(started) == sorted(name for name, _ in ended)
    return ended


async def test_a_session_is_told_of_as_the_contract_says(monitor: Monitor, sessions: LocalSessions) -> None:
    with told_by(monitor) as told:
        async with sessions.open("s", voice="v", engine="tone", client="192.0.2.7", front_end="wyoming") as session:
            assert monitor.described(session)["state"] == "waiting"
            session.progress.asked = True
            assert monitor.described(session)["state"] == "thinking"
            session.progress.position = 2
            assert (monitor.described(session)["state"], monitor.described(session)["position"]) == ("waiting", 2)
            speak(session)
            assert monitor.sessions() == [session]
        monitor.close()
        first, second, ready, last, bye = await told.all()
    assert (ready.name, bye.name, bye.data) == ("engine", "bye", {})
    started = first.data
    assert first.name == "session_started"
    assert datetime.fromisoformat(str(started["started"])).utcoffset() is not None
    assert {**started, "started": None} == {
        "id": "s",
        "front_end": "wyoming",
        "client": "192.0.2.7",
        "voice": "v",
        "engine": "tone",
        "started": None,
        "characters": 0,
        "audio_seconds": 0.0,
        "first_audio": None,
        "state": "waiting",
        "position": None,
    }
    assert (second.name, second.data["state"], second.data["engine"]) == ("session_speaking", "speaking", "tone")
    assert isinstance(second.data["first_audio"], float)
    more = {"outcome": "completed", "code": None, "message": None, "interrupt_seconds": None, "notice": None}
    assert (last.name, last.data) == (ENDED, {**second.data, "audio_seconds": 0.5, **more})


async def test_one_that_is_restarted_by_the_same_id_is_two(monitor: Monitor, sessions: LocalSessions) -> None:
    gate = asyncio.Event()

    async def run() -> None:
        async with sessions.open("s") as session:
            speak(session)
            gate.set()
            await asyncio.Event().wait()

    with told_by(monitor) as told:
        older = asyncio.create_task(run())
        await gate.wait()
        async with sessions.open("s") as newer:
            assert monitor.sessions() == [newer]
            with pytest.raises(Interrupted):
                await older
        assert await ends(monitor, told) == [("s", "interrupted"), ("s", "completed")]
    (first, _) = told.of(ENDED)
    assert (first["code"], first["message"]) == ("interrupted", "Another text was started in this session.")
    assert first["interrupt_seconds"] >= 0
    assert value(monitor, "herald_interrupt_seconds_count") == 1


async def test_one_that_is_interrupted_before_it_was_entered_ends_once(monitor: Monitor, sessions: LocalSessions) -> None:
    with told_by(monitor) as told:
        session = sessions.open("s")
        sessions.interrupt("s")
        assert monitor.sessions() == []
        with pytest.raises(Interrupted):
            await session.__aenter__()
        session.leave()
        assert await ends(monitor, told) == [("s", "interrupted")]
    assert value(monitor, "herald_requests_total", engine="none", front_end="none", outcome="interrupted") == 1
    assert usage_of(monitor.usage)["engines"] == {}


async def test_one_whose_task_is_cancelled_before_it_began_ends_once(monitor: Monitor, sessions: LocalSessions) -> None:
    async def run(session: Session) -> None:
        async with session:
            pytest.fail("It was cancelled before.")

    with told_by(monitor) as told:
        session = sessions.open("s")
        task = asyncio.create_task(run(session))
        task.add_done_callback(lambda _: session.leave())
        task.cancel()
        await asyncio.wait([task])
        await sessions.until_idle()
        assert await ends(monitor, told) == [("s", "left")]


async def test_one_whose_listener_left_is_no_failure(monitor: Monitor, sessions: LocalSessions) -> None:
    with told_by(monitor) as told:
        with pytest.raises(ListenerGone):  # noqa: PT012  # one act
            async with sessions.open("s") as session:
                speak(session)
                raise ListenerGone
        assert await ends(monitor, told) == [("s", "left")]
    assert monitor.errors.described() == []


async def test_a_failure_is_counted_and_kept_in_words(monitor: Monitor, sessions: LocalSessions) -> None:
    with pytest.raises(CredentialsRefused):  # noqa: PT012  # one act
        async with sessions.open("s", voice="v", engine="tone", client="c", front_end="wyoming") as session:
            session.progress.asked = True
            raise CredentialsRefused("The token is wrong.")
    (kept,) = monitor.errors.described()
    assert datetime.fromisoformat(str(kept.pop("time"))).utcoffset() is not None
    words = {"code": "credentials_refused", "message": "The token is wrong."}
    assert kept == {**words, "session": "s", "voice": "v", "engine": "tone", "client": "c", "front_end": "wyoming"}
    assert value(monitor, "herald_errors_total", engine="tone", code="credentials_refused") == 1
    known = monitor.states.of(Kind.ENGINE, "tone")
    assert known is not None
    assert known.state is State.REFUSED
    assert value(monitor, "herald_engine_state", engine="tone", state="refused") == 1
    json.dumps(monitor.errors.described())


async def test_a_defect_is_a_failure_too(monitor: Monitor, sessions: LocalSessions) -> None:
    with pytest.raises(ZeroDivisionError):
        async with sessions.open("s"):
            raise ZeroDivisionError
    assert [kept["code"] for kept in monitor.errors.described()] == ["internal"]
    assert value(monitor, "herald_errors_total", engine="none", code="internal") == 1


async def test_only_the_last_failures_are_kept_the_newest_first(monitor: Monitor, sessions: LocalSessions) -> None:
    for number in range(KEPT + 5):
        with pytest.raises(CredentialsRefused):
            async with sessions.open(str(number)):
                raise CredentialsRefused
    kept = [failure["session"] for failure in monitor.errors.described()]
    assert (len(kept), kept[0], kept[-1]) == (KEPT, str(KEPT + 4), "5")


async def test_usage_is_counted_by_engine(monitor: Monitor, sessions: LocalSessions) -> None:
    for _ in range(2):
        async with sessions.open() as session:
            speak(session, 0.25)
    with pytest.raises(Interrupted):  # noqa: PT012  # one act
        async with sessions.open() as session:
            speak(session)
            session.interrupt()
    with pytest.raises(CredentialsRefused):  # noqa: PT012  # one act
        async with sessions.open(engine="other") as session:
            session.progress.asked = True
            raise CredentialsRefused
    told = usage_of(monitor.usage)
    outcomes = dict.fromkeys(("requests", "completed", "interrupted", "failed", "left", "shared"), 0)
    nothing = {**outcomes, "characters": 0, "audio_seconds": 0.0}
    assert datetime.fromisoformat(str(told["since"])).utcoffset() is not None
    assert told["engines"] == {
        "tone": {
            **nothing,
            "requests": 3,
            "completed": 2,
            "interrupted": 1,
            "characters": 30,
            "audio_seconds": 1.0,
            "errors": {},
        },
        "other": {**nothing, "requests": 1, "failed": 1, "errors": {"credentials_refused": 1}},
    }
    json.dumps(told)


async def test_a_reply_that_listens_to_anothers_synthesis_is_no_request(monitor: Monitor, sessions: LocalSessions) -> None:
    async with sessions.open() as first, sessions.open() as second:
        speak(first, 0.25)
        second.progress.engine, second.progress.asked, second.progress.shared = "tone", True, True
        second.progress.heard(0.25)  # whose characters are the first's
    used = usage_of(monitor.usage)["engines"]
    assert isinstance(used, dict)
    assert {name: used["tone"][name] for name in ("requests", "completed", "shared", "characters", "audio_seconds")} == {
        "requests": 1,
        "completed": 1,
        "shared": 1,
        "characters": 10,
        "audio_seconds": 0.5,
    }
    assert value(monitor, "herald_first_audio_seconds_count", engine="tone") == 1


async def test_one_that_ended_before_its_engine_was_asked_says_nothing_of_it(monitor: Monitor, sessions: LocalSessions) -> None:
    sessions.open(engine="tone").leave(CredentialsRefused("Somebody else's."))
    assert usage_of(monitor.usage)["engines"] == {}
    known = monitor.states.of(Kind.ENGINE, "tone")
    assert known is not None
    assert known.state is State.UNTRIED


async def test_first_audio_counts_from_the_sessions_opening(monitor: Monitor, sessions: LocalSessions) -> None:
    async with sessions.open() as session:
        session.since -= 1.2
        speak(session)
        speak(session)
    assert value(monitor, "herald_first_audio_seconds_count", engine="tone") == 1
    assert value(monitor, "herald_first_audio_seconds_sum", engine="tone") == pytest.approx(1.2, abs=0.1)


async def test_a_text_with_nothing_to_say_shows_nothing_of_the_engine(monitor: Monitor, sessions: LocalSessions) -> None:
    async with sessions.open() as session:
        session.progress.engine = "tone"
        session.progress.heard(0.02)
    known = monitor.states.of(Kind.ENGINE, "tone")
    assert known is not None
    assert known.state is State.UNTRIED


async def test_a_bypassed_converter_is_told_of_and_the_engine_is_ready(monitor: Monitor, sessions: LocalSessions) -> None:
    with told_by(monitor) as told:
        async with sessions.open() as session:
            session.progress.notice = Notice(code="engine_timeout", text="Not converted.")
            session.progress.converter, session.progress.converter_failed = "gone", True
            speak(session)
        monitor.close()
        await told.all()
    assert [(data["name"], data["state"]) for data in told.of("engine", "converter")] == [("tone", "ready")]


async def test_names_of_clients_are_bounded(monitor: Monitor, sessions: LocalSessions) -> None:
    session = sessions.open("s" * 5000, client="c" * 5000, voice="v" * 5000)
    assert {len(str(monitor.described(session)[name])) for name in ("id", "client", "voice")} == {256}
    session.leave()


async def test_a_defect_of_the_monitor_is_logged_once_and_ends_no_reply(
    monitor: Monitor, sessions: LocalSessions, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(monitor.usage, "add", broken)
    monkeypatch.setattr(monitor.metrics, "speaking", broken)
    with caplog.at_level(logging.ERROR), told_by(monitor) as told:
        for _ in range(3):
            async with sessions.open() as session:
                speak(session)
        assert [outcome for _, outcome in await ends(monitor, told)] == ["completed"] * 3
    assert len(caplog.records) == 2
    assert all("told once" in record.message for record in caplog.records)


async def test_somebody_who_knows_more_of_a_service_says_it(monitor: Monitor) -> None:
    with told_by(monitor) as told:
        monitor.verified(Kind.ENGINE, "tone", CredentialsRefused("No."))
        monitor.describe_service = lambda kind, name: {"whole": f"{kind} {name}"}
        monitor.verified(Kind.ENGINE, "tone", None)
        monitor.close()
        await told.all()
    first, second = told.of("engine")
    since = first["since"]
    assert datetime.fromisoformat(since).utcoffset() is not None
    assert first == {
        "name": "tone",
        "kind": "engine",
        "configured": True,
        "state": "refused",
        "code": "credentials_refused",
        "message": "No.",
        "since": since,
    }
    assert second == {"whole": "engine tone"}


async def test_goodbye_is_the_last_that_is_told(monitor: Monitor, sessions: LocalSessions) -> None:
    with told_by(monitor) as told:
        session = sessions.open()
        monitor.close()
        session.leave()
        assert [event.name for event in await told.all()] == ["session_started", "bye"]
    assert value(monitor, "herald_requests_total", engine="none", front_end="none", outcome="left") == 1
