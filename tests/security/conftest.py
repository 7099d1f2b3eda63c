"""A whole server to attack, plain and over TLS."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from wyoming_server.frontends.http.server import HttpServer
from wyoming_server.server import Running

from ..serving import TONE, serving
from .attacks import SLOW

MANY = TONE.replace("port: 0}", "port: 0, max_connections: 1000}")
KINDS = {
    "plain": MANY,
    "tls": MANY.replace("1000}", "1000, tls: true}"),
    "hasty": MANY.replace("1000}", f"1000, request_timeout: {SLOW}}}"),
}


@pytest.fixture
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Running]:
    """A plain one, unless the test asks for another; see `attacks.both` and `attacks.hasty`."""
    async with serving(tmp_path, KINDS[getattr(request, "param", "plain")]) as running:
        yield running


@pytest.fixture
def http(server: Running) -> HttpServer:
    assert server.http is not None
    return server.http


@pytest.fixture
def token(server: Running, tmp_path: Path) -> str:
    """That opens the server."""
    return (tmp_path / "token").read_text().strip()
