"""Which Host and Origin a request may name: pure, no request and no socket.

A page of somebody else's, in a browser that reaches Herald, can neither choose these headers nor read an answer, unless it first
makes its own name lead to Herald's address (DNS rebinding). So a name must be Herald's; an address cannot be rebound.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address
from typing import NamedTuple

_HOST = re.compile(r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+(?:%[\w.~%-]+)?)\]|(?P<name>[A-Za-z0-9._-]+))(?::(?P<port>\d{1,5}))?", re.ASCII)
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Host(NamedTuple):
    """Where a request says that it goes."""

    name: str
    """In small letters; an IPv6 address without brackets."""
    port: int | None
    """`None`: the scheme's."""


def parse_host(value: str) -> Host | None:
    """`None` for what is no host."""
    match = _HOST.fullmatch(value)
    if match is None:
        return None
    name = (match["ipv6"] or match["name"]).lower()
    return Host(name=name.removesuffix("."), port=int(match["port"]) if match["port"] else None)


def same_origin(origin: str, host: Host) -> bool:
    """Whether a page of `origin` came from where the request goes. `null`, an origin that hides itself, is never the same."""
    scheme, _, place = origin.lower().partition("://")
    default = _DEFAULT_PORTS.get(scheme)
    parsed = parse_host(place)
    if default is None or parsed is None:
        return False
    return (parsed.name, parsed.port or default) == (host.name, host.port or default)


class OwnNames:
    """The names that lead to this server: addresses, localhost, the machine's, those of its mDNS, and the configured ones."""

    def __init__(self, machine: str, allowed: Iterable[str]) -> None:
        full = machine.lower().rstrip(".")
        short = full.partition(".")[0]
        self._names = {"localhost", full, short} | {name.lower().rstrip(".") for name in allowed}
        # The number is what mDNS adds where two machines have the same name.
        self._mdns = re.compile(rf"{re.escape(short)}(-\d+)?\.local")

    def __contains__(self, name: str) -> bool:
        return name in self._names or self._mdns.fullmatch(name) is not None or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
