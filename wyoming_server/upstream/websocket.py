"""The client's side of a websocket to an engine: opened, read and left in one way, with the library's errors told in words.

Knows no engine and no protocol inside the messages.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Mapping
from functools import lru_cache
from typing import TypeAlias

from websockets.asyncio.client import ClientConnection, connect
from websockets.datastructures import Headers
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidProxy,
    InvalidStatus,
    InvalidURI,
    ProxyError,
)
from websockets.frames import CloseCode

from .. import __version__
from ..errors import EngineUnavailable

Message: TypeAlias = str | bytes

LEAVE_WITHIN = 0.1
"""Seconds that a peer has to answer our close; then the connection is cut."""
BODY_MAX = 2_000
"""Bytes of a refused handshake's body that are looked at."""


class HandshakeRefused(Exception):
    """The peer answered the handshake with an HTTP status instead; each engine knows what that means."""

    def __init__(self, status: int, body: str, headers: Mapping[str, str]) -> None:
        super().__init__(f"HTTP status {status}")
        self.status = status
        self.body = body
        self.headers = headers


class _Straight(connect):
    """Follows no redirect: the credentials in our headers are for this host and no other."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


class Lost(EngineUnavailable):
    """The connection ended, and nobody asked for it."""


class EngineSocket:
    """One open websocket. `peer` names the engine in errors."""

    def __init__(self, socket: ClientConnection, peer: str) -> None:
        self._socket = socket
        self._peer = peer

    @property
    def headers(self) -> Mapping[str, str]:
        """Of the peer's answer to the handshake."""
        return _joined(self._socket.response.headers) if self._socket.response is not None else {}

    async def send(self, message: Message) -> None:
        """Raises Lost."""
        try:
            await self._socket.send(message)
        except ConnectionClosed as error:
            raise self._lost(error) from error

    async def receive(self) -> Message:
        """The next message. Raises Lost."""
        try:
            return await self._socket.recv()
        except ConnectionClosed as error:
            raise self._lost(error) from error

    async def ping(self) -> None:
        """For peers that would take silence for an end. Nobody waits for the answer. Raises Lost."""
        try:
            await self._socket.ping()
        except ConnectionClosed as error:
            raise self._lost(error) from error

    async def leave(self, *, within: float = LEAVE_WITHIN) -> None:
        """Say goodbye and go: the peer learns of it at once, and is waited for `within` seconds at most."""
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within):
                    await self._socket.close()
        finally:
            self.cut()

    def cut(self) -> None:
        """Go without a word."""
        self._socket.transport.abort()

    def _lost(self, error: ConnectionClosed) -> Lost:
        if error.sent and error.sent.code == CloseCode.MESSAGE_TOO_BIG and not error.rcvd_then_sent:
            return Lost(f"{self._peer} sent more than is read: {error.sent.reason}.")
        told = f" (code {error.rcvd.code}{f', {error.rcvd.reason!r}' if error.rcvd.reason else ''})" if error.rcvd else ""
        return Lost(f"{self._peer} closed the connection{told}.")


async def open_websocket(url: str, headers: Mapping[str, str], *, peer: str, message_max: int) -> EngineSocket:
    """Connect. `message_max`: bytes of one message; a longer one ends the connection.

    Raises HandshakeRefused, and EngineUnavailable where there is nobody to shake hands with. There is no time limit here, and no
    ping: not every engine answers one.
    """
    try:
        socket = await _Straight(
            url,
            additional_headers=headers,
            user_agent_header=f"Herald/{__version__}",
            compression=None,
            open_timeout=None,
            ping_interval=None,
            max_size=message_max,
            ssl=_tls() if url.startswith("wss:") else None,
        )
    except InvalidStatus as error:
        answer = error.response
        body = (answer.body or b"")[:BODY_MAX].decode(errors="replace")
        raise HandshakeRefused(answer.status_code, body, _joined(answer.headers)) from error
    except (InvalidProxy, ImportError) as error:  # its own words name the proxy, with a password maybe
        msg = f"The proxy of the environment (https_proxy, all_proxy …) cannot be used to reach {peer}: {_without_url(error)}."
        raise EngineUnavailable(msg) from None
    except ProxyError as error:
        msg = f"The proxy between here and {peer} does not let us through: {error}."
        raise EngineUnavailable(msg) from error
    except (InvalidHandshake, InvalidMessage, InvalidURI) as error:
        msg = f"{peer} does not speak websocket at {url}: {error}."
        raise EngineUnavailable(msg) from error
    except (OSError, UnicodeError) as error:  # UnicodeError: a host name that IDNA does not take, such as a..b
        msg = f"{peer} cannot be reached at {url}: {getattr(error, 'strerror', None) or error}."
        raise EngineUnavailable(msg) from error
    return EngineSocket(socket, peer)


def _joined(headers: Headers) -> dict[str, str]:
    """By names in small letters. One that comes several times, as Set-Cookie and Server-Timing do, becomes one."""
    return {name.lower(): ", ".join(headers.get_all(name)) for name, _ in headers.raw_items()}


def _without_url(error: Exception) -> str:
    return error.msg if isinstance(error, InvalidProxy) else str(error)


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """Made once: reading the system's certificates takes longer than a handshake."""
    return ssl.create_default_context()
