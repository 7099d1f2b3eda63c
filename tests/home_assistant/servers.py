"""Herald servers in processes of their own, to be started, killed and started again at the same address."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from signal import Signals

import pytest_socket
from homeassistant.config_entries import ConfigSubentryData
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.herald.const import CONF_FINGERPRINT, DOMAIN

from ..ports import free_port
from .forked import forking, serve

LOCALHOST = "127.0.0.1"
STARTED = b"Ready:"
TONE = """
engines: {tone: {per_character: 0.02}, espeak: {enabled: false}}
default_voice: tone/tone
"""


class Herald:
    """A server with its own state in `folder`."""

    def __init__(self, folder: Path, yaml: str, *, http: str = "") -> None:
        self.folder = folder
        self.yaml = yaml
        self.http = http
        """More of the section `http`, such as `, tls: true`."""
        self.wyoming_port, self.http_port = free_port(), free_port()
        self._log = _Log()
        self._process: ForkServerProcess | None = None

    @property
    def log(self) -> str:
        """Of the latest start."""
        return self._log.text.decode()

    @property
    def token(self) -> str:
        return (self.folder / "state" / "token").read_text().strip()

    @property
    def id(self) -> str:
        return (self.folder / "state" / "server_id").read_text().strip()

    def entry(self, *, subentries: Sequence[ConfigSubentryData] = (), **more: object) -> MockConfigEntry:
        """As the config flow makes it. `more` data than a plain server needs."""
        data = {"host": "127.0.0.1", "port": self.http_port, "ssl": False, CONF_FINGERPRINT: None, "token": self.token, **more}
        return MockConfigEntry(
            domain=DOMAIN,
            title="Herald",
            unique_id=self.id,
            data=data,
            version=1,
            minor_version=1,
            subentries_data=subentries,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Herald]:
        try:
            await self.start()
            yield self
        finally:
            await self.stop()

    async def start(self) -> None:
        """With the configuration as `yaml` is now."""
        options = ["--config", str(self.write()), "--state", str(self.folder / "state")]
        # Home Assistant's plugin lets Unix sockets be made but not connected, and processes are asked for over one.
        pytest_socket.socket_allow_hosts([LOCALHOST], allow_unix_socket=True)
        context = forking()
        log, theirs = context.Pipe(duplex=False)
        self._process = context.Process(target=serve, args=(options, theirs), daemon=True)
        self._process.start()
        theirs.close()
        self._log = _Log()
        await asyncio.get_running_loop().connect_read_pipe(lambda: self._log, log)
        await self._log.looked_at.wait()
        assert STARTED in self._log.text, f"Herald ended: {self.log}"

    def write(self) -> Path:
        """The configuration as `yaml` is now, for the next start or reload."""
        config = self.folder / "herald.yaml"
        wyoming = f"wyoming: {{uri: tcp://127.0.0.1:{self.wyoming_port}}}"
        http = f"http: {{host: 127.0.0.1, port: {self.http_port}{self.http}}}"
        config.write_text(f"{wyoming}\n{http}\n{self.yaml}")
        return config

    def send(self, signal: Signals) -> None:
        assert self._process is not None
        assert self._process.pid is not None
        os.kill(self._process.pid, signal)

    def move(self) -> None:
        """To other ports, from the next start on."""
        self.wyoming_port, self.http_port = free_port(), free_port()

    async def stop(self, *, kill: bool = False) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if kill:
            process.kill()
        else:
            process.terminate()
        await self._log.ended.wait()
        process.join()
        assert process.exitcode == (-Signals.SIGKILL if kill else 0), self.log
        process.close()


class _Log(asyncio.Protocol):
    """What a server says, from its start to its end."""

    def __init__(self) -> None:
        self.text = b""
        self.looked_at = asyncio.Event()
        """Set once it is ready, or has ended before."""
        self.ended = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.text += data
        if STARTED in self.text:
            self.looked_at.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.looked_at.set()
        self.ended.set()
