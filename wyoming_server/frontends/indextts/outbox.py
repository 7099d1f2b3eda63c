"""What one client is sent, and whether it takes it: messages are written at once, and whoever makes many of them waits here."""

from __future__ import annotations

from aiohttp import web

from ...protocols.indextts import ServerMessage, encode_server
from ...sessions import ListenerGone
from ..http.wire import Wire

BEHIND_MAX = 8 << 20
"""Bytes that may wait in the process for a client before nothing more is read from it or made for it."""


class Outbox:
    """One client's. `session_id`: its connection's, which is told in all messages."""

    def __init__(self, wire: Wire, request: web.Request, *, session_id: str) -> None:
        self.client = request.remote or "a client"
        self.session_id = session_id
        self._wire = wire
        self._transport = request.transport
        self._sent = 0

    @property
    def is_behind(self) -> bool:
        return self._unsent > BEHIND_MAX

    def send(self, *messages: ServerMessage) -> None:
        """Nothing comes between them. What can't arrive any more is dropped."""
        for message in messages:
            data = encode_server(message)
            self._sent += len(data.encode() if isinstance(data, str) else data)
            self._wire.send(data)

    async def taken(self) -> None:
        """Wait until the client has taken (nearly) all. Raises ListenerGone when it has left, or takes nothing for too long."""
        while True:
            before = self._taken
            try:
                await self._wire.drained()
            except ListenerGone:
                # A long WAV may take its time, as long as it goes on.
                if self._wire.closed or self._taken <= before:
                    raise
            else:
                return

    @property
    def _unsent(self) -> int:
        return self._transport.get_write_buffer_size() if self._transport is not None else 0

    @property
    def _taken(self) -> int:
        return self._sent - self._unsent
