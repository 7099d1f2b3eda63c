"""Who may use the IndexTTS front end, and at which addresses: on the HTTP port by the token, on its own port by the network."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from wyoming_server.errors import ConfigError
from wyoming_server.frontends.http.attempts import FAILURES
from wyoming_server.frontends.http.server import Port
from wyoming_server.server import Running
from wyoming_server.state.tokens import PairingToken

from ..serving import serving, tone
from .http_client import Answer, RawClient
from .indextts_client import PATH, connected, url
from .indextts_serving import VOICES

STRANGER = {"X_Forwarded_For": "192.0.2.7"}
HANDSHAKE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    async with serving(tmp_path, VOICES) as server:
        yield server


def own_port(server: Running) -> Port:
    assert server.indextts is not None
    return server.indextts


async def got(port: Port | None, path: str, headers: str = "Host: localhost\r\n", method: str = "GET") -> Answer:
    assert port is not None
    parts = port.urls[0].removeprefix("http://").split(":")
    async with RawClient(*await asyncio.open_connection(parts[0], int(parts[1]))) as client:
        return await client.ask(f"{method} {path} HTTP/1.1\r\n{headers}\r\n")


async def refused(port: Port | Running, path: str = PATH, **headers: str) -> str:
    """The sentence with which a client is let go: the only message, then the close."""
    async with connected(port, path, **headers) as client:
        assert client.welcome == {"status": "error", "session_id": "", "message": client.welcome["message"]}
        assert await client.closed() == 1000
        sentence: str = client.welcome["message"]
        return sentence


# The HTTP port


async def test_this_machine_needs_no_token(server: Running) -> None:
    async with connected(server) as client:
        assert (await client.say("Hello.")).pcm == tone(6)


@pytest.mark.parametrize("headers", [{}, {"X_NLS_Token": "wrong"}, {"Authorization": "Bearer wrong"}])
async def test_a_stranger_is_refused_in_a_message(server: Running, headers: Mapping[str, str]) -> None:
    assert "`herald token` shows it" in await refused(server, **STRANGER, **headers)


async def test_a_refused_client_that_asks_is_not_listened_to(server: Running) -> None:
    async with connected(server, **STRANGER) as client:
        with contextlib.suppress(ConnectionClosed):
            await client.ask()
        assert await client.receive() is None


@pytest.mark.parametrize("place", ["X-NLS-Token", "Authorization", "query"])
async def test_a_stranger_with_the_token_is_served(server: Running, tmp_path: Path, place: str) -> None:
    token = PairingToken.load(tmp_path, {}).value
    given = {"X-NLS-Token": {"X_NLS_Token": token}, "Authorization": {"Authorization": f"Bearer {token}"}, "query": {}}[place]
    async with connected(server, f"{PATH}?token={token}" if place == "query" else PATH, **STRANGER, **given) as client:
        assert (await client.say("Hello.")).pcm == tone(6)


async def test_guessing_is_slowed_down_in_words(server: Running) -> None:
    for _ in range(FAILURES):
        await refused(server, **STRANGER, X_NLS_Token="wrong")
    assert "too many wrong tokens" in await refused(server, **STRANGER, X_NLS_Token="wrong")


async def test_the_http_port_has_the_websocket_at_one_address_only(server: Running) -> None:
    for path, status in (("/", "200"), ("/ws", "404"), ("/anything", "404")):  # at the root is the console
        with pytest.raises(InvalidStatus, match=status):
            async with connect(url(server, path), proxy=None):
                pass


# The own port


@pytest.mark.parametrize("path", ["", "/", PATH, "/anything/at/all?x=y", "/%E4%BD%A0"])
async def test_the_own_port_has_the_websocket_at_the_root_and_everywhere(server: Running, path: str) -> None:
    async with connected(own_port(server), path) as client:
        assert (await client.say("Hello.")).pcm == tone(6)


async def test_there_is_no_own_port_unless_it_is_configured(tmp_path: Path) -> None:
    async with serving(tmp_path, VOICES.replace(", indextts_port: 0", "")) as server:
        assert server.indextts is None


async def test_an_address_outside_the_networks_is_refused_in_a_message(tmp_path: Path) -> None:
    yaml = VOICES.replace('wyoming: {uri: "tcp://127.0.0.1:0"}', 'wyoming: {uri: "tcp://127.0.0.1:0", allow: [10.0.0.0/8]}')
    async with serving(tmp_path, yaml) as server:
        assert await refused(own_port(server), "/") == "The address 127.0.0.1 may not speak here (wyoming.allow)."
        answer = await got(server.indextts, "/")
        assert (answer.status, answer.code) == (403, "access_denied")
        async with connected(server) as client:  # the HTTP port goes by the token
            assert (await client.say("Hello.")).pcm == tone(6)


async def test_the_token_opens_no_network(tmp_path: Path) -> None:
    yaml = VOICES.replace('wyoming: {uri: "tcp://127.0.0.1:0"}', 'wyoming: {uri: "tcp://127.0.0.1:0", allow: [10.0.0.0/8]}')
    async with serving(tmp_path, yaml) as server:
        token = PairingToken.load(tmp_path, {}).value
        assert "wyoming.allow" in await refused(own_port(server), "/", X_NLS_Token=token)


@pytest.mark.parametrize("header", ["X_Forwarded_For", "Forwarded", "Via", "X_Real_IP"])
async def test_whom_a_proxy_brings_is_not_known_and_so_refused(server: Running, header: str) -> None:
    assert "A proxy brought this request" in await refused(own_port(server), "/", **{header: "192.168.1.5"})


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ("Host: evil.example\r\n", 403, "access_denied"),
        ("Host: localhost\r\nOrigin: http://evil.example\r\n", 403, "access_denied"),
        ("Host: localhost\r\nOrigin: null\r\n", 403, "access_denied"),
    ],
)
@pytest.mark.parametrize("own", [True, False])
async def test_foreign_names_and_pages_are_refused_on_both_ports(
    server: Running, headers: str, status: int, code: str, *, own: bool
) -> None:
    answer = await got(server.indextts if own else server.http, "/" if own else PATH, headers + HANDSHAKE)
    assert (answer.status, answer.code) == (status, code)


@pytest.mark.parametrize("own", [True, False])
async def test_what_is_no_handshake_is_told_by_http(server: Running, *, own: bool) -> None:
    port, path = (server.indextts, "/") if own else (server.http, PATH)
    answer = await got(port, path)
    assert (answer.status, answer.code) == (400, "bad_request")
    answer = await got(port, path, f"Host: localhost\r\n{HANDSHAKE.replace('13', '99')}")
    assert (answer.status, answer.code) == (400, "bad_request")
    answer = await got(port, path, method="DELETE")
    assert (answer.status, answer.code) == (405, "bad_request")


@pytest.mark.parametrize("path", ["/api/healthz", "/ws/v1/tts", "/stream/v1/tts/voices"])
async def test_nothing_else_is_served_on_the_own_port(server: Running, path: str) -> None:
    answer = await got(server.indextts, path)
    assert (answer.status, answer.code) == (400, "bad_request")


async def test_the_own_port_takes_only_so_many_clients(tmp_path: Path) -> None:
    yaml = VOICES.replace("indextts_port: 0", "indextts_port: 0, max_connections: 1")
    async with serving(tmp_path, yaml) as server, connected(own_port(server), "/"):
        with pytest.raises(InvalidStatus, match="503"):
            async with connect(url(own_port(server), "/"), proxy=None):
                pass
        async with connected(server) as client:  # each port has its own
            assert client.session_id


async def test_a_queue_is_shared_by_both_ports(server: Running) -> None:
    async with connected(server) as one, connected(own_port(server), "/") as other:
        running = await one.running(prompt_audio="stalls")
        task_id = await other.queued()
        assert (await one.status(task_id))["status"] == "pending"
        assert (await other.status(running))["status"] == "running"


async def test_an_own_port_that_is_taken_is_told_by_its_name(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"port {port}: .* \(http\.indextts_port\)"):
            async with serving(tmp_path, VOICES.replace("indextts_port: 0", f"indextts_port: {port}")):
                pass
