"""The OpenSpeech simulator of the tests as a process of its own, and its journal as it is told."""

from __future__ import annotations

from asyncio import TaskGroup
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .journal import Journal
from .processes import first_port, process


class Simulator:
    """A running one."""

    def __init__(self, child: Process, port: int) -> None:
        self._child = child
        self.pid = child.pid
        self.url = f"ws://127.0.0.1:{port}"
        self.journal = Journal()

    async def listen(self) -> None:
        assert self._child.stdout is not None
        async for line in self._child.stdout:
            self.journal.read(line)


@asynccontextmanager
async def simulator(*arguments: str) -> AsyncIterator[Simulator]:
    """`arguments`: of `python -m tests.simulators.openspeech`."""
    command = ["-m", "tests.simulators.openspeech", *arguments]
    async with process(command, stdin=PIPE, stdout=PIPE) as child, TaskGroup() as tasks:
        running = Simulator(child, await first_port(child))
        listening = tasks.create_task(running.listen())
        yield running
        listening.cancel()
