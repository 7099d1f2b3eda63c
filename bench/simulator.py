"""The simulators of the tests, of OpenSpeech and of SAMI, as processes of their own, and their journals as they are told."""

from __future__ import annotations

from asyncio import TaskGroup
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Generic, Protocol, TypeVar

from .journal import Journal
from .processes import first_port, process
from .sami_journal import SamiJournal

SAMI_PATH = "/api/v1/ws"


class Reader(Protocol):
    """A journal."""

    def read(self, line: str | bytes) -> None: ...


ReaderT = TypeVar("ReaderT", bound=Reader)


class Simulator(Generic[ReaderT]):
    """A running one."""

    def __init__(self, child: Process, port: int, journal: ReaderT) -> None:
        self._child = child
        self.pid = child.pid
        self.url = f"ws://127.0.0.1:{port}"
        self.journal = journal

    async def listen(self) -> None:
        assert self._child.stdout is not None
        async for line in self._child.stdout:
            self.journal.read(line)


def simulator(*arguments: str) -> AbstractAsyncContextManager[Simulator[Journal]]:
    """`arguments`: of `python -m tests.simulators.openspeech`."""
    return _running("tests.simulators.openspeech", arguments, Journal())


def sami_simulator(*arguments: str) -> AbstractAsyncContextManager[Simulator[SamiJournal]]:
    """`arguments`: of `python -m tests.simulators.sami`."""
    return _running("tests.simulators.sami", arguments, SamiJournal())


@asynccontextmanager
async def _running(module: str, arguments: tuple[str, ...], journal: ReaderT) -> AsyncIterator[Simulator[ReaderT]]:
    async with process(["-m", module, *arguments], stdin=PIPE, stdout=PIPE) as child, TaskGroup() as tasks:
        running = Simulator(child, await first_port(child), journal)
        listening = tasks.create_task(running.listen())
        yield running
        listening.cancel()
