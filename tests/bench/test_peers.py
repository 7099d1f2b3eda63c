"""What the bench `peers` stands on: its endpoint speaks HTTP as servers do, and where there is no peer it says so."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession

from bench import __main__ as command
from bench import peer, upstream
from bench.lab import Lab
from bench.measures.peers.stage import AHEAD, compared
from bench.order import Order, Report
from bench.rows import Row
from bench.speech_upstream import Endpoint

HEADER = 44


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> asyncio.Queue[Report]:
    """What the endpoint tells, instead of its standard output."""
    told: asyncio.Queue[Report] = asyncio.Queue()
    monkeypatch.setattr(upstream, "print", lambda line, **_: told.put_nowait(Report.parse(line)), raising=False)
    return told


@asynccontextmanager
async def endpoint() -> AsyncIterator[str]:
    server = await asyncio.get_running_loop().create_server(Endpoint, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/audio/speech"


async def test_the_endpoint_delivers_what_a_text_orders_and_keeps_the_connection(reports: asyncio.Queue[Report]) -> None:
    async with endpoint() as url, ClientSession() as session:
        for number in (1, 2):
            order = Order(number=number, seconds=0.25, pace=0)
            async with session.post(url, json={"input": order.text()}) as response:
                assert response.headers["Transfer-Encoding"] == "chunked"
                assert (await response.read())[HEADER:] == bytes(upstream.two_seconds(24_000)[:12_000])
        assert session.connector is not None
        assert len(session.connector._conns) == 1  # noqa: SLF001  # nothing else tells
    told = [reports.get_nowait(), reports.get_nowait()]
    assert [(report.number, report.gone) for report in told] == [(1, None), (2, None)]
    assert all(report.first for report in told)


async def test_the_endpoint_sees_a_client_leave(reports: asyncio.Queue[Report]) -> None:
    async with endpoint() as url, ClientSession() as session:
        async with session.post(url, json={"input": Order(number=7, seconds=9, pace=1).text()}) as response:
            await response.content.readexactly(HEADER + 4800)
        async with asyncio.timeout(5):
            report = await reports.get()
    assert report.number == 7
    assert report.first is not None
    assert report.gone is not None
    assert report.gone > report.first


async def test_a_text_that_is_no_order_is_spoken_too() -> None:
    async with endpoint() as url, ClientSession() as session, session.post(url, json={"input": "word word"}) as response:
        assert len(await response.read()) == HEADER + 9600


def test_a_comparison_says_both_figures_and_the_ratio() -> None:
    row = compared("added", {peer.NAME: [2.0, 4.0, 6.0], "herald": [1.0, 2.0, 3.0]}, 50, AHEAD)
    assert row.value == 0.5
    assert row.passed
    assert row.detail == "wyoming_openai 4.00 ms, herald 2.00 ms; 2.0 x ahead (median of 3 each)"
    assert compared("added", {peer.NAME: [2.0, 4.0, 6.0], "herald": [1.0, 2.0, 9.0]}, 95, AHEAD).passed is False


async def test_without_a_new_enough_python_there_is_no_peer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(peer, "ENVIRONMENT", tmp_path / "none")
    monkeypatch.setattr(peer, "_candidates", lambda: iter(["/bin/false"]))
    with pytest.raises(peer.Unavailable, match=r"needs Python 3\.12 or later"):
        await peer.environment()


async def test_a_command_that_fails_is_told_with_what_it_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\necho no such package; exit 1\n")
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(peer, "ENVIRONMENT", peer.CACHE / "no-such-environment")
    monkeypatch.setattr(peer, "_candidates", lambda: iter(["/bin/true"]))
    with pytest.raises(peer.Unavailable, match=r"uv venv .* failed:\nno such package"):
        await peer.environment()


async def test_an_environment_that_is_there_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").touch()
    (tmp_path / "holds").write_text(peer.PACKAGE)
    monkeypatch.setattr(peer, "ENVIRONMENT", tmp_path)
    assert await peer.environment() == str(tmp_path / "bin" / "python")


def test_a_bench_that_cannot_be_run_is_named_and_fails_a_check(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def measure(lab: Lab) -> AsyncIterator[Row]:
        msg = "no Python"
        raise peer.Unavailable(msg)
        yield  # a generator, as others are

    monkeypatch.setattr(command, "BENCHES", {"peers": measure})
    monkeypatch.setattr(sys, "argv", ["bench", "peers", "--check"])
    assert command.main() == 1
    assert capsys.readouterr().out.endswith("  not run: no Python\n0 targets met, 0 missed, not run: peers\n")


def test_the_machines_settings_do_not_reach_the_peer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TTS_SPEED", "WYOMING_URI", "http_proxy"):
        monkeypatch.setenv(name, "x")
    assert {"TTS_SPEED", "WYOMING_URI", "http_proxy"} <= set(peer.settings())
