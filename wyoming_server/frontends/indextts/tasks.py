"""What became of every task: while it waits and runs, and for some minutes after its end. Time comes from outside; no socket."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from ...protocols.indextts import TaskStatus

KEPT = 300.0
"""Seconds for which a task that has ended is remembered."""
KEPT_MAX = 10_000
"""Tasks that have ended and are remembered; the one that ended first is forgotten first."""


@dataclass(kw_only=True, slots=True)
class Task:
    """One text to be spoken. Only its Tasks change it."""

    id: str
    created_at: str
    """Local time in ISO 8601, with microseconds and without a zone."""
    status: TaskStatus = TaskStatus.PENDING
    completed_at: str | None = None
    """As `created_at`, once it has ended in whatever way."""
    error_message: str | None = None

    @property
    def over(self) -> bool:
        return self.completed_at is not None


class Tasks:
    """Those of all clients. They are forgotten when somebody asks, or when others end."""

    def __init__(self, *, clock: Callable[[], float] = monotonic, now: Callable[[], datetime] = datetime.now) -> None:
        self._clock = clock
        self._now = now
        self._known: dict[str, Task] = {}
        self._ended: deque[tuple[float, str]] = deque()
        """When each ended, and its id."""

    def __len__(self) -> int:
        return len(self._known)

    def new(self, task_id: str) -> Task:
        task = self._known[task_id] = Task(id=task_id, created_at=self._time())
        return task

    def find(self, task_id: str) -> Task | None:
        self._forget()
        return self._known.get(task_id)

    def run(self, task: Task) -> None:
        """Its turn has come."""
        if not task.over:
            task.status = TaskStatus.RUNNING

    def end(self, task: Task, status: TaskStatus, error_message: str | None = None) -> bool:
        """False: it had ended before, and nothing changes."""
        if task.over:
            return False
        task.status, task.error_message, task.completed_at = status, error_message, self._time()
        self._ended.append((self._clock(), task.id))
        self._forget()
        return True

    def _time(self) -> str:
        return self._now().isoformat(timespec="microseconds")

    def _forget(self) -> None:
        oldest = self._clock() - KEPT
        while self._ended and (self._ended[0][0] <= oldest or len(self._ended) > KEPT_MAX):
            del self._known[self._ended.popleft()[1]]
