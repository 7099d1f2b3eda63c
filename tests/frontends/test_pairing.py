"""GET /api/pairing: who knows the token recognises the server, and nobody learns the token."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from wyoming_server import __version__
from wyoming_server.frontends.control.pairing import BURST, pairing
from wyoming_server.frontends.http.routes import Route
from wyoming_server.frontends.http.server import HttpServer
from wyoming_server.state.identity import proof
from wyoming_server.state.tokens import PairingToken

from .http_client import CONFIG, GET, TOKEN, Answer, RawClient, ask

ID = "0123456789abcdef" * 2
NONCE = "fedcba9876543210" * 2
ELSEWHERE = "X-Forwarded-For: 192.0.2.7\r\n"


@asynccontextmanager
async def serving() -> AsyncIterator[HttpServer]:
    token = PairingToken(value=TOKEN, source="the test")
    route = Route(method="GET", path="/api/pairing", handler=pairing(ID, token), is_open=True)
    server = HttpServer(CONFIG, token=token, health=dict, more_routes=(route,))
    async with server.serving():
        yield server


async def challenged(server: HttpServer, query: str) -> Answer:
    return await ask(server, GET.format(f"/api/pairing{query}", ELSEWHERE))


async def test_the_server_proves_that_it_knows_the_token() -> None:
    async with serving() as server:
        answer = await challenged(server, f"?nonce={NONCE}")
        assert answer.json == {"id": ID, "version": __version__, "proof": proof(TOKEN, ID, NONCE)}
        assert answer.headers["cache-control"] == "no-store"
        assert TOKEN.encode() not in answer.body


async def test_every_challenge_has_another_answer() -> None:
    async with serving() as server:
        proofs = {(await challenged(server, f"?nonce={NONCE[:-1]}{digit}")).json["proof"] for digit in "0123"}
        assert len(proofs) == 4


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?nonce=",
        f"?nonce={NONCE[1:]}",
        f"?nonce={'f' * 129}",
        f"?nonce={'g' * 32}",
        f"?nonce={NONCE}&nonce={NONCE}",
        "?nonce=%00",
    ],
)
async def test_what_is_no_challenge_is_told_so(query: str) -> None:
    async with serving() as server:
        answer = await challenged(server, query)
        assert (answer.status, answer.code) == (400, "bad_request")
        assert "32 to 128 hex digits" in answer.json["message"]


async def test_challenges_are_limited_and_pairing_alone_is() -> None:
    async with serving() as server, await RawClient.connect(server) as client:
        request = GET.format(f"/api/pairing?nonce={NONCE}", ELSEWHERE)
        statuses = [(await client.ask(request)).status for _ in range(BURST + 1)]
        assert statuses == [200] * BURST + [503]
        assert (await client.ask(GET.format("/api/healthz", f"{ELSEWHERE}X-NLS-Token: {TOKEN}\r\n"))).status == 200
