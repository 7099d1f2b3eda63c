"""How many wrong tokens an address sent lately. Time comes from outside; no request and no socket."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network

FAILURES = 10
"""Wrong tokens that an address may send at once."""
FORGET = 6.0
"""Seconds after which one of them is forgotten."""
ADDRESSES_MAX = 1024
"""Addresses that are remembered; the one that failed longest ago goes first."""


class Attempts:
    """A bucket for each address: every failure fills it, time empties it. `burst` as FAILURES, `forget` as FORGET."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, burst: int = FAILURES, forget: float = FORGET) -> None:
        self._clock = clock
        self._burst = burst
        self._forget = forget
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, address: str) -> float:
        """Seconds until the address may try again; 0: now."""
        return max(0.0, (self._level(_source(address)) - self._burst + 1) * self._forget)

    def failed(self, address: str) -> None:
        source = _source(address)
        self._buckets[source] = (self._level(source) + 1, self._clock())
        self._buckets.move_to_end(source)
        if len(self._buckets) > ADDRESSES_MAX:
            self._buckets.popitem(last=False)

    def __len__(self) -> int:
        return len(self._buckets)

    def _level(self, source: str) -> float:
        failures, at = self._buckets.get(source, (0.0, 0.0))
        return max(0.0, failures - (self._clock() - at) / self._forget)


def _source(address: str) -> str:
    """One key a machine: it may have a whole /64 network of IPv6 addresses to itself."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(ip_network((parsed, 64), strict=False))
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)
