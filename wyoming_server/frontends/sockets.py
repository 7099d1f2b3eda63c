"""How every connection to a client is set, whatever it speaks."""

from __future__ import annotations

import socket

SEND_BUFFER = 128 * 1024
"""Bytes that wait for a client in the system. Without a limit it takes megabytes: minutes of audio that no interrupt reaches,
and a client that plays as it reads would seem to take nothing while a third of them is played."""
KEEPALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 20), ("TCP_KEEPCNT", 3))
"""A machine that vanished is noticed after two minutes."""


def tune(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    if sock.family == socket.AF_UNIX:
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE:
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
