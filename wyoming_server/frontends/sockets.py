"""How every connection to a client is set, whatever it speaks, and how to stop listening for more."""

from __future__ import annotations

import asyncio
import socket

SEND_BUFFER = 128 * 1024
"""Bytes that wait for a client in the system. Without a limit it takes megabytes: minutes of audio that no interrupt reaches,
and a client that plays as it reads would seem to take nothing while a third of them is played."""
KEEPALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 20), ("TCP_KEEPCNT", 3))
"""A machine that vanished is noticed after two minutes."""
_PASSES = 3
"""Turns of the event loop from a client that the system has just accepted to the first step of whatever serves it."""


def tune(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    if sock.family == socket.AF_UNIX:
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE:
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


async def stop_listening(server: asyncio.Server) -> None:
    """Close a server whose protocols then know every client that it has accepted.

    A client that was accepted in the turn in which asyncio's server closes is lost otherwise: no protocol hears of it, and it
    stays connected until its half-made transport happens to be collected.
    """
    loop = server.get_loop()
    try:
        for listener in server.sockets:
            loop.remove_reader(listener.fileno())
        for _ in range(_PASSES):
            await asyncio.sleep(0)
    finally:
        server.close()
