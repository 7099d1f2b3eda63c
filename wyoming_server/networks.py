"""Which peers may connect: words and networks, asked by address. No sockets here.

`private` is what homes use, written out: Python's own idea of private differs between its versions and holds more than that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

Network: TypeAlias = IPv4Network | IPv6Network

WORDS: dict[str, tuple[str, ...]] = {
    "loopback": ("127.0.0.0/8", "::1/128"),
    "private": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10"),
    "any": ("0.0.0.0/0", "::/0"),
}
"""The networks that a word stands for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Networks:
    """Some networks. Where there are none, only the peers of a Unix socket may connect."""

    words: tuple[str, ...]
    """As they were written: `private`, `loopback`, `any`, or networks such as 192.168.1.0/24 and fd00::/8."""
    networks: tuple[Network, ...] = field(repr=False)

    @staticmethod
    def parse(words: Iterable[str]) -> Networks:
        """Raises ValueError for a word that is neither known nor a network."""
        words = tuple(words)
        return Networks(words=words, networks=tuple(network for word in words for network in networks_of(word)))

    def allows(self, address: str) -> bool:
        """Whether a peer may connect. A Unix socket's peer has no address, or a path: the file's permissions guard it."""
        if not address or address.startswith("/"):
            return True
        try:
            peer = _unmapped(ip_address(address))
        except ValueError:
            return False
        return any(peer in network for network in self.networks)

    def __str__(self) -> str:
        return ", ".join(self.words)


def networks_of(word: str) -> list[Network]:
    """The networks of one word. An address is a network of one; bits beyond the prefix don't matter. Raises ValueError."""
    return [ip_network(text, strict=False) for text in WORDS.get(word.lower(), (word,))]


def _unmapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address of a client that came to a dual-stack socket as ::ffff:192.168.1.5."""
    return getattr(address, "ipv4_mapped", None) or address
