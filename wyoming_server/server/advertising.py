"""What the local network is told of a server: which of its ports others may look for, and as what. No socket, no zeroconf."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from ..config import Config
from ..frontends.control.about import API
from ..frontends.discovery import HERALD, WYOMING, Service, others_can_come
from ..frontends.http.server import HttpServer
from ..frontends.wyoming.server import WyomingServer


def services_to_find(config: Config, wyoming: WyomingServer, http: HttpServer | None, own_id: str) -> Iterator[Service]:
    wanted = config.wyoming.zeroconf
    if wanted:
        for port, hosts in _tcp_ports(wyoming.uris).items():
            yield Service(type=WYOMING, port=port, hosts=tuple(hosts), name=given_name(wanted))
    wanted = config.http.zeroconf
    if wanted and http is not None:
        known = {"id": own_id, "api": str(API), "tls": str(int(http.tls is not None))}
        for port, hosts in _tcp_ports(http.urls).items():
            if others_can_come(hosts):
                yield Service(type=HERALD, port=port, hosts=tuple(hosts), name=given_name(wanted), properties=known)


def given_name(zeroconf: bool | str) -> str | None:
    """The name that the configuration gives; `None`: none."""
    return zeroconf if isinstance(zeroconf, str) else None


def _tcp_ports(uris: Iterable[str]) -> dict[int, list[str]]:
    """Port → the hosts on which it is open."""
    ports: dict[int, list[str]] = {}
    for parts in map(urlsplit, uris):
        if parts.port is not None and parts.hostname is not None:
            ports.setdefault(parts.port, []).append(parts.hostname)
    return ports
