"""A whole server with the test tone, and a Wyoming client of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from wyoming_server.server import Running

from ..serving import Client, serving


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    async with serving(tmp_path) as server:
        yield server


@pytest.fixture
async def client(server: Running) -> AsyncIterator[Client]:
    async with await Client.connect(server) as client:
        yield client
