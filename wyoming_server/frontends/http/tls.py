"""TLS below HTTP: from accepting a client to its first byte of HTTP, and the transport from then on. Knows no certificate.

asyncio would do the handshake before any protocol hears of the client: no limit would count it, and who never sends a byte of it
could be there a hundred thousand times. So a client is accepted plain, counted, and then spoken with by `loop.start_tls`.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterable
from typing import Any, cast

from .clients import KEEP_ALIVE, REFUSAL_TIME, REFUSALS_MAX, Client, Clients, Refusal

FAREWELL = KEEP_ALIVE
"""Seconds in which a connection that was closed may deliver what is still to be sent, and have the client's consent."""


class Handshake(asyncio.Protocol):
    """One client's. `serve` makes the protocol that speaks with it afterwards."""

    def __init__(self, context: ssl.SSLContext, clients: Clients, serve: Callable[[], asyncio.Protocol]) -> None:
        self._context = context
        self._clients = clients
        self._serve = serve
        self._wire: asyncio.Transport | None = None
        self._early = bytearray()
        """What came with the handshake's last bytes; whoever speaks next is not there yet."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._wire = cast("asyncio.Transport", transport)
        if not self._clients.full:
            self._begin(self._clients.connections, self._clients.request_timeout, self._serve)
        elif len(self._clients.refusals) < REFUSALS_MAX:
            # Words are read only after the handshake.
            self._begin(self._clients.refusals, REFUSAL_TIME, lambda: Refusal(self._clients))
        else:
            self._clients.warn()
            self._wire.abort()

    def data_received(self, data: bytes) -> None:
        self._early += data

    def abort(self) -> None:
        if self._wire is not None:
            self._wire.abort()

    def _begin(self, crowd: set[Client], limit: float, speaker: Callable[[], asyncio.Protocol]) -> None:
        crowd.add(self)
        cast("asyncio.Transport", self._wire).pause_reading()  # its bytes are for TLS
        self._clients.keep(asyncio.create_task(self._shake(crowd, limit, speaker)))

    async def _shake(self, crowd: set[Client], limit: float, speaker: Callable[[], asyncio.Protocol]) -> None:
        """`crowd`: among whom the client counts meanwhile."""
        wire = cast("asyncio.Transport", self._wire)
        try:
            tls = await asyncio.get_running_loop().start_tls(
                wire, self, self._context, server_side=True, ssl_handshake_timeout=limit, ssl_shutdown_timeout=FAREWELL
            )
        except ssl.SSLError as error:
            self._clients.misunderstood(error)
            return
        except OSError:  # it left, or took too long
            return
        finally:
            crowd.discard(self)
        if tls is not None:  # it is `None` where the client left at that moment
            self._hand_over(tls, wire, speaker())

    def _hand_over(self, tls: asyncio.Transport, wire: asyncio.Transport, speaker: asyncio.Protocol) -> None:
        tls.set_protocol(speaker)
        speaker.connection_made(Secured(tls, wire))
        if self._early:
            speaker.data_received(bytes(self._early))


class Secured(asyncio.Transport):
    """asyncio's transport of TLS, with the manners of its plain one.

    That breaks on a second `close`, forgets to abort after a first, counts as waiting only what the plain one below has not
    taken, and lets half a megabyte wait before it asks to pause.
    """

    def __init__(self, tls: asyncio.Transport, wire: asyncio.Transport) -> None:
        super().__init__()
        self._tls = tls
        self._wire = wire
        self._closing = False
        # The plain one pauses it at its own limit; what then still waits is over that.
        tls.set_write_buffer_limits(high=1, low=0)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        # What the plain one knows, it knows to the end.
        return self._tls.get_extra_info(name) or self._wire.get_extra_info(name, default)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._tls.set_protocol(protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._tls.get_protocol()

    def is_closing(self) -> bool:
        return self._closing or self._wire.is_closing() or self._tls.is_closing()

    def close(self) -> None:
        self._closing = True
        if not self._tls.is_closing():
            self._tls.close()

    def abort(self) -> None:
        self._closing = True
        self._wire.abort()

    def is_reading(self) -> bool:
        return self._tls.is_reading()

    def pause_reading(self) -> None:
        self._tls.pause_reading()

    def resume_reading(self) -> None:
        self._tls.resume_reading()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self.is_closing():
            self._tls.write(data)

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        if not self.is_closing():
            self._tls.writelines(list_of_data)

    def can_write_eof(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return self._tls.get_write_buffer_size() + self._wire.get_write_buffer_size()

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._wire.get_write_buffer_limits()
