"""Which Home Assistant the tests run in, a server beside it, and a browser for those who want one."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from wyoming_server.server import Running

from ..browser.chromium import Page, launched, new_page
from ..serving import TONE, serving
from .hass import Hass

MISSING = (
    "There is no Home Assistant for tests/whole: name one in HERALD_HASS, as script/home_assistant prints it. "
    "script/whole does both, script/test leaves these tests out."
)


@pytest.fixture(scope="session")
def environment() -> Path:
    named = os.environ.get("HERALD_HASS")
    assert named, MISSING
    return Path(named)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    folder = tmp_path / "server"
    folder.mkdir()
    async with serving(folder, TONE) as server:
        yield server


@pytest.fixture
async def hass(environment: Path, tmp_path: Path, server: Running) -> AsyncIterator[Hass]:
    """A new Home Assistant. It must have had nothing to complain of with us, and it ends before its server."""
    async with Hass.running(environment, tmp_path / "hass") as hass:
        yield hass
    assert [line for line in hass.log.splitlines() if "[custom_components.herald" in line] == []


@pytest.fixture
def token(server: Running, tmp_path: Path) -> str:
    """What `herald token` shows."""
    return (tmp_path / "server" / "token").read_text().strip()


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with launched(tmp_path_factory.mktemp("browser")) as address:
        yield address


@pytest.fixture
async def page(browser: str, tmp_path: Path) -> AsyncIterator[Page]:
    async with new_page(browser, tmp_path) as page:
        yield page
