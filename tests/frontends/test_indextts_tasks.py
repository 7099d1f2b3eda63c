"""What is remembered of tasks: no server, and a clock of the test's own."""

from __future__ import annotations

from uuid import uuid4

import pytest

from wyoming_server.frontends.indextts import tasks as module
from wyoming_server.frontends.indextts.tasks import KEPT, KEPT_MAX, Task, Tasks
from wyoming_server.protocols.indextts import TaskStatus

from .indextts_serving import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock(seconds=1_000)


@pytest.fixture
def tasks(clock: Clock) -> Tasks:
    return Tasks(clock=clock, now=clock.now)


def new(tasks: Tasks) -> Task:
    return tasks.new(str(uuid4()))


def test_a_new_task_is_pending_and_runs_when_its_turn_comes(tasks: Tasks) -> None:
    task = new(tasks)
    assert (task.status, task.completed_at, task.error_message) == (TaskStatus.PENDING, None, None)
    tasks.run(task)
    assert (task.status, task.over) == (TaskStatus.RUNNING, False)
    assert tasks.find(task.id) is task


def test_an_end_is_told_with_its_time(tasks: Tasks, clock: Clock) -> None:
    task = new(tasks)
    clock.seconds += 2.5
    assert tasks.end(task, TaskStatus.FAILED, "why")
    assert (task.status, task.error_message) == (TaskStatus.FAILED, "why")
    assert task.created_at.endswith("40.000000")
    assert str(task.completed_at).endswith("42.500000")


def test_the_first_end_counts(tasks: Tasks, clock: Clock) -> None:
    task = new(tasks)
    assert tasks.end(task, TaskStatus.CANCELLED)
    ended = task.completed_at
    clock.seconds += 1
    assert not tasks.end(task, TaskStatus.COMPLETED)
    tasks.run(task)
    assert (task.status, task.completed_at) == (TaskStatus.CANCELLED, ended)


def test_tasks_are_forgotten_in_the_order_of_their_ends(tasks: Tasks, clock: Clock) -> None:
    first, second, running = new(tasks), new(tasks), new(tasks)
    tasks.end(second, TaskStatus.COMPLETED)
    clock.seconds += 10
    tasks.end(first, TaskStatus.COMPLETED)
    clock.seconds += KEPT - 10
    assert [tasks.find(task.id) for task in (first, second, running)] == [first, None, running]
    clock.seconds += 10
    assert [tasks.find(task.id) for task in (first, second, running)] == [None, None, running]
    assert len(tasks) == 1


def test_only_so_many_that_have_ended_are_remembered(tasks: Tasks) -> None:
    running = new(tasks)
    ended = [new(tasks) for _ in range(KEPT_MAX + 3)]
    for task in ended:
        tasks.end(task, TaskStatus.COMPLETED)
    assert len(tasks) == KEPT_MAX + 1
    assert [tasks.find(task.id) is None for task in ended[:4]] == [True, True, True, False]
    assert tasks.find(running.id) is running


def test_nobody_need_ask_for_the_old_to_be_forgotten(tasks: Tasks, clock: Clock) -> None:
    for _ in range(50):
        tasks.end(new(tasks), TaskStatus.COMPLETED)
        clock.seconds += module.KEPT / 10
    assert len(tasks) == 10
