"""The processes under test: started, known by their id, weighed by /proc, ended with the block that started them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

import psutil

from tests.ports import free_port

from .client import Address, Call, CallFailed
from .order import Report

ROOT = Path(__file__).parent.parent
STARTED_WITHIN = 20.0
"""Seconds."""
ENDED_WITHIN = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """One server process."""

    name: str
    pid: int
    address: Address
    """Of its Wyoming port."""
    http: Address = ("", 0)
    """Of its HTTP port, where it has one."""
    state: Path = Path()
    """Its state directory, where it has one."""

    def cpu(self) -> float:
        return cpu_seconds(self.pid)

    def memory(self) -> float:
        """MB of resident memory."""
        return memory(self.pid)


def cpu_seconds(pid: int) -> float:
    """CPU time of a process, all its threads, in ns resolution: the clock id that clock_getcpuclockid(3) makes on Linux."""
    return time.clock_gettime(~pid << 3 | 2)


def memory(pid: int) -> float:
    return float(psutil.Process(pid).memory_info().rss) / 1e6


def pin(pid: int, cpus: set[int]) -> None:
    """All threads of a process to these cores."""
    for thread in psutil.Process(pid).threads():
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(thread.id, cpus)


class Python(NamedTuple):
    """What runs a process."""

    path: str
    without: Collection[str] = ()
    """The machine's variables that it must not see."""


THIS = Python(sys.executable)


@asynccontextmanager
async def process(
    arguments: Sequence[str],
    *,
    python: Python = THIS,
    stdin: int = DEVNULL,
    stdout: int | IO[bytes] = DEVNULL,
    stderr: int | IO[bytes] | None = None,
) -> AsyncIterator[Process]:
    """`python ARGUMENTS` in the project's folder, while the block runs."""
    child = await asyncio.create_subprocess_exec(
        python.path, *arguments, cwd=ROOT, stdin=stdin, stdout=stdout, stderr=stderr, env=_environment(python.without)
    )
    try:
        yield child
    finally:
        await _end(child)


def _environment(without: Collection[str]) -> Mapping[str, str]:
    """Nothing of the user's configuration."""
    hidden = ("HERALD_", "OPENSPEECH_")
    return {name: value for name, value in os.environ.items() if not name.startswith(hidden) and name not in without}


async def _end(child: Process) -> None:
    if child.returncode is None:
        child.terminate()
        try:
            async with asyncio.timeout(ENDED_WITHIN):
                await child.wait()
        except TimeoutError:
            child.kill()
            await child.wait()


class Upstream:
    """The upstream process and what it reports."""

    def __init__(self, child: Process, port: int) -> None:
        self._child = child
        self._reports: dict[int, asyncio.Future[Report]] = {}
        self.pid = child.pid
        self.port = port

    async def report(self, number: int) -> Report:
        """Of an order that is, or will be, over."""
        report = await self._report(number)
        del self._reports[number]
        return report

    async def listen(self) -> None:
        assert self._child.stdout is not None
        async for line in self._child.stdout:
            report = Report.parse(line)
            self._report(report.number).set_result(report)

    def _report(self, number: int) -> asyncio.Future[Report]:
        return self._reports.setdefault(number, asyncio.get_running_loop().create_future())


@asynccontextmanager
async def upstream() -> AsyncIterator[Upstream]:
    async with process(["-m", "bench.upstream"], stdin=PIPE, stdout=PIPE) as child, asyncio.TaskGroup() as tasks:
        up = Upstream(child, await first_port(child))
        listening = tasks.create_task(up.listen())
        yield up
        listening.cancel()


@asynccontextmanager
async def floor(up: Upstream, chunk: int | None = None) -> AsyncIterator[Server]:
    """`chunk`: bytes of each; otherwise as they come."""
    arguments = ["-m", "bench.floor", str(up.port), *([str(chunk)] if chunk else [])]
    async with process(arguments, stdin=PIPE, stdout=PIPE) as child:
        name = f"floor, {chunk} B" if chunk else "floor"
        yield Server(name=name, pid=child.pid, address=("127.0.0.1", await first_port(child)))


@asynccontextmanager
async def flowing_floor(up: Upstream) -> AsyncIterator[Server]:
    """It has an HTTP port only."""
    async with process(["-m", "bench.flowing_floor", str(up.port)], stdin=PIPE, stdout=PIPE) as child:
        yield Server(name="floor", pid=child.pid, address=("", 0), http=("127.0.0.1", await first_port(child)))


@asynccontextmanager
async def load(server: Server, clients: int, **data: Any) -> AsyncIterator[None]:
    """Clients that speak on and on while the block runs; all have been heard when it begins."""
    arguments = ["-m", "bench.load", str(server.address[1]), str(clients), json.dumps(data)]
    async with process(arguments, stdin=PIPE, stdout=PIPE) as child:
        assert child.stdout is not None
        async with asyncio.timeout(STARTED_WITHIN):
            await child.stdout.readline()
        yield


async def first_port(child: Process) -> int:
    """What a process of the bench tells first."""
    assert child.stdout is not None
    async with asyncio.timeout(STARTED_WITHIN):
        return int(await child.stdout.readline())


CONFIGURATION = """
wyoming: {{uri: "tcp://127.0.0.1:{port}", max_connections: 1000}}
http: {{host: 127.0.0.1, port: {http_port}}}
cache: {{enabled: {cache}}}
"""

ENGINES = """
engines:
  signal: {{type: relay, upstream: {upstream}}}
  signal22: {{type: relay, upstream: {upstream}, rate: 22050}}
  speech: {{type: relay, upstream: {upstream}, speech: true}}
  tone: {{type: tone}}
"""

LEARNED = {"lufs": -25.0, "seconds": 60.0}
"""Of a voice that is known to be quiet: it is made louder, with a limiter behind, as real voices are."""


def relay_engines(up: Upstream) -> str:
    """For `herald`."""
    return ENGINES.format(upstream=up.port)


@asynccontextmanager
async def herald(engines: str = "", quiet: Sequence[str] = (), *, cache: bool = False) -> AsyncIterator[Server]:
    """Herald on its defaults; with `engines`, a part of herald.yaml, also the bench's own. `quiet`: voices known to be so.

    No reply is kept unless `cache` says so: what others measure would not be an engine's.
    """
    with tempfile.TemporaryDirectory(prefix="herald-bench-") as name:
        folder = Path(name)
        port, http_port = free_port(), free_port()
        (folder / "herald.yaml").write_text(CONFIGURATION.format(port=port, http_port=http_port, cache=cache) + engines)
        (folder / "state").mkdir()
        (folder / "state" / "loudness.json").write_text(json.dumps(dict.fromkeys(quiet, LEARNED)))
        module = "bench.herald_server" if engines else "wyoming_server"
        command = ["-m", module, "serve", "--config", str(folder / "herald.yaml"), "--state", str(folder / "state")]
        with (folder / "log").open("wb") as log:
            async with process(command, stdout=log, stderr=log) as child:
                at = {"address": ("127.0.0.1", port), "http": ("127.0.0.1", http_port)}
                server = Server(name="herald", pid=child.pid, state=folder / "state", **at)
                try:
                    await ready(server)
                except TimeoutError as error:
                    raise RuntimeError((folder / "log").read_text()) from error
                try:
                    yield server
                except CallFailed as error:
                    error.add_note((folder / "log").read_text())
                    raise


async def ready(server: Server) -> None:
    """Until it has answered a `describe`."""
    async with asyncio.timeout(STARTED_WITHIN):
        while not await _answers(server):  # noqa: ASYNC110  # another process: nothing here could be waited for
            await asyncio.sleep(0.002)


async def _answers(server: Server) -> bool:
    try:
        call = await Call.connect(server.address)
        call.send("describe")
        await call.finished()
    except (OSError, CallFailed):
        return False
    call.leave()
    return True
