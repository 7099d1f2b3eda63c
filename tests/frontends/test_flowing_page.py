"""The test page as HTTP has it: which files there are, who gets them, with which headers. tests/browser tests what it does."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from wyoming_server.frontends.flowing.page import FILES, PAGE, pages
from wyoming_server.frontends.http.server import HttpServer
from wyoming_server.tokens import PairingToken

from .http_client import CONFIG, GET, TOKEN, Answer, RawClient, ask

STRANGER = "X-Forwarded-For: 192.0.2.7\r\n"
FOLDER = Path(__file__).parents[2] / "wyoming_server/frontends/flowing/page"
SCRIPTS = sorted(FOLDER.glob("*.js"))


@pytest.fixture
async def server() -> AsyncIterator[HttpServer]:
    token = PairingToken(value=TOKEN, source="the test")
    server = HttpServer(CONFIG, token=token, health=dict, more_routes=pages())
    async with server.serving():
        yield server


async def get(server: HttpServer, path: str, headers: str = STRANGER) -> Answer:
    return await ask(server, GET.format(path, headers))


@pytest.mark.parametrize("path", FILES)
async def test_a_stranger_gets_every_file_as_it_lies_in_the_package(server: HttpServer, path: str) -> None:
    name, media_type = FILES[path]
    answer = await get(server, path)
    assert answer.status == 200
    assert answer.body == (FOLDER / name).read_bytes()
    assert answer.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-cache"


async def test_a_page_may_load_nothing_but_its_own_files(server: HttpServer) -> None:
    policy = (await get(server, PAGE)).headers["content-security-policy"]
    sources = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert sources.pop("default-src") == "'none'"
    assert {sources[name] for name in ("script-src", "style-src", "img-src", "connect-src")} == {"'self'"}
    assert {sources[name] for name in ("base-uri", "form-action", "frame-ancestors")} == {"'none'"}


async def test_a_file_that_did_not_change_is_not_sent_again(server: HttpServer) -> None:
    tag = (await get(server, PAGE)).headers["etag"]
    async with await RawClient.connect(server) as client:
        known = f"If-None-Match: {tag}\r\nConnection: close\r\n"
        client.writer.write(GET.format(PAGE, known).encode())
        head = await client.reader.read()
    assert head.startswith(b"HTTP/1.1 304 ")
    assert tag.encode() in head
    assert b"Content-Security-Policy" in head
    assert (await get(server, PAGE, 'If-None-Match: "another"\r\n')).status == 200


async def test_every_file_has_a_tag_of_its_own(server: HttpServer) -> None:
    assert len({(await get(server, path)).headers["etag"] for path in FILES}) == len(FILES)


@pytest.mark.parametrize(
    "path",
    [
        f"{PAGE}/",
        f"{PAGE}/index.html",
        f"{PAGE}/page.py",
        f"{PAGE}/../page.py",
        f"{PAGE}/%2e%2e/page.py",
        f"{PAGE}/..%2fpage.py",
        f"{PAGE}//etc/passwd",
        f"{PAGE}/page.js/",
        f"{PAGE}/PAGE.JS",
    ],
)
async def test_nothing_that_a_client_sends_becomes_a_path(server: HttpServer, path: str) -> None:
    assert (await get(server, path, "")).status == 404
    assert (await get(server, path)).status == 401


def test_the_table_has_every_file_of_the_folder() -> None:
    assert sorted(name for name, _ in FILES.values()) == sorted(path.name for path in FOLDER.iterdir())


def test_what_the_page_refers_to_is_there() -> None:
    page = (FOLDER / "index.html").read_text()
    for address in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert f"/ws/v1/tts/{address}" in FILES
    for script in SCRIPTS:
        for name in re.findall(r'^import .* from "\./([^"]+)"', script.read_text(), re.MULTILINE):
            assert f"{PAGE}/{name}" in FILES


def test_the_page_has_no_script_and_no_style_within() -> None:
    page = (FOLDER / "index.html").read_text()
    assert re.findall(r"<script(?![^>]* src=)", page) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=", page) == []


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
def test_nothing_comes_from_elsewhere(path: Path) -> None:
    addresses = re.findall(r"https?://[^\s\"')]+|[\"'(]//[^\s\"')]+", path.read_text())
    assert set(addresses) <= {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_no_script_makes_code_or_markup_of_text(script: Path) -> None:
    assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", script.read_text()) == []


async def test_head_is_answered_with_the_size(server: HttpServer) -> None:
    async with await RawClient.connect(server) as client:
        client.writer.write(GET.format(PAGE, "Connection: close\r\n").replace("GET", "HEAD").encode())
        head = await client.reader.read()
    assert f"Content-Length: {(FOLDER / 'index.html').stat().st_size}".encode() in head
    assert head.endswith(b"\r\n\r\n")
