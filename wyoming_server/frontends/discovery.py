"""Tells the local network where Wyoming is spoken (zeroconf, `_wyoming._tcp`), so that Home Assistant offers to add it.

Only addresses at which the server can be reached are told, and only on their interfaces. What fails here is a warning in words:
clients that know the address need none of this.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TypeAlias

from .. import __version__

_LOGGER = logging.getLogger(__name__)

SERVICE = "_wyoming._tcp.local."
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


@asynccontextmanager
async def advertised(
    port: int, name: str | None = None, *, hosts: Sequence[str] = tuple(_EVERY), check: float = CHECK
) -> AsyncIterator[None]:
    """Advertise a Wyoming server on `port` while the block runs. Returns at once; the network takes a second.

    `hosts` are the addresses of the server's sockets, 0.0.0.0 and :: among them. `name` is what people read; `None`: Herald and
    the machine's name. Where another machine has that name already, a number is added.
    """
    task = asyncio.create_task(_advertise(port, name or f"Herald ({_machine()})", hosts, check))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


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


def service_name(name: str) -> str:
    """The full name of a service that people know as `name`."""
    return f"{_shortened(name, LABEL_MAX - _COUNTER)}.{SERVICE}"


async def _advertise(port: int, name: str, hosts: Sequence[str], check: float) -> None:
    """Advertise until cancelled, anew whenever the machine's addresses change."""
    complaint = ""
    while True:
        try:
            addresses = usable(hosts, _machine_addresses())
            async with _registered(port, name, addresses):
                while addresses == usable(hosts, _machine_addresses()):  # noqa: ASYNC110  # nobody tells of a change
                    await asyncio.sleep(check)
        except _failures() as error:
            if complaint != (complaint := str(error) or type(error).__name__):
                _LOGGER.warning("Herald cannot be advertised on the network, clients need its address: %s", complaint)
            await asyncio.sleep(check)


@asynccontextmanager
async def _registered(port: int, name: str, addresses: Sequence[Address]) -> AsyncIterator[None]:
    """One registration, with a goodbye at the end."""
    from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf  # noqa: PLC0415  # only where it is wanted

    if not addresses:
        msg = "this machine has no address that others could use"
        raise OSError(msg)
    texts = [str(address) for address in addresses]
    info = AsyncServiceInfo(
        SERVICE,
        service_name(name),
        port=port,
        parsed_addresses=texts,
        server=f"{_shortened(f'herald-{_machine()}')}.local.",
        properties={"version": __version__},
    )
    # The loopback interface of IPv6 takes no multicast.
    zeroconf = AsyncZeroconf(interfaces=[text for text in texts if text != "::1"] or texts)
    try:
        # Cancelled while it opens its sockets, zeroconf would not close them.
        await asyncio.shield(zeroconf.zeroconf.async_wait_for_start())
        announced = await zeroconf.async_register_service(info, allow_name_change=True)
        _LOGGER.info("Advertised as %s at %s, port %d", info.name.removesuffix(f".{SERVICE}"), ", ".join(texts), port)
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
