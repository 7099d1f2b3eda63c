"""What costs a server: bodies too large, requests that dribble, addresses that climb. At every address; then it serves on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from wyoming_server.frontends.http.clients import KEEP_ALIVE
from wyoming_server.frontends.http.connection import LINE_MAX
from wyoming_server.frontends.http.server import HttpServer

from .attacks import ELSEWHERE, SLOW, both, connect, everything, filled, first, hasty, request, sent, targets


@pytest.fixture(autouse=True)
async def _serves_on(http: HttpServer) -> AsyncIterator[None]:
    yield
    assert (await sent(http, request("GET", "/api/healthz"))).status == 200


@both
@pytest.mark.parametrize("length", ["{over}", "9999999999999999999"])
async def test_a_body_that_says_it_is_too_large_is_refused_unread(http: HttpServer, length: str) -> None:
    for route, method, path in targets(http):
        size = length.format(over=route.body_max + 1)
        asked = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n\r\n"
        assert await first(http, asked) == 413, f"{method} {path}"


@both
async def test_a_body_that_does_not_say_so_is_refused_as_it_comes(http: HttpServer) -> None:
    for route in http.offered:
        if route.method in ("POST", "PUT", "PATCH"):
            head = request(route.method, filled(route.path), "Transfer-Encoding: chunked\r\n")
            size = route.body_max + 1
            told = await sent(http, head.encode() + b"%x\r\n%s\r\n0\r\n\r\n" % (size, b" " * size))
            assert 400 <= told.status < 500, f"{route.method} {route.path}: {told.head}"
            assert told.closed, route.path


async def test_a_stranger_s_large_body_is_not_waited_for(http: HttpServer) -> None:
    for route, method, path in targets(http):
        if not route.is_open:
            asked = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{ELSEWHERE}Content-Length: {route.body_max}\r\n\r\n"
            assert await first(http, asked) == 401, f"{method} {path}"


@hasty
async def test_heads_that_never_end_are_given_up_together(http: HttpServer) -> None:
    turns = asyncio.Semaphore(100)  # more would not be slow, but wait for this machine

    async def dribble(start: str) -> None:
        async with turns, await connect(http) as client:
            client.writer.write(start.encode())
            told = await everything(client, 20 * SLOW)
            assert (told.status, told.closed) == (408, True), start

    starts = [f"{method} {path}"[:-1] for _, method, path in targets(http)]
    starts += [f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nX: y" for _, method, path in targets(http)]
    await asyncio.gather(*map(dribble, starts))


@hasty
async def test_bodies_that_never_end_are_given_up_together(http: HttpServer) -> None:
    async def dribble(method: str, path: str, framing: str) -> None:
        async with await connect(http) as client:
            client.writer.write(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{framing}\r\n".encode())
            told = await everything(client, 20 * SLOW)
            assert (400 <= told.status < 500, told.closed) == (True, True), f"{method} {path}: {told}"

    bodies = ("Content-Length: 1000\r\n", "Transfer-Encoding: chunked\r\n")
    posts = [(method, path) for _, method, path in targets(http) if method in ("POST", "PUT")]
    assert posts
    await asyncio.gather(*(dribble(*post, framing) for post in posts for framing in bodies))


@pytest.mark.parametrize(
    "climb",
    [
        "/..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/../../../../etc/passwd",
        "/..\\..\\..\\etc\\passwd",
        "/..%5c..%5cetc%5cpasswd",
        "/%252e%252e%252fetc%252fpasswd",
        "/....//....//etc/passwd",
        "//etc/passwd",
        "/%00",
        "/%c0%ae%c0%ae/etc/passwd",
        "/token",
        "/../server.py",
        "/..%2ftoken",
    ],
)
async def test_no_address_climbs_out(http: HttpServer, token: str, climb: str) -> None:
    """Neither from the files of pages nor from names that are looked up."""
    places = {path.rstrip("/") for _, _, path in targets(http)} | {path.rpartition("/")[0] for _, _, path in targets(http)}
    for place in sorted(places):
        told = await sent(http, request("GET", place + climb))
        assert 400 <= told.status < 500, f"{place}{climb}: {told.head}"
        assert b"root:" not in told.data
        assert b"import" not in told.data
        assert token.encode() not in told.data


async def test_long_addresses_and_heads_are_refused(http: HttpServer) -> None:
    for _, method, path in targets(http):
        for data in (request(method, f"{path}?{'a' * (LINE_MAX + 1)}"), request(method, path, f"X: {'a' * (LINE_MAX + 1)}\r\n")):
            told = await sent(http, data)
            assert (told.status, told.closed) == (413, True), f"{method} {path}"
        told = await sent(http, request(method, path, "X: y\r\n" * 100))
        assert (told.status, told.closed) == (400, True), f"{method} {path}"


async def test_a_header_cannot_bring_another_into_an_answer(http: HttpServer) -> None:
    for _, method, path in targets(http):
        if method in ("GET", "POST", "DELETE") and "events" not in path:
            told = await sent(http, request(method, f"{path}?nonce=%0d%0aX-Evil:%20yes&token=%0d%0aX-Evil:%20yes", ELSEWHERE))
            assert "x-evil:" not in told.head.lower(), path


def test_idle_connections_are_not_kept_for_long() -> None:
    assert KEEP_ALIVE <= 60
