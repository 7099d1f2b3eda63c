"""Tells the local network where Wyoming is spoken (zeroconf, `_wyoming._tcp`), and where Herald's HTTP port is (`_herald._tcp`).

So Home Assistant offers to add them.

Only addresses at which the server can be reached are told, and only on their interfaces. What fails here is a warning in words:
clients that know the address need none of this.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib import import_module
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Self, TypeAlias

from .. import __version__

_LOGGER = logging.getLogger(__name__)

WYOMING = "_wyoming._tcp.local."
HERALD = "_herald._tcp.local."
LABEL_MAX = 63
"""Bytes of a service's name, and of a host's, in DNS."""
_COUNTER = 3
"""Bytes of it that zeroconf may need for a number, where the name is taken."""
CHECK = 30.0
"""Seconds after which the machine's addresses are looked at again: a network often comes after the server, or changes."""
GOODBYE = 1.0
"""Seconds that taking the service back may last."""

Address: TypeAlias = IPv4Address | IPv6Address

_EVERY = {"0.0.0.0": 4, "::": 6}  # noqa: S104  # what it means is the point
"""Hosts that stand for every address of an IP version."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """One open port."""

    type: str
    """WYOMING or HERALD."""
    port: int
    hosts: tuple[str, ...] = tuple(_EVERY)
    """The addresses of its sockets, 0.0.0.0 and :: among them."""
    name: str | None = None
    """What people read; `None`: Herald and the machine's name. Where another server has that name already, a number is added."""
    properties: Mapping[str, str] = field(default_factory=dict)
    """What a client may know beforehand, beside the version."""


class Network:
    """Knows of services from `tell` to `leave`. The block waits for the goodbyes, so that others can be done meanwhile."""

    def __init__(self, check: float = CHECK) -> None:
        self._check = check
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.leave()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def tell(self, *services: Service) -> None:
        """Returns at once; the network takes a second."""
        self._tasks += [asyncio.create_task(_advertise(service, self._check)) for service in services]

    def leave(self) -> None:
        for task in self._tasks:
            task.cancel()


@asynccontextmanager
async def advertised(*services: Service, check: float = CHECK) -> AsyncIterator[None]:
    """Advertise them while the block runs."""
    async with Network(check) as network:
        network.tell(*services)
        yield


def others_can_come(hosts: Iterable[str]) -> bool:
    """Whether a server that listens on `hosts` can be reached by other machines."""
    return any(host in _EVERY or not ip_address(host.partition("%")[0]).is_loopback for host in hosts)


def usable(hosts: Iterable[str], machine: Iterable[Address]) -> list[Address]:
    """Addresses at which a client reaches a server that listens on `hosts`, those of IPv4 first.

    Loopback only where there is nothing else; link-local ones of IPv6 never, since they say nothing without an interface.
    """
    hosts = list(hosts)
    versions = {_EVERY[host] for host in hosts if host in _EVERY}
    found = {
        address
        for address in machine
        if str(address) in hosts or (address.version in versions and not (address.is_link_local and address.version == 6))  # noqa: PLR2004
    }
    reachable = {address for address in found if not address.is_loopback} or found
    return sorted(reachable, key=lambda address: (address.version, int(address)))


def service_name(name: str, service_type: str) -> str:
    """The full name of a service that people know as `name`."""
    return f"{_shortened(name, LABEL_MAX - _COUNTER)}.{service_type}"


async def _advertise(service: Service, check: float) -> None:
    """Advertise until cancelled, anew whenever the machine's addresses change."""
    complaint = ""
    # It takes long to load, and somebody may be listening already.
    await asyncio.to_thread(import_module, "zeroconf.asyncio")
    while True:
        try:
            addresses = usable(service.hosts, _machine_addresses())
            async with _registered(service, addresses):
                while addresses == usable(service.hosts, _machine_addresses()):  # noqa: ASYNC110  # nobody tells of a change
                    await asyncio.sleep(check)
        except _failures() as error:
            if complaint != (complaint := str(error) or type(error).__name__):
                _LOGGER.warning("Herald cannot be advertised on the network, clients need its address: %s", complaint)
            await asyncio.sleep(check)


@asynccontextmanager
async def _registered(service: Service, addresses: Sequence[Address]) -> AsyncIterator[None]:
    """One registration, with a goodbye at the end."""
    from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf  # noqa: PLC0415  # only where it is wanted

    if not addresses:
        msg = "this machine has no address that others could use"
        raise OSError(msg)
    texts = [str(address) for address in addresses]
    info = AsyncServiceInfo(
        service.type,
        service_name(service.name or f"Herald ({_machine()})", service.type),
        port=service.port,
        parsed_addresses=texts,
        server=f"{_shortened(f'herald-{_machine()}')}.local.",
        properties={"version": __version__, **service.properties},
    )
    # The loopback interface of IPv6 takes no multicast.
    zeroconf = AsyncZeroconf(interfaces=[text for text in texts if text != "::1"] or texts)
    try:
        # Cancelled while it opens its sockets, zeroconf would not close them.
        await asyncio.shield(zeroconf.zeroconf.async_wait_for_start())
        announced = await zeroconf.async_register_service(info, allow_name_change=True)
        _LOGGER.info("Advertised as %s at %s, port %d", info.name.removesuffix(".local."), ", ".join(texts), service.port)
        await announced
        yield
    finally:
        await _completed(asyncio.create_task(zeroconf.async_close()))


async def _completed(goodbye: asyncio.Task[None]) -> None:
    """Wait for it even if cancelled meanwhile, but not for ever."""
    try:
        await asyncio.wait([goodbye], timeout=GOODBYE)
    except asyncio.CancelledError:
        await asyncio.wait([goodbye], timeout=GOODBYE)
        raise
    finally:
        goodbye.cancel()


def _failures() -> tuple[type[Exception], ...]:
    """What the network and the library may do to us."""
    from zeroconf import Error  # noqa: PLC0415

    return (OSError, RuntimeError, Error)


def _machine_addresses() -> list[Address]:
    """Every address of this machine. zeroconf brings `ifaddr`, which it looks for them with itself."""
    import ifaddr  # noqa: PLC0415

    ips = (ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips)
    return [ip_address(ip if isinstance(ip, str) else ip[0].partition("%")[0]) for ip in ips]


def _machine() -> str:
    return socket.gethostname().partition(".")[0]


def _shortened(label: str, size: int = LABEL_MAX) -> str:
    """A label that fits into DNS, cut between characters."""
    return label.encode()[:size].decode(errors="ignore")
