"""One Herald, real but in this process, with its services and whatever else several scenarios share.

It takes part in nothing: what is done here is the same for every scenario.
"""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from tests.serving import serving
from wyoming_server.administration import Kind
from wyoming_server.monitoring.hub import Subscriber
from wyoming_server.server import Running

from . import voices
from .services import GOOD_TOKEN, OTHER_TOKEN, Service, services

OTHERS = frozenset({"websockets.server"})
"""Loggers of the simulators, whose clients may well leave in the middle of a handshake."""
LATE, LATE_IN_ALL = 0.05, 0.15
"""Seconds by which this process may be late, once and all in all, before a time limit says nothing about Herald."""


class Log(logging.Handler):
    """What should never be logged: tracebacks, and what asyncio has to say of tasks that nobody looked at."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name not in OTHERS and (record.exc_info or record.levelno >= logging.ERROR):
            self.found.append(f"logged by {record.name}: {self.format(record)}")

    def unhandled(self, _: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
        error = context.get("exception")
        self.found.append(f"the event loop: {context.get('message')} ({error!r}, {context.get('task') or context.get('future')})")


class Lateness:
    """By how much the event loop was late, since `forget`."""

    STEP, USUAL = 0.01, 0.002
    """Seconds between two looks, and by which any timer is late."""

    def __init__(self) -> None:
        self._most = self._sum = 0.0
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(self.STEP, self._look, self._loop.time() + self.STEP)

    def _look(self, due: float) -> None:
        now = self._loop.time()
        self._most = max(self._most, now - due)
        self._sum += max(0.0, now - due - self.USUAL)
        self._timer = self._loop.call_at(now + self.STEP, self._look, now + self.STEP)

    @property
    def matters(self) -> bool:
        """The machine has so much to do that a service may seem to stall."""
        return self._most > LATE or self._sum > LATE_IN_ALL

    def forget(self) -> None:
        self._most = self._sum = 0.0

    def stop(self) -> None:
        self._timer.cancel()


@dataclass(frozen=True, kw_only=True)
class Base:
    """What is there when nothing is spoken."""

    tasks: Counter[str]
    """Of Herald, by their coroutines."""
    files: int
    """Open descriptors, without those of connections to the services."""
    children: frozenset[int]


@dataclass(kw_only=True)
class Stage:
    """See `stage`."""

    server: Running
    services: Mapping[str, Service]
    control: aiohttp.ClientSession
    log: Log
    lateness: Lateness
    folder: Path
    events: list[Mapping[str, Any]] = field(default_factory=list)
    """Of sessions that ended, as the monitoring tells them, since the scenario began."""
    started: int = 0
    """Sessions, since then."""
    has_other_token: bool = False
    is_other: bool = False
    """It runs with the changed configuration."""
    base: Base | None = None

    @property
    def url(self) -> str:
        assert self.server.http is not None
        return self.server.http.urls[0]

    async def watch(self, told: Subscriber) -> None:
        async for event in told:
            if event.name == "session_started":
                self.started += 1
            elif event.name == "session_ended":
                self.events.append(event.data)

    async def reload(self) -> None:
        """With another time limit of everything that has one: they are all made anew."""
        self.is_other = not self.is_other
        within = voices.OTHER if self.is_other else voices.WITHIN
        whole = self.folder / "changed.yaml"
        whole.write_text(voices.configuration(self.services, within=within))
        whole.replace(self.folder / "herald.yaml")  # another reload may be reading it
        await self.server.administration.reload()

    async def change_token(self, token: str) -> None:
        await self.server.administration.set_credentials(Kind.ENGINE, "openspeech", {"appid": "1234567890", "token": token})
        self.has_other_token = token == OTHER_TOKEN

    async def calm(self) -> None:
        """Services as they were, and the credentials that they know."""
        for service in self.services.values():
            await service.calm()
        if self.has_other_token:
            await self.change_token(GOOD_TOKEN)
        self.events.clear()
        self.started = 0
        self.lateness.forget()
        self.log.found.clear()


def tasks(*folders: str) -> Counter[str]:
    """Those that run, by their coroutines, of which the code lies in one of the folders."""
    found: Counter[str] = Counter()
    for task in asyncio.all_tasks():
        code = getattr(task.get_coro(), "cr_code", None)
        if code is not None and any(f"/{folder}/" in code.co_filename for folder in folders):
            found[code.co_qualname] += 1
    return found


def files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # names are enough


def children() -> frozenset[int]:
    return frozenset(child.pid for child in psutil.Process().children(recursive=True))


def connections() -> tuple[Counter[int], int]:
    """How many this process has to each port, and all their ends: both of those to the services are here."""
    ends = [end for end in psutil.Process().net_connections("tcp4") if end.raddr]
    return Counter(end.raddr.port for end in ends), len(ends)


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    """While the block runs. What it has logged in the end, and what it leaves behind, is for whoever called."""
    log, loop = Log(), asyncio.get_running_loop()
    logging.getLogger().addHandler(log)
    loop.set_exception_handler(log.unhandled)
    lateness = Lateness()
    try:
        with tempfile.TemporaryDirectory(prefix="herald-scenarios-") as name:
            folder = Path(name)
            async with (
                services() as running,
                serving(folder, voices.configuration(running), environ={}) as server,
                aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as control,
            ):
                made = Stage(server=server, services=running, control=control, log=log, lateness=lateness, folder=folder)
                async with _watching(made):
                    await made.change_token(GOOD_TOKEN)
                    yield made
    finally:
        lateness.stop()
        loop.set_exception_handler(None)
        logging.getLogger().removeHandler(log)


@asynccontextmanager
async def _watching(made: Stage) -> AsyncIterator[None]:
    with made.server.monitor.hub.subscribe(unread_max=100_000) as told:
        task = asyncio.create_task(made.watch(told))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])


async def settled(wrong: Callable[[], list[str]], *, within: float = 5.0) -> list[str]:
    """What is still wrong after so many seconds; nothing, as soon as nothing is."""
    loop = asyncio.get_running_loop()
    until = loop.time() + within
    while (found := wrong()) and loop.time() < until:  # noqa: ASYNC110  # nobody tells when it is so
        await asyncio.sleep(0.003)
    return found
