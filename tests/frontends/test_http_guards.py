"""Who may use the HTTP port: names, origins, the token and its guessing, the size of bodies."""

from __future__ import annotations

import dataclasses
import logging

import pytest
from multidict import CIMultiDict

from wyoming_server.frontends.http.attempts import ADDRESSES_MAX, FAILURES, FORGET, Attempts
from wyoming_server.frontends.http.guards import is_trusted
from wyoming_server.frontends.http.hosts import Host, OwnNames, parse_host, same_origin

from .http_client import CONFIG, GET, POST, TOKEN, RawClient, ask, serving, with_token


@pytest.mark.parametrize(
    ("value", "host"),
    [
        ("localhost", Host("localhost", None)),
        ("LocalHost.:8080", Host("localhost", 8080)),
        ("192.168.1.5:10231", Host("192.168.1.5", 10231)),
        ("[::1]:10231", Host("::1", 10231)),
        ("[fe80::1%25eth0]", Host("fe80::1%25eth0", None)),
        ("a_b-c.d", Host("a_b-c.d", None)),
        ("", None),
        (":80", None),
        ("::1", None),
        ("[::1", None),
        ("a b", None),
        ("a,b", None),
        ("a/b", None),
        ("user@localhost", None),
        ("localhost:", None),
        ("localhost:123456", None),
        ("localhost:١", None),
        ("bücher.example", None),
        ("localhost\n", None),
    ],
)
def test_a_host_is_a_name_or_an_address_and_perhaps_a_port(value: str, host: Host | None) -> None:
    assert parse_host(value) == host


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("192.168.1.5", True),
        ("8.8.8.8", True),
        ("::1", True),
        ("fd00::2", True),
        ("kitchen", True),
        ("kitchen.lan", True),
        ("kitchen.local", True),
        ("kitchen-2.local", True),
        ("herald.example", True),
        ("kitchen.evil", False),
        ("kitchen.local.evil.example", False),
        ("kitchen-x.local", False),
        ("bedroom.local", False),
        ("evil.example", False),
        ("x.herald.example", False),
        ("localhost.evil.example", False),
        ("127.1", False),
        ("2130706433", False),
        ("0x7f.0.0.1", False),
        ("127.0.0.1.nip.example", False),
        (".local", False),
        ("", False),
    ],
)
def test_only_addresses_and_own_names_lead_here(name: str, *, own: bool) -> None:
    assert (name in OwnNames("Kitchen.lan", ["Herald.example."])) is own


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("http://localhost:10231", Host("localhost", 10231), True),
        ("HTTP://LOCALHOST:10231", Host("localhost", 10231), True),
        ("http://[::1]:10231", Host("::1", 10231), True),
        ("http://herald", Host("herald", None), True),
        ("http://herald", Host("herald", 80), True),
        ("https://herald", Host("herald", None), True),
        ("http://localhost:8123", Host("localhost", 10231), False),
        ("http://localhost", Host("localhost", 10231), False),
        ("http://127.0.0.1:10231", Host("localhost", 10231), False),
        ("http://evil.example", Host("localhost", 10231), False),
        ("null", Host("null", None), False),
        ("", Host("localhost", None), False),
        ("localhost", Host("localhost", None), False),
        ("file://localhost", Host("localhost", None), False),
        ("chrome-extension://localhost", Host("localhost", None), False),
        ("http://localhost/", Host("localhost", None), False),
        ("http://evil@localhost", Host("localhost", None), False),
    ],
)
def test_an_origin_is_the_same_only_with_its_port(origin: str, host: Host, *, same: bool) -> None:
    assert same_origin(origin, host) is same


@pytest.mark.parametrize(
    ("remote", "headers", "trusted"),
    [
        ("127.0.0.1", {}, True),
        ("127.9.9.9", {}, True),
        ("::1", {}, True),
        ("::ffff:127.0.0.1", {}, True),
        ("127.0.0.1", {"Accept": "*/*", "Sec-Fetch-Site": "same-origin"}, True),
        ("127.0.0.1", {"Sec-Fetch-Site": "none"}, True),
        ("127.0.0.1", {"Sec-Fetch-Site": "cross-site"}, False),
        ("127.0.0.1", {"sec-fetch-site": "same-site"}, False),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, False),
        ("127.0.0.1", {"x-forwarded-proto": ""}, False),
        ("127.0.0.1", {"X-Forwarded-Anything": "x"}, False),
        ("127.0.0.1", {"Forwarded": "for=127.0.0.1"}, False),
        ("::1", {"x-real-ip": "127.0.0.1"}, False),
        ("127.0.0.1", {"Via": "1.1 proxy"}, False),
        ("192.168.1.5", {}, False),
        ("10.0.0.1", {}, False),
        ("128.0.0.1", {}, False),
        ("::ffff:192.168.1.5", {}, False),
        ("fe80::1%eth0", {}, False),
        ("0.0.0.0", {}, False),
        ("", {}, False),
        (None, {}, False),
    ],
)
def test_only_this_machine_itself_is_trusted(remote: str | None, headers: dict[str, str], *, trusted: bool) -> None:
    assert is_trusted(remote, CIMultiDict(headers)) is trusted


def test_wrong_tokens_are_forgotten_with_time() -> None:
    now = 1000.0
    attempts = Attempts(lambda: now)
    for _ in range(FAILURES):
        assert attempts.wait("192.0.2.1") == 0
        attempts.failed("192.0.2.1")
    assert attempts.wait("192.0.2.1") == FORGET
    assert attempts.wait("192.0.2.2") == 0
    now += FORGET
    assert attempts.wait("192.0.2.1") == 0
    attempts.failed("192.0.2.1")
    assert attempts.wait("192.0.2.1") == FORGET
    now += FORGET * FAILURES * 2
    attempts.failed("192.0.2.1")
    assert attempts.wait("192.0.2.1") == 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("", "192.0.2.1", False),
    ],
)
def test_an_ipv6_network_is_one_guesser(one: str, other: str, *, same: bool) -> None:
    attempts = Attempts(lambda: 0.0)
    for _ in range(FAILURES):
        attempts.failed(one)
    assert (attempts.wait(other) > 0) is same


def test_the_table_of_guessers_is_bounded_and_keeps_the_latest() -> None:
    attempts = Attempts(lambda: 0.0)
    for number in range(ADDRESSES_MAX + 1):
        for _ in range(FAILURES):
            attempts.failed(f"10.0.{number // 256}.{number % 256}")
    assert len(attempts) == ADDRESSES_MAX
    assert attempts.wait("10.0.0.0") == 0
    assert attempts.wait("10.0.0.1") > 0
    assert attempts.wait("10.0.4.0") > 0


async def test_loopback_needs_no_token() -> None:
    async with serving() as server:
        assert (await ask(server, POST.format("/size", "Content-Length: 2\r\n") + "ab")).json == {"size": 2}


@pytest.mark.parametrize(
    "request_text",
    [
        GET.format("/stream", f"X-Forwarded-For: 192.0.2.7\r\nAuthorization: Bearer {TOKEN}\r\n"),
        GET.format("/stream", f"X-Forwarded-For: 192.0.2.7\r\nAuthorization: bearer  {TOKEN} \r\n"),
        GET.format("/stream", with_token()),
        GET.format(f"/stream?token={TOKEN}", "X-Forwarded-For: 192.0.2.7\r\n"),
        GET.format(f"/stream?token={TOKEN}", "X-Forwarded-For: 192.0.2.7\r\nX-NLS-Token: wrong\r\n"),
    ],
    ids=["bearer", "bearer with spaces", "X-NLS-Token", "query", "query beside a wrong header"],
)
async def test_the_token_is_taken_from_every_place(request_text: str) -> None:
    async with serving() as server, await RawClient.connect(server) as client:
        client.writer.write(request_text.encode())
        assert (await client.reader.readline()).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("path", "headers", "sentence"),
    [
        ("/stream", "", "missing"),
        ("/stream", "Authorization: Basic YTpi\r\n", "missing"),
        ("/stream", "Authorization: Bearer\r\n", "missing"),
        ("/stream?token=", "", "missing"),
        ("/stream", "Authorization: Bearer wrong\r\n", "wrong"),
        ("/stream", f"Authorization: Basic {TOKEN}\r\nX-NLS-Token: {TOKEN}x\r\n", "wrong"),
        ("/stream?token=%ED%A0%80%FF", "", "wrong"),
        ("/nothing/here", "", "missing"),
        ("/", "", "missing"),
    ],
)
async def test_anybody_else_without_it_is_refused(path: str, headers: str, sentence: str) -> None:
    async with serving() as server:
        answer = await ask(server, GET.format(path, f"X-Forwarded-For: 127.0.0.1\r\n{headers}"))
        assert (answer.status, answer.code) == (401, "token_required")
        assert sentence in answer.json["message"]
        assert answer.headers["www-authenticate"] == 'Bearer realm="herald"'


async def test_a_token_that_is_no_text_is_only_wrong() -> None:
    async with serving() as server:
        answer = await ask(
            server, GET.format("/stream", "Via: x\r\nX-NLS-Token: \x00").encode().replace(b"\x00", b"\xff\xfe\r\n")
        )
        assert (answer.status, answer.code) == (401, "token_required")


async def test_guessing_is_slowed_down_even_for_the_right_token() -> None:
    async with serving() as server, await RawClient.connect(server) as client:
        for _ in range(FAILURES):
            assert (await client.ask(GET.format("/nothing", with_token("wrong")))).status == 401
        answer = await client.ask(GET.format("/nothing", with_token()))
        assert (answer.status, answer.code) == (503, "busy")
        assert "127.0.0.1" in answer.json["message"]
        assert f"try again in {answer.headers['retry-after']} s" in answer.json["message"]
        assert (await client.ask(GET.format("/nothing", ""))).status == 404


async def test_a_request_without_a_token_is_no_guess() -> None:
    async with serving() as server, await RawClient.connect(server) as client:
        for _ in range(FAILURES + 1):
            assert (await client.ask(GET.format("/nothing", "X-Real-IP: 192.0.2.7\r\n"))).status == 401
        assert (await client.ask(GET.format("/nothing", with_token()))).status == 404


async def test_health_is_open_to_anybody() -> None:
    async with serving() as server:
        answer = await ask(server, GET.format("/api/healthz", "X-Forwarded-For: 192.0.2.7\r\n"))
        assert answer.status == 200


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ("Host: evil.example\r\n", 403, "access_denied"),
        ("Host: evil.example:10231\r\n", 403, "access_denied"),
        ("Host: \r\n", 400, "bad_request"),
        ("Host: a b\r\n", 400, "bad_request"),
        ("", 400, "protocol"),
        ("Host: localhost\r\nHost: localhost\r\n", 400, "protocol"),
        ("Host: localhost\r\nOrigin: null\r\n", 403, "access_denied"),
        ("Host: localhost\r\nOrigin: http://evil.example\r\n", 403, "access_denied"),
        ("Host: localhost:1\r\nOrigin: http://localhost:2\r\n", 403, "access_denied"),
    ],
)
async def test_foreign_names_and_pages_are_refused_even_where_it_is_open(headers: str, status: int, code: str) -> None:
    async with serving() as server:
        answer = await ask(server, f"GET /api/healthz HTTP/1.1\r\n{headers}\r\n")
        assert (answer.status, answer.code) == (status, code)


@pytest.mark.parametrize(
    "headers",
    [
        "Host: 127.0.0.1:10231\r\n",
        "Host: [::1]\r\n",
        "Host: localhost:1\r\nOrigin: http://localhost:1\r\n",
        "Host: herald.example\r\nOrigin: https://herald.example\r\n",
    ],
)
async def test_own_names_and_pages_are_let_in(headers: str) -> None:
    config = dataclasses.replace(CONFIG, allowed_hosts=("herald.example",))
    async with serving(config) as server:
        assert (await ask(server, f"GET /api/healthz HTTP/1.1\r\n{headers}\r\n")).status == 200


async def test_http_1_0_needs_a_host_too() -> None:
    async with serving() as server:
        answer = await ask(server, "GET /api/healthz HTTP/1.0\r\n\r\n")
        assert (answer.status, answer.code) == (400, "bad_request")


async def test_no_foreign_page_is_told_that_it_may() -> None:
    async with serving() as server:
        request = "OPTIONS /size HTTP/1.1\r\nHost: localhost\r\nAccess-Control-Request-Method: POST\r\n\r\n"
        answer = await ask(server, request)
        assert (answer.status, answer.code) == (405, "bad_request")
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_beyond_the_limit_is_refused_with_the_numbers_that_are_known(*, chunked: bool) -> None:
    body = b"a" * 1_048_577
    framing = "Transfer-Encoding: chunked\r\n" if chunked else f"Content-Length: {len(body)}\r\n"
    async with serving() as server, await RawClient.connect(server) as client:
        client.writer.write(POST.format("/size", framing).encode())
        client.writer.write(b"100001\r\n%s\r\n0\r\n\r\n" % body if chunked else body)
        answer = await client.answer()
    assert (answer.status, answer.code) == (413, "too_large")
    assert "1048576" in answer.json["message"]
    assert chunked or "1048577" in answer.json["message"]


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_route_may_take_more(*, chunked: bool) -> None:
    body = b"a" * 1_048_577
    framing = "Transfer-Encoding: chunked\r\n" if chunked else f"Content-Length: {len(body)}\r\n"
    async with serving() as server, await RawClient.connect(server) as client:
        client.writer.write(POST.format("/large", framing).encode())
        client.writer.write(b"100001\r\n%s\r\n0\r\n\r\n" % body if chunked else body)
        assert (await client.answer()).json == {"size": 1_048_577}
        assert (await client.ask(GET.format("/api/healthz", ""))).status == 200


async def test_a_body_comes_as_it_is() -> None:
    async with serving() as server:
        answer = await ask(server, POST.format("/size", "Content-Length: 2\r\nContent-Encoding: gzip\r\n") + "ab")
        assert (answer.status, answer.code) == (400, "bad_request")


async def test_no_token_is_ever_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving() as server:
        await ask(server, GET.format(f"/nothing?token={TOKEN}", "Via: x\r\n"))
        await ask(server, GET.format(f"/fail/bug?token={TOKEN}", f"Authorization: Bearer {TOKEN}\r\n"))
        await ask(server, f"GET /?token={TOKEN} HTTP/1.1\r\nNo header {TOKEN}\r\n\r\n")
        await ask(server, f"Nonsense {TOKEN}\r\n\r\n")
    assert "ZeroDivisionError" in caplog.text
    assert TOKEN not in caplog.text
