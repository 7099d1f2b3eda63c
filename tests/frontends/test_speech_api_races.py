"""Starts, restarts, interrupts and leaves in any order, at any moment: nobody hears what is not his, nothing is left running.

200 examples, always the same ones; hypothesis prints the first that fails, as a program. It looks for no shorter one: waiting in
vain takes time.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from .speech_races import SCRIPTS, SESSIONS, VOICES, Stage
from .speech_races import YAML as RACES
from .speech_serving import alone

SESSION = st.sampled_from(SESSIONS)
SCRIPT = st.sampled_from(sorted(SCRIPTS))
VOICE = st.sampled_from([*VOICES, VOICES[1]])
CONTAINER = st.sampled_from(["pcm", "wav"])
STEPS = 18
"""Of an example, at most."""
SETTINGS = settings(
    max_examples=200, stateful_step_count=STEPS, derandomize=True, phases=[Phase.generate], report_multiple_bugs=False
)


def may_start(machine: Races) -> bool:
    return machine.stage.may_start


def may_interrupt(machine: Races) -> bool:
    return machine.stage.may_interrupt


class Races(RuleBasedStateMachine):
    """One server for all examples."""

    runner: ClassVar[asyncio.Runner]
    stage: ClassVar[Stage]

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return self.runner.get_loop()

    @initialize()
    def prepare(self) -> None:
        self.runner.run(self.stage.prepare())

    @precondition(may_start)
    @rule(session=SESSION, script=SCRIPT, voice=VOICE, container=CONTAINER)
    def start(self, session: str, script: str, voice: str, container: str) -> None:
        self.stage.start(self.loop, session, script, voice, container)

    @precondition(may_start)
    @rule(session=SESSION, script=SCRIPT, voice=VOICE, container=CONTAINER)
    def start_and_be_seen(self, session: str, script: str, voice: str, container: str) -> None:
        """The one before in this session is silenced."""
        older = self.stage.newest(session)
        reply = self.stage.start(self.loop, session, script, voice, container)
        self.runner.run(self.stage.opened(reply))
        if older is not None:
            self.runner.run(self.stage.is_silenced(older))

    @precondition(may_interrupt)
    @rule(session=SESSION)
    def interrupt(self, session: str) -> None:
        self.stage.interrupt(self.loop, session)

    @precondition(may_interrupt)
    @rule(session=SESSION, times=st.sampled_from([1, 2]))
    def interrupt_and_be_told(self, session: str, times: int) -> None:
        running, silent = self.stage.newest(session), self.stage.is_silent(session)
        answers = [self.stage.interrupt(self.loop, session) for _ in range(times)]
        self.runner.run(asyncio.wait_for(asyncio.gather(*answers), 5))
        statuses = sorted(answer.result().status for answer in answers)
        if silent:
            assert statuses == [404] * times
        if running is not None:
            assert statuses == [200, 404][:times]
            self.runner.run(self.stage.is_silenced(running))

    @precondition(lambda self: any(not reply.left for reply in self.stage.replies))
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        reply = data.draw(st.sampled_from([reply for reply in self.stage.replies if not reply.left]))
        reply.left = True
        reply.client.writer.transport.abort()

    @rule(turns=st.integers(1, 12))
    def let_the_server_run(self, turns: int) -> None:
        async def run() -> None:
            for _ in range(turns):
                await asyncio.sleep(0)

        self.runner.run(run())

    @rule(milliseconds=st.sampled_from([1, 4, 12]))
    def let_time_pass(self, milliseconds: int) -> None:
        self.runner.run(asyncio.sleep(milliseconds / 1000))

    def teardown(self) -> None:
        self.runner.run(self.stage.all_is_well())


@pytest.mark.timeout(120)  # ten seconds, where nobody else uses the machine
def test_whatever_clients_do_to_a_session_nothing_old_is_heard_and_nothing_is_left(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with asyncio.Runner() as runner:
        turns = asyncio.Semaphore(2)
        server = alone(tmp_path, RACES, turns=turns)
        Races.runner, Races.stage = runner, Stage(runner.run(server.__aenter__()), turns)
        try:
            run_state_machine_as_test(Races, settings=SETTINGS)
        finally:
            runner.run(server.__aexit__(None, None, None))
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
