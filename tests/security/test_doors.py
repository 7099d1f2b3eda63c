"""Who gets in, at every address: strangers, foreign pages, guessers, and whoever hides a request in another."""

from __future__ import annotations

import asyncio
import re

import pytest

from wyoming_server.frontends.http.attempts import FAILURES
from wyoming_server.frontends.http.server import HttpServer
from wyoming_server.server import Running

from ..serving import tone_of
from .attacks import ELSEWHERE, WEBSOCKET, both, connect, request, sent, targets

STRANGERS = {
    "a proxy's client": ELSEWHERE,
    "a proxy's client, newer": "Forwarded: for=127.0.0.1\r\n",
    "a proxy": "Via: 1.1 somewhere\r\n",
    "a foreign page's picture": "Sec-Fetch-Site: cross-site\r\n",
    "a neighbour's page": "Sec-Fetch-Site: same-site\r\n",
}


def test_the_walk_meets_every_front_end(http: HttpServer) -> None:
    paths = {path for _, _, path in targets(http)}
    assert {"/api/healthz", "/api/tts/stream", "/v1/audio/speech", "/ws/v1/tts", "/ws/v1/indextts"} <= paths
    assert not [path for path in paths if "{" in path or "}" in path]


@pytest.mark.parametrize("who", STRANGERS)
async def test_a_stranger_gets_nowhere_but_where_it_is_open(server: Running, http: HttpServer, who: str) -> None:
    for route, method, path in targets(http):
        if not route.is_open:
            told = await sent(http, request(method, path, STRANGERS[who]))
            assert (told.status, told.closed) == (401, True), f"{method} {path}"
    assert not tone_of(server).journal


async def test_what_is_open_is_little(http: HttpServer) -> None:
    """Add to this list only what tells a stranger nothing and lets it do nothing. Else only files of pages."""
    known = {"/api/healthz", "/api/pairing", "/api/openapi.json"}
    for route, method, path in targets(http):
        if route.is_open and path not in known:
            assert method in ("GET", "HEAD"), path
            head = (await sent(http, request(method, path, ELSEWHERE))).head
            assert re.search(r"^Content-Type: (text/(html|css|javascript)|image/)", head, re.MULTILINE), f"{path}: {head}"


async def test_a_stranger_learns_nothing_of_a_websocket_but_that_it_is_one(server: Running, http: HttpServer) -> None:
    for route, method, path in targets(http):
        if method == "GET" and not route.is_open:
            async with await connect(http) as client, asyncio.timeout(20):
                client.writer.write(request("GET", path, ELSEWHERE + WEBSOCKET).encode())
                told = await client.reader.readuntil(b"token")
                assert told.split()[1] in (b"101", b"401"), path
    assert not tone_of(server).journal


@pytest.mark.parametrize(
    ("host", "headers"),
    [
        ("evil.example", ""),
        ("localhost.evil.example:10231", ""),
        ("localhost", "Origin: http://evil.example\r\n"),
        ("localhost", "Origin: null\r\n"),
        ("localhost", "Origin: http://localhost:8123\r\n"),
        ("localhost", "Origin: https://localhost.evil.example\r\n"),
    ],
)
async def test_foreign_pages_get_nowhere_even_with_the_token(http: HttpServer, token: str, host: str, headers: str) -> None:
    for _, method, path in targets(http):
        told = await sent(http, request(method, path, f"Authorization: Bearer {token}\r\n{headers}", host=host))
        assert (told.status, told.closed) == (403, True), f"{method} {path}"


@pytest.mark.parametrize("origin", ["http://evil.example", "http://localhost"])
async def test_no_preflight_is_answered_with_leave(http: HttpServer, origin: str) -> None:
    """That no answer at all has an Access-Control header, `attacks` looks at."""
    for _, method, path in targets(http):
        asks = f"Origin: {origin}\r\nAccess-Control-Request-Method: {method}\r\nAccess-Control-Request-Headers: authorization\r\n"
        told = await sent(http, request("OPTIONS", path, asks))
        assert told.status in (403, 404, 405), f"{method} {path}"


@both
async def test_guessing_closes_every_door_for_a_while_even_to_the_right_token(http: HttpServer, token: str) -> None:
    closed = [(method, path) for route, method, path in targets(http) if not route.is_open]
    for number in range(FAILURES):
        method, path = closed[number % len(closed)]
        assert (await sent(http, request(method, path, f"{ELSEWHERE}X-NLS-Token: guess{number}\r\n"))).status == 401
    for method, path in closed:
        told = await sent(http, request(method, path, f"{ELSEWHERE}Authorization: Bearer {token}\r\n"))
        assert told.status == 503, f"{method} {path}"
    assert (await sent(http, request("GET", "/api/healthz", ELSEWHERE))).status == 200


@both
async def test_a_refused_body_is_no_request(server: Running, http: HttpServer) -> None:
    """Behind a proxy, what a stranger hides in a body would otherwise seem to come from this machine."""
    hidden = request("GET", "/v1/models")
    for route, method, path in targets(http):
        if method != "HEAD" and not route.is_open:
            told = await sent(http, request(method, path, ELSEWHERE, body=hidden))
            assert (told.status, told.answers) == (401, 1), f"{method} {path}"


@pytest.mark.parametrize(
    "framing",
    [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 4\r\nContent-Length: 5\r\n",
        "Content-Length: +4\r\n",
        "Content-Length: 4, 4\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding:\x0bchunked\r\n",
    ],
)
async def test_a_body_whose_end_two_may_see_differently_ends_the_connection(http: HttpServer, framing: str) -> None:
    hidden = "0\r\n\r\n" + request("GET", "/v1/models")
    for _, method, path in targets(http):
        if method == "POST":
            told = await sent(http, f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{ELSEWHERE}{framing}\r\n{hidden}")
            assert told.status in (400, 401), path
            assert b'"object"' not in told.data, path
            assert told.closed, path


@both
async def test_pipelined_requests_are_each_judged_by_themselves(http: HttpServer, token: str) -> None:
    keep = "Connection: keep-alive\r\n"
    row = [
        (request("GET", "/api/healthz", keep), 200),
        (request("GET", "/v1/models", keep + ELSEWHERE), 401),
        (request("GET", "/v1/models", f"{keep}{ELSEWHERE}X-NLS-Token: {token}\r\n"), 200),
        (request("GET", "/v1/models", keep, host="evil.example"), 403),
        (request("GET", "/nothing", keep + ELSEWHERE), 401),
    ] * 20
    last = request("GET", "/api/healthz")
    told = await sent(http, "".join(one for one, _ in row) + last)
    assert [int(status) for status in re.findall(rb"HTTP/1\.1 (\d\d\d) ", told.data)] == [status for _, status in row] + [200]


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "BREW", "get"])
async def test_other_methods_do_nothing_and_tell_nothing_back(http: HttpServer, method: str) -> None:
    for _, _, path in targets(http):
        told = await sent(http, request(method, path, "X-Secret: reflected\r\n"))
        assert told.status in (400, 404, 405), f"{method} {path}"
        assert b"reflected" not in told.data, path


@pytest.mark.parametrize("authority", ["evil.example", "localhost", "169.254.169.254"])
async def test_an_address_with_a_server_leads_nowhere_else_and_past_no_guard(http: HttpServer, authority: str) -> None:
    """As clients of a proxy write it. Herald is none."""
    for route, method, path in targets(http):
        if not route.is_open:
            told = await sent(http, request(method, f"http://{authority}{path}", ELSEWHERE))
            assert told.status in (400, 401, 403, 404), f"{method} {path}"


@both
async def test_many_strangers_at_once_are_all_refused(http: HttpServer) -> None:
    closed = [(method, path) for route, method, path in targets(http) if not route.is_open]
    told = await asyncio.gather(*(sent(http, request(method, path, ELSEWHERE)) for method, path in closed))
    assert {one.status for one in told} == {401}
