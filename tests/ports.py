"""Ports for servers whose address must be known before they listen."""

from __future__ import annotations

import random
import socket
from contextlib import suppress

LISTENED_ON = range(20_000, 32_000)
"""Below those from which systems take the ports of clients: nobody's connection is in the way between now and then."""


def free_port() -> int:
    """One of this machine's own address on which nobody listens now."""
    while True:
        port = random.choice(LISTENED_ON)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
