"""Sessions: what an interrupt does to a task that speaks, at every moment of its life."""

from __future__ import annotations

import asyncio

import pytest

from wyoming_server.errors import EngineTimeout, HeraldError, Interrupted, ShuttingDown
from wyoming_server.sessions import End, ListenerGone, LocalSessions, Outcome, Session


class Speaker:
    """A task inside a session, waiting at a gate."""

    def __init__(self, sessions: LocalSessions, session_id: str) -> None:
        self.entered = asyncio.Event()
        self.gate = asyncio.Event()
        self.cleaned = False
        self.task = asyncio.create_task(self._speak(sessions, session_id))

    async def _speak(self, sessions: LocalSessions, session_id: str) -> str:
        try:
            async with sessions.open(session_id, voice="v"):
                self.entered.set()
                try:
                    await self.gate.wait()
                finally:
                    await asyncio.sleep(0)
                    self.cleaned = True
        except Interrupted as error:
            return str(error)
        return "completed"


class Diary:
    """A watcher that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.ends: list[End] = []

    def session_started(self, session: Session) -> None:
        self.told.append((session.id, "started"))

    def session_speaking(self, session: Session) -> None:
        self.told.append((session.id, "speaking"))

    def session_ended(self, session: Session, end: End) -> None:
        self.told.append((session.id, end.outcome))
        self.ends.append(end)


async def test_an_interrupt_reaches_a_task_that_is_stalled() -> None:
    sessions = LocalSessions()
    speaker = Speaker(sessions, "s")
    await speaker.entered.wait()
    assert sessions.interrupt("s")
    assert await speaker.task == "The speech was interrupted."
    assert speaker.cleaned
    assert list(sessions) == []


async def test_the_clean_up_of_a_replaced_session_leaves_the_new_one_alone() -> None:
    """The seed's service removed the new session here, and the next interrupt got a 404."""
    sessions = LocalSessions()
    first = Speaker(sessions, "s")
    await first.entered.wait()
    second = Speaker(sessions, "s")
    await second.entered.wait()
    assert await first.task == "Another text was started in this session."
    assert [session.id for session in sessions] == ["s"]
    assert sessions.interrupt("s")
    assert await second.task == "The speech was interrupted."


async def test_twice_or_after_the_end_is_no_interrupt() -> None:
    sessions = LocalSessions()
    speaker = Speaker(sessions, "s")
    await speaker.entered.wait()
    assert sessions.interrupt("s")
    assert not sessions.interrupt("s")
    await speaker.task
    assert not sessions.interrupt("s")
    assert not sessions.interrupt("never there")


async def test_a_session_that_ends_as_it_is_interrupted_leaves_no_cancellation_behind() -> None:
    sessions = LocalSessions()
    with pytest.raises(Interrupted):  # both lines are one act
        async with sessions.open("s"):
            sessions.interrupt("s")
    await asyncio.sleep(0)  # would raise the cancellation that was left behind
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_failure_as_it_is_interrupted_is_told_as_the_interrupt() -> None:
    sessions = LocalSessions()
    with pytest.raises(Interrupted) as caught:  # noqa: PT012  # both lines are one act
        async with sessions.open("s"):
            sessions.interrupt("s")
            raise ValueError
    assert isinstance(caught.value.__cause__, ValueError)
    await asyncio.sleep(0)


async def test_a_task_cancelled_from_outside_stays_cancelled_even_when_interrupted() -> None:
    sessions = LocalSessions()
    speaker = Speaker(sessions, "s")
    await speaker.entered.wait()
    sessions.interrupt("s")
    speaker.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await speaker.task
    assert list(sessions) == []


async def test_one_that_still_waits_in_line_is_ended_too() -> None:
    sessions = LocalSessions()
    waiting = sessions.open("s")
    newer = sessions.open("s")
    with pytest.raises(Interrupted, match="Another text"):
        await waiting.__aenter__()
    assert list(sessions) == [newer]
    newer.leave()
    await asyncio.wait_for(sessions.until_idle(), 5)


async def test_the_listener_is_told_before_the_task_unwinds() -> None:
    sessions = LocalSessions()
    speaker = Speaker(sessions, "s")
    await speaker.entered.wait()
    told: list[object] = []
    (session,) = sessions
    session.on_interrupt = told.append
    sessions.interrupt("s")
    assert [str(error) for error in told] == ["The speech was interrupted."]
    assert not speaker.cleaned
    await speaker.task


async def test_a_shutdown_lets_nobody_in() -> None:
    sessions = LocalSessions()
    sessions.close()
    with pytest.raises(ShuttingDown):
        sessions.open("s")


async def test_all_are_interrupted_with_the_reason_given() -> None:
    sessions = LocalSessions()
    speakers = [Speaker(sessions, name) for name in "ab"]
    await asyncio.gather(*(speaker.entered.wait() for speaker in speakers))
    assert sessions.interrupt_all(ShuttingDown()) == 2
    results = await asyncio.gather(*(speaker.task for speaker in speakers), return_exceptions=True)
    assert [type(result) for result in results] == [ShuttingDown, ShuttingDown]
    await asyncio.wait_for(sessions.until_idle(), 5)


async def test_sessions_without_an_id_do_not_replace_each_other() -> None:
    sessions = LocalSessions()
    async with sessions.open() as first, sessions.open() as second:
        assert first.id != second.id
        assert len(list(sessions)) == 2


# Whoever watches


async def test_a_watcher_is_told_of_the_start_the_first_audio_and_the_end_once() -> None:
    sessions = LocalSessions(diary := Diary())
    async with sessions.open("s") as session:
        session.progress.heard(0.1)
        session.progress.heard(0.1)
    session.leave()
    assert diary.told == [("s", "started"), ("s", "speaking"), ("s", "completed")]
    assert diary.ends == [End(outcome=Outcome.COMPLETED)]


@pytest.mark.parametrize(
    ("error", "outcome", "code"),
    [
        (EngineTimeout(), Outcome.FAILED, "engine_timeout"),
        (ZeroDivisionError(), Outcome.FAILED, "internal"),
        (Interrupted(), Outcome.FAILED, "interrupted"),  # another server's: nobody asked this session for silence
        (ListenerGone(), Outcome.LEFT, None),
        (asyncio.CancelledError(), Outcome.LEFT, None),
    ],
)
async def test_how_it_ends_follows_from_what_ended_it(error: BaseException, outcome: Outcome, code: str | None) -> None:
    sessions = LocalSessions(diary := Diary())
    with pytest.raises(type(error)):
        async with sessions.open("s"):
            raise error
    (end,) = diary.ends
    assert (end.outcome, end.error.code if end.error else None, end.interrupt_seconds) == (outcome, code, None)


@pytest.mark.parametrize("reason", [None, Interrupted("Enough."), ShuttingDown()])
async def test_an_interrupt_is_timed_until_everything_has_stopped(reason: HeraldError | None) -> None:
    sessions = LocalSessions(diary := Diary())
    speaker = Speaker(sessions, "s")
    await speaker.entered.wait()
    sessions.interrupt("s", reason)
    assert diary.ends == []
    await asyncio.wait([speaker.task])
    speaker.task.exception()
    assert speaker.cleaned
    (end,) = diary.ends
    assert end.outcome is Outcome.INTERRUPTED
    assert end.error is reason or (reason is None and isinstance(end.error, Interrupted))
    assert end.interrupt_seconds is not None
    assert end.interrupt_seconds >= 0


async def test_a_failure_while_it_is_interrupted_is_an_interrupt_to_the_watcher_too() -> None:
    sessions = LocalSessions(diary := Diary())
    with pytest.raises(Interrupted):  # noqa: PT012  # both lines are one act
        async with sessions.open("s"):
            sessions.interrupt("s")
            raise ValueError
    assert [end.outcome for end in diary.ends] == [Outcome.INTERRUPTED]


async def test_a_session_that_is_replaced_ends_once_and_so_does_the_new_one() -> None:
    sessions = LocalSessions(diary := Diary())
    speakers = [Speaker(sessions, "s")]
    for _ in range(3):
        await speakers[-1].entered.wait()
        speakers.append(Speaker(sessions, "s"))
    await speakers[-1].entered.wait()
    speakers[-1].gate.set()
    await asyncio.wait([speaker.task for speaker in speakers])
    assert [what for _, what in diary.told].count("started") == 4
    assert sorted(end.outcome for end in diary.ends) == ["completed", "interrupted", "interrupted", "interrupted"]


async def test_one_that_is_never_entered_ends_as_what_it_is_left_for() -> None:
    sessions = LocalSessions(diary := Diary())
    for cause in (None, EngineTimeout()):
        sessions.open("s").leave(cause)
    interrupted = sessions.open("s")
    interrupted.interrupt()
    interrupted.leave()
    assert [end.outcome for end in diary.ends] == [Outcome.LEFT, Outcome.FAILED, Outcome.INTERRUPTED]


async def test_a_failure_that_another_task_sees_is_how_it_ends() -> None:
    sessions = LocalSessions(diary := Diary())
    speaker = Speaker(sessions, "s")
    await speaker.entered.wait()
    session = sessions.find("s")
    assert session is not None
    session.fail(EngineTimeout("First."))
    session.fail(EngineTimeout("Second."))
    speaker.task.cancel()
    await asyncio.wait([speaker.task])
    assert speaker.task.cancelled()
    waiting = sessions.open("s")
    waiting.fail(EngineTimeout("In line."))
    waiting.leave()
    assert [(end.outcome, str(end.error)) for end in diary.ends] == [("failed", "First."), ("failed", "In line.")]


async def test_an_interrupt_goes_before_a_failure_that_another_task_sees_and_so_does_the_work_that_is_done() -> None:
    sessions = LocalSessions(diary := Diary())
    for interrupts in (True, False):
        session = sessions.open("s")
        session.fail(EngineTimeout())
        if interrupts:
            session.interrupt()
            session.leave()
        else:
            async with session:
                pass
    assert [end.outcome for end in diary.ends] == [Outcome.INTERRUPTED, Outcome.COMPLETED]


async def test_nobody_is_told_of_what_is_not_let_in() -> None:
    sessions = LocalSessions(diary := Diary())
    sessions.close()
    with pytest.raises(ShuttingDown):
        sessions.open("s")
    assert diary.told == []
