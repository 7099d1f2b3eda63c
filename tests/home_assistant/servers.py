"""Herald servers in processes of their own, to be started, killed and started again at the same address."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.herald.const import CONF_FINGERPRINT, DOMAIN

STARTED = "Ready:"
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
        self.wyoming_port, self.http_port = _free_port(), _free_port()
        self.log = ""
        self._process: asyncio.subprocess.Process | None = None

    @property
    def token(self) -> str:
        return (self.folder / "state" / "token").read_text().strip()

    @property
    def id(self) -> str:
        return (self.folder / "state" / "server_id").read_text().strip()

    def entry(self, **more: object) -> MockConfigEntry:
        """As the config flow makes it."""
        data = {"host": "127.0.0.1", "port": self.http_port, "ssl": False, CONF_FINGERPRINT: None, "token": self.token, **more}
        return MockConfigEntry(domain=DOMAIN, title="Herald", unique_id=self.id, data=data, version=1, minor_version=1)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Herald]:
        await self.start()
        try:
            yield self
        finally:
            await self.stop()

    async def start(self) -> None:
        """With the configuration as `yaml` is now."""
        config = self.folder / "herald.yaml"
        wyoming = f"wyoming: {{uri: tcp://127.0.0.1:{self.wyoming_port}}}"
        http = f"http: {{host: 127.0.0.1, port: {self.http_port}{self.http}}}"
        config.write_text(f"{wyoming}\n{http}\n{self.yaml}")
        command = [sys.executable, "-m", "wyoming_server", "serve", "--config", str(config)]
        command += ["--state", str(self.folder / "state")]
        self._process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
        assert self._process.stderr is not None
        self.log = ""
        while STARTED not in self.log:
            line = await self._process.stderr.readline()
            assert line, f"Herald ended: {self.log}"
            self.log += line.decode()

    async def stop(self, *, kill: bool = False) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if kill:
            process.kill()
        else:
            process.terminate()
        _, rest = await process.communicate()
        self.log += rest.decode()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
