"""Where a server may be said to be."""

from __future__ import annotations

import asyncio
import errno
from pathlib import Path

import pytest
import voluptuous as vol

from wyoming_server.engines.wyoming.link import Link, Lost, server_uri
from wyoming_server.engines.wyoming.links import Links
from wyoming_server.errors import EngineUnavailable
from wyoming_server.upstream.attempts import Failed

from .speaking import made, simulator


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("tcp://127.0.0.1:10200", "tcp://127.0.0.1:10200"),
        ("tcp://[::1]:10200", "tcp://[::1]:10200"),
        ("unix:///run/piper.sock", "unix:///run/piper.sock"),
        ("pi.local:10300", "tcp://pi.local:10300"),
        ("pi.local", "tcp://pi.local:10200"),
        ("tcp://pi.local", "tcp://pi.local:10200"),
        ("[::1]", "tcp://[::1]:10200"),
        ("[::1]:10300", "tcp://[::1]:10300"),
        ("core-piper:10200", "tcp://core-piper:10200"),
    ],
)
def test_an_address_is_written_out(text: str, uri: str) -> None:
    assert server_uri(text) == uri


WRONG = [
    "",
    "http://pi.local:10200",
    "tcp://",
    "tcp://:10200",
    "pi.local:0",
    "pi.local:99999",
    "pi.local:port",
    "tcp://pi.local:10200/path",
    "tcp://pi.local:10200?x=1",
    "tcp://pi local:10200",
    "tcp://pi.local:10200\n",
    "unix://run/piper.sock",
    "unix:///",
    "unix:///" + "x" * 200,
    "::1",
    "stdio://",
    "tcp://me:secret@pi.local:10200",
]


@pytest.mark.parametrize("text", WRONG, ids=repr)
def test_what_is_no_address_is_refused_in_words(text: str) -> None:
    with pytest.raises(vol.Invalid, match="it must be tcp://HOST:PORT, HOST:PORT or unix:///path"):
        server_uri(text)


async def test_a_host_that_is_none_is_told() -> None:
    async with made(uri="tcp://a..b:10200") as engine:
        with pytest.raises(EngineUnavailable, match=r"No Wyoming server answers at tcp://a\.\.b:10200"):
            await engine.voices()


async def test_a_socket_that_is_not_there_is_told(tmp_path: Path) -> None:
    async with made(uri=f"unix://{tmp_path}/piper.sock") as engine:
        with pytest.raises(EngineUnavailable, match="No such file"):
            await engine.voices()


@pytest.mark.parametrize("number", [errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ECONNRESET])
async def test_a_network_that_fails_is_a_lost_connection_whatever_the_system_calls_it(number: int) -> None:
    """ETIMEDOUT is a TimeoutError in Python, EHOSTUNREACH a plain OSError: a server's machine that went off."""
    async with simulator() as service:
        link = await Link.open(service.uri, within=5)
        try:
            link._reader.set_exception(OSError(number, "off"))  # noqa: SLF001  # as its transport does
            with pytest.raises(Lost, match=f"The connection to {service.uri} broke: off"):
                await link.receive()
        finally:
            link.cut()


async def test_a_connection_that_is_made_while_the_engine_closes_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with simulator() as service:
        links, made_now, opened = Links(service.uri, within=5), asyncio.Event(), Link.open

        async def slowly(uri: str, *, within: float) -> Link:
            link = await opened(uri, within=within)
            await made_now.wait()
            return link

        monkeypatch.setattr(Link, "open", slowly)
        connecting = asyncio.create_task(links.connect())
        await service.journal.saw("connected")
        await links.aclose()
        made_now.set()
        with pytest.raises(Failed, match="The engine was closed"):
            await connecting
        await service.journal.saw("gone")
