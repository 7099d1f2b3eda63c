"""Listening ends for everybody: who connects in that very moment is told to go, and nothing of them stays behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from wyoming_server.server import Running

from ..serving import TONE, serving

TLS = TONE.replace("port: 0}", "port: 0, tls: true}")


def address(server: Running, front_end: str) -> tuple[str, int]:
    assert server.http is not None
    parts = urlsplit(server.wyoming.uris[0] if front_end == "wyoming" else server.http.urls[0])
    return str(parts.hostname), int(parts.port or 0)


@pytest.mark.parametrize("turns", range(6))
@pytest.mark.parametrize("front_end", ["wyoming", "http", "https"])
async def test_a_client_that_connects_as_the_server_ends_is_not_forgotten(tmp_path: Path, front_end: str, turns: int) -> None:
    """`turns`: of the event loop between the two, so that the end comes at every step of accepting a client."""
    async with serving(tmp_path, TLS if front_end == "https" else TONE) as server:
        client = socket.create_connection(address(server, front_end))
        for _ in range(turns):
            await asyncio.sleep(0)
    with client:
        client.setblocking(False)
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(10):
                assert await asyncio.get_running_loop().sock_recv(client, 1) == b""
    gc.collect()  # a transport that nobody closed is told of here, and fails the test
