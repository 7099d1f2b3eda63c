"""Where Wyoming and Herald's HTTP are spoken, as a browser on the network hears it: real multicast, on loopback alone."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path
from uuid import uuid4

import pytest
from zeroconf import ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from wyoming_server import __version__
from wyoming_server.frontends import discovery
from wyoming_server.frontends.discovery import (
    HERALD,
    WYOMING,
    Network,
    Service,
    advertised,
    others_can_come,
    service_name,
    usable,
)

from ..serving import TONE, serving

LOOPBACK = ("127.0.0.1",)
MACHINE = ("127.0.0.1", "192.168.1.5", "172.17.0.1", "::1", "fd00::2", "fe80::1", "169.254.7.7")


@pytest.mark.parametrize(
    ("hosts", "machine", "expected"),
    [
        (["0.0.0.0"], MACHINE, ["169.254.7.7", "172.17.0.1", "192.168.1.5"]),
        (["::"], MACHINE, ["fd00::2"]),
        (["0.0.0.0", "::"], MACHINE, ["169.254.7.7", "172.17.0.1", "192.168.1.5", "fd00::2"]),
        (["192.168.1.5"], MACHINE, ["192.168.1.5"]),
        (["fd00::2", "192.168.1.5"], MACHINE, ["192.168.1.5", "fd00::2"]),
        (["127.0.0.1", "192.168.1.5"], MACHINE, ["192.168.1.5"]),
        (["127.0.0.1"], MACHINE, ["127.0.0.1"]),
        (["0.0.0.0", "::"], ["127.0.0.1", "::1"], ["127.0.0.1", "::1"]),
        (["::"], ["127.0.0.1"], []),
        (["a-name"], MACHINE, []),
        (["192.168.1.6"], MACHINE, []),
        ([], MACHINE, []),
    ],
)
def test_only_addresses_that_lead_here_are_told(hosts: list[str], machine: list[str], expected: list[str]) -> None:
    assert [str(address) for address in usable(hosts, map(ip_address, machine))] == expected


def test_a_long_name_is_cut_to_what_dns_takes() -> None:
    name = service_name("音" * 40, WYOMING)
    assert len(name.removesuffix(f".{WYOMING}").encode()) == 60
    assert service_name("Herald (kitchen)", HERALD) == "Herald (kitchen)._herald._tcp.local."


@pytest.mark.parametrize(
    ("hosts", "can"),
    [
        (["127.0.0.1"], False),
        (["127.0.0.1", "::1"], False),
        (["127.9.9.9"], False),
        ([], False),
        (["0.0.0.0"], True),
        (["::"], True),
        (["127.0.0.1", "192.168.1.5"], True),
        (["fe80::1%eth0"], True),
    ],
)
def test_others_come_only_where_more_than_loopback_listens(hosts: list[str], *, can: bool) -> None:
    assert others_can_come(hosts) is can


def wyoming(port: int = 10230, name: str | None = None, hosts: tuple[str, ...] = LOOPBACK) -> Service:
    return Service(type=WYOMING, port=port, name=name, hosts=hosts)


class Browser:
    """What a client on the network sees come and go, of one test: everybody on this machine shares the network."""

    def __init__(self, zeroconf: AsyncZeroconf, service_type: str) -> None:
        self._zeroconf = zeroconf
        self._type = service_type
        self.name = f"Herald {uuid4().hex}"
        self._news: asyncio.Queue[tuple[ServiceStateChange, str]] = asyncio.Queue()

    def notice(self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
        if name.startswith(self.name):
            self._news.put_nowait((state_change, name))

    async def saw(self, change: ServiceStateChange) -> str:
        """The name of the next service that came or went."""
        async with asyncio.timeout(10):
            while True:
                seen, name = await self._news.get()
                if seen is change:
                    return name

    async def info(self, name: str) -> AsyncServiceInfo:
        info = await self._zeroconf.async_get_service_info(self._type, name)
        assert info is not None
        return info


@asynccontextmanager
async def browsing(service_type: str = WYOMING) -> AsyncIterator[Browser]:
    zeroconf = AsyncZeroconf(interfaces=list(LOOPBACK))
    browser = Browser(zeroconf, service_type)
    async with AsyncServiceBrowser(zeroconf.zeroconf, service_type, handlers=[browser.notice]):
        yield browser
    await zeroconf.async_close()


async def test_a_browser_sees_it_come_and_go(monkeypatch: pytest.MonkeyPatch) -> None:
    async with browsing() as browser:
        browser.name = f"Herald (kitchen{uuid4().hex})"
        host = browser.name[len("Herald (") : -1]
        monkeypatch.setattr(socket, "gethostname", lambda: f"{host}.lan")
        async with advertised(wyoming()):
            name = await browser.saw(ServiceStateChange.Added)
            assert name == f"{browser.name}._wyoming._tcp.local."
            info = await browser.info(name)
            assert (info.port, info.parsed_addresses(), info.server) == (10230, ["127.0.0.1"], f"herald-{host}.local.")
            assert info.decoded_properties == {"version": __version__}
        assert await browser.saw(ServiceStateChange.Removed) == name


async def test_the_http_port_is_told_with_what_pairing_needs() -> None:
    async with browsing(HERALD) as browser:
        told = {"id": uuid4().hex, "tls": "1", "api": "1"}
        service = Service(type=HERALD, port=10231, name=browser.name, hosts=LOOPBACK, properties=told)
        async with advertised(wyoming(name=browser.name), service):
            info = await browser.info(await browser.saw(ServiceStateChange.Added))
            assert (info.name, info.port, info.parsed_addresses()) == (f"{browser.name}.{HERALD}", 10231, ["127.0.0.1"])
            assert info.decoded_properties == {"version": __version__, **told}


async def test_two_of_one_name_get_different_ones() -> None:
    async with browsing() as browser, advertised(wyoming(1, browser.name)):
        first = await browser.saw(ServiceStateChange.Added)
        async with advertised(wyoming(2, browser.name)):
            second = await browser.saw(ServiceStateChange.Added)
            assert (first, second) == (f"{browser.name}.{WYOMING}", f"{browser.name}-2.{WYOMING}")
            assert ((await browser.info(first)).port, (await browser.info(second)).port) == (1, 2)


async def test_a_new_address_is_told_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = ["::1"]  # as before the network came, for a server that speaks IPv4
    monkeypatch.setattr(discovery, "_machine_addresses", lambda: [ip_address(address) for address in machine])
    async with browsing() as browser, advertised(wyoming(10230, browser.name, ("0.0.0.0",)), check=0.01):
        machine.append("127.0.0.1")
        assert await browser.saw(ServiceStateChange.Added) == f"{browser.name}.{WYOMING}"
        machine.pop()
        assert await browser.saw(ServiceStateChange.Removed) == f"{browser.name}.{WYOMING}"


async def test_a_machine_without_a_network_is_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    async with advertised(wyoming(hosts=("192.0.2.200",)), check=0.001):
        await asyncio.sleep(0.02)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "no address" in caplog.text


async def test_what_the_network_refuses_is_told_in_words(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(**options: object) -> None:
        raise OSError(98, "Address already in use")

    monkeypatch.setattr("zeroconf.asyncio.AsyncZeroconf", refuse)
    async with advertised(wyoming(), check=0.001):
        await asyncio.sleep(0.02)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "Address already in use" in caplog.text


async def test_leaving_before_it_is_told_is_clean() -> None:
    before = asyncio.all_tasks()
    async with advertised(wyoming(name="Herald in passing")):
        await asyncio.sleep(0)
    async with asyncio.timeout(5):
        while asyncio.all_tasks() != before:  # noqa: ASYNC110  # zeroconf's own end a moment later
            await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("http", "told"),
    [
        ("host: 127.0.0.1", []),
        ("host: 0.0.0.0", [(HERALD, None, "0")]),
        ("host: 0.0.0.0, tls: true, zeroconf: Kitchen", [(HERALD, "Kitchen", "1")]),
        ("host: 0.0.0.0, zeroconf: false", []),
        ("host: 0.0.0.0, enabled: false", []),
    ],
)
async def test_a_server_tells_of_its_http_port_where_others_can_come(
    http: str, told: list[tuple[str, str | None, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known: list[Service] = []
    monkeypatch.setattr(Network, "tell", lambda network, *services: known.extend(services))
    async with serving(tmp_path, TONE.replace("host: 127.0.0.1", http)) as server:
        assert [(service.type, service.name, service.properties["tls"]) for service in known] == told
        for service in known:
            assert service.properties["id"] == server.id
            assert server.http is not None
            assert server.http.urls[0].endswith(f":{service.port}")


async def test_a_server_that_ends_takes_it_back_at_once_and_waits_for_that_last(tmp_path: Path) -> None:
    told = asyncio.Event()
    order: list[str] = []

    async def advertise() -> None:
        told.set()
        try:
            await asyncio.Event().wait()
        finally:
            order.append("leaves")
            await asyncio.sleep(0)
            order.append("has left")

    async with Network() as network:
        network._tasks.append(asyncio.create_task(advertise()))  # noqa: SLF001  # there is no network here
        await told.wait()
        network.leave()
        order.append("asked")
    assert order == ["asked", "leaves", "has left"]
