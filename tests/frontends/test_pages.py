"""Static pages as HTTP has them: which files there are, who gets them, with which headers. tests/browser tests what they do."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urljoin

import pytest

from wyoming_server.frontends.console import routes as console
from wyoming_server.frontends.flowing import page as trial
from wyoming_server.frontends.http import pages as commons
from wyoming_server.frontends.http.server import HttpServer
from wyoming_server.state.tokens import PairingToken

from .http_client import CONFIG, GET, TOKEN, Answer, RawClient, ask

ROOT = Path(__file__).parents[2]
STRANGER = "X-Forwarded-For: 192.0.2.7\r\n"
FOLDERS = {part.FOLDER: part.FILES for part in (commons, trial, console)}
PLACES = {address: folder / name for folder, files in FOLDERS.items() for address, name in files.items()}
"""Address → file, of everything that is served."""
HTML = [address for address, place in PLACES.items() if place.suffix == ".html"]
SCRIPTS = {address: place for address, place in PLACES.items() if place.suffix == ".js"}
TRIAL = trial.PAGE


@pytest.fixture
async def server() -> AsyncIterator[HttpServer]:
    token = PairingToken(value=TOKEN, source="the test")
    server = HttpServer(CONFIG, token=token, health=dict, more_routes=(*trial.page(), *console.routes()))
    async with server.serving():
        yield server


async def get(server: HttpServer, path: str, headers: str = STRANGER) -> Answer:
    return await ask(server, GET.format(path, headers))


@pytest.mark.parametrize("path", PLACES)
async def test_a_stranger_gets_every_file_as_it_lies_in_the_package(server: HttpServer, path: str) -> None:
    answer = await get(server, path)
    assert answer.status == 200
    assert answer.body == PLACES[path].read_bytes()
    assert answer.headers["content-type"] == f"{commons.MEDIA_TYPES[PLACES[path].suffix]}; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", HTML)
async def test_a_page_may_load_nothing_but_its_own_files(server: HttpServer, path: str) -> None:
    policy = (await get(server, path)).headers["content-security-policy"]
    sources = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert sources.pop("default-src") == "'none'"
    assert {sources[name] for name in ("script-src", "style-src", "img-src", "connect-src")} == {"'self'"}
    assert {sources[name] for name in ("base-uri", "form-action", "frame-ancestors")} == {"'none'"}


async def test_a_file_that_did_not_change_is_not_sent_again(server: HttpServer) -> None:
    tag = (await get(server, TRIAL)).headers["etag"]
    async with await RawClient.connect(server) as client:
        known = f"If-None-Match: {tag}\r\nConnection: close\r\n"
        client.writer.write(GET.format(TRIAL, known).encode())
        head = await client.reader.read()
    assert head.startswith(b"HTTP/1.1 304 ")
    assert tag.encode() in head
    assert b"Content-Security-Policy" in head
    assert (await get(server, TRIAL, 'If-None-Match: "another"\r\n')).status == 200


async def test_every_file_has_a_tag_of_its_own(server: HttpServer) -> None:
    assert len({(await get(server, path)).headers["etag"] for path in PLACES}) == len(PLACES)


@pytest.mark.parametrize(
    "path",
    [
        *(f"{TRIAL}{end}" for end in ("/", "/index.html", "/page.py", "/../page.py", "/%2e%2e/page.py", "/..%2fpage.py")),
        *(f"{TRIAL}{end}" for end in ("//etc/passwd", "/page.js/", "/PAGE.JS")),
        *(f"/console{end}" for end in ("", "/", "/index.html", "/../routes.py", "/%2e%2e/routes.py", "/CONSOLE.JS")),
        *(f"/static{end}" for end in ("", "/", "/../pages.py", "/..%2fpages.py", "/%2e%2e%2fpages.py", "//etc/passwd")),
        "/index.html",
    ],
)
async def test_nothing_that_a_client_sends_becomes_a_path(server: HttpServer, path: str) -> None:
    assert (await get(server, path, "")).status == 404
    assert (await get(server, path)).status == 401


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_a_table_has_every_file_of_its_folder(folder: Path) -> None:
    assert sorted(FOLDERS[folder].values()) == sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("page", HTML)
def test_what_a_page_refers_to_is_there_and_relative(page: str) -> None:
    for address in re.findall(r'(?:src|href)="([^"#]+)"', PLACES[page].read_text()):
        assert urljoin(page, address) in PLACES
        assert not address.startswith("/"), "a proxy may have put the page elsewhere"


@pytest.mark.parametrize("script", SCRIPTS)
def test_what_a_script_imports_is_there_and_relative(script: str) -> None:
    for address in re.findall(r'^(?:import|export) .* from "([^"]+)"', SCRIPTS[script].read_text(), re.MULTILINE):
        assert urljoin(script, address) in SCRIPTS
        assert address.startswith(".")


def test_every_script_is_used() -> None:
    used = {
        urljoin(address, found)
        for address, place in PLACES.items()
        for found in re.findall(r'(?:from |src=)"([^"]+\.js)"', place.read_text())
    }
    assert used == set(SCRIPTS)


@pytest.mark.parametrize("page", HTML)
def test_a_page_has_no_script_and_no_style_within(page: str) -> None:
    text = PLACES[page].read_text()
    assert re.findall(r"<script(?![^>]* src=)", text) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=", text) == []


@pytest.mark.parametrize("path", PLACES)
def test_nothing_comes_from_elsewhere(path: str) -> None:
    addresses = re.findall(r"https?://[^\s\"')]+|[\"'(]//[^\s\"')]+", PLACES[path].read_text())
    assert set(addresses) <= {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize("script", SCRIPTS)
def test_no_script_makes_code_or_markup_of_text(script: str) -> None:
    text = SCRIPTS[script].read_text()
    assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", text) == []


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_opens_with_its_rule(script: str) -> None:
    text = SCRIPTS[script].read_text()
    assert text.startswith("// ")
    assert text.count("\n") <= 400


def test_the_wheel_has_every_file(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)  # noqa: S603
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        assert {str(place.relative_to(ROOT)) for place in PLACES.values()} <= set(packed.namelist())


async def test_head_is_answered_with_the_size(server: HttpServer) -> None:
    async with await RawClient.connect(server) as client:
        client.writer.write(GET.format(TRIAL, "Connection: close\r\n").replace("GET", "HEAD").encode())
        head = await client.reader.read()
    assert f"Content-Length: {PLACES[TRIAL].stat().st_size}".encode() in head
    assert head.endswith(b"\r\n\r\n")
