"""How often one address may ask for a reply, whatever front end it comes to. The one home of that.

Decides synchronously. What is remembered is bounded: so many addresses, and of each a number a second. Loopback counts as any
other.
"""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network
from time import monotonic
from typing import Protocol

from .errors import Busy

WINDOW = 60
"""Seconds."""
ADDRESSES_MAX = 1_000
"""Addresses that are remembered; of more, the one that was silent for longest is forgotten."""
_OWN_PREFIX = 64
"""Bits of an IPv6 address that a household shares, as a rule: the rest is its machines' to choose."""


class Gate(Protocol):
    """Lets requests in. Several servers may share one later."""

    def admit(self, client: str) -> None:
        """Raises Busy, saying when to come again."""


def _any_number() -> None:
    """The limit of those who have none."""


class Rates:
    """`per_minute`: tells how many replies one address may ask for, now; `None`: as many as it likes."""

    def __init__(self, per_minute: Callable[[], int | None] = _any_number, clock: Callable[[], float] = monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._asked: OrderedDict[str, deque[list[int]]] = OrderedDict()
        """Address → second and number, the oldest first; the address that asked last is the last."""

    def admit(self, client: str) -> None:
        limit = self._per_minute()
        if limit is None:
            self._asked.clear()
            return
        address, now = address_of(client), self._clock()
        asked = self._asked.setdefault(address, deque())
        self._asked.move_to_end(address)
        while asked and asked[0][0] <= now - WINDOW - 1:
            asked.popleft()
        if sum(number for _, number in asked) >= limit:
            wait = math.ceil(_room_at(asked, limit) - now)
            msg = (
                f"{address or 'This client'} has asked for {limit} replies within a minute, and no more are allowed "
                f"(limits.requests_per_minute). Ask again in {wait} s."
            )
            raise Busy(msg, retry_after=wait)
        if asked and asked[-1][0] == int(now):
            asked[-1][1] += 1
        else:
            asked.append([int(now), 1])
        if len(self._asked) > ADDRESSES_MAX:
            self._asked.popitem(last=False)


def address_of(client: str) -> str:
    """Whose limit it is: an address without its port, an IPv4 one however it is written, the household's part of an IPv6 one."""
    host = client.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        if not address.is_loopback:
            return str(ip_network((address, _OWN_PREFIX), strict=False))
    return str(address)


def _room_at(asked: deque[list[int]], limit: int) -> float:
    """When enough of them are older than a minute."""
    left = sum(number for _, number in asked)
    for second, number in asked:
        left -= number
        if left < limit:
            return second + 1 + WINDOW
    return asked[-1][0] + 1 + WINDOW
