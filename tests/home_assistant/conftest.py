"""Home Assistant's tests: a real `hass`, its real integrations, and a Herald server in a process of its own.

Run under pytest-homeassistant-custom-component, on Python 3.14.2 or later (see script/test).
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

STARTED = "Ready:"


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    """A configuration folder of its own for each test: speech is cached on disk there."""
    return hass_tmp_config_dir


@asynccontextmanager
async def herald(folder: Path, yaml: str) -> AsyncIterator[int]:
    """A server on a free port; the port."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    config = folder / "herald.yaml"
    config.write_text(f"wyoming: {{uri: tcp://127.0.0.1:{port}}}\nhttp: {{enabled: false}}\n{yaml}")
    command = [sys.executable, "-m", "wyoming_server", "serve", "--config", str(config), "--state", str(folder / "state")]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    assert process.stderr is not None
    log = ""
    while STARTED not in log:
        line = await process.stderr.readline()
        assert line, f"Herald ended: {log}"
        log += line.decode()
    try:
        yield port
    finally:
        process.terminate()
        await process.communicate()
