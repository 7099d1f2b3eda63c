"""docs/http.md: it names every address, and its commands work as they are printed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .description import operations
from .serving import Served, with_cloud
from .test_chimes import CHIME

PAGE = (Path(__file__).parents[3] / "docs" / "http.md").read_text(encoding="utf-8")
CONTROL = PAGE[PAGE.index("\n## Control") :]
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", CONTROL, re.MULTILINE | re.DOTALL)
ENDLESS = "/api/events"
STRICT = 'curl() { command curl --silent --show-error --fail "$@"; }\n'


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Served]:
    async with with_cloud(tmp_path) as (server, _):
        yield server


def test_every_address_is_on_the_page() -> None:
    named = {re.sub(r"\?.*", "", cell) for cell in re.findall(r"`((?:GET|PUT|POST|DELETE) /[^`]*)`", PAGE)}
    assert {f"{method.upper()} {path}" for path, method, _ in operations()} <= named


@pytest.mark.parametrize("block", [block for block in BLOCKS if ENDLESS not in block])
async def test_the_commands_work_as_they_are_printed(server: Served, tmp_path: Path, block: str) -> None:
    (tmp_path / "ding.wav").write_bytes(CHIME)
    commands = STRICT + block.replace("http://localhost:10231", server.http.urls[0]).replace("en-GB", "tone")
    shell = await asyncio.create_subprocess_exec(
        "bash", "-euo", "pipefail", "-c", commands, cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await shell.communicate()
    assert (shell.returncode, err.decode()) == (0, ""), out


async def test_the_events_are_read_as_it_is_printed(server: Served) -> None:
    (block,) = (block for block in BLOCKS if ENDLESS in block)
    command = block.replace("http://localhost:10231", server.http.urls[0]).replace("curl", "curl --silent")
    shell = await asyncio.create_subprocess_exec("bash", "-c", f"exec {command}", stdout=asyncio.subprocess.PIPE)
    assert shell.stdout is not None
    async with asyncio.timeout(10):
        assert await shell.stdout.readline() == b"event: hello\n"
    shell.terminate()
    await shell.communicate()
