"""One connection, which tells at once when its peer leaves: at the close frame or the end of file, not when all is wound up."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.protocol import Event, State

How = Literal["close", "drop", "reset"]
"""With a close frame; without one; so that the peer's next call fails with a connection reset."""


class Line(ServerConnection):
    """The websockets library's connection, and what a simulator does with one."""

    number = 0
    """From 1 on; 0 before the handshake."""
    hung_up = False
    """By the simulator, not by the client."""
    has_left = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.on_left: Callable[[str], None] | None = None
        self.on_ping: Callable[[], None] | None = None
        """Of websockets: a sign of life without a message."""

    async def tell(self, message: bytes | str) -> None:
        """Nothing happens where nobody listens any more."""
        with suppress(ConnectionClosed):
            await self.send(message)

    async def hang_up(self, code: int) -> None:
        """With a close frame, then until the client has answered it."""
        self.hung_up = True
        await self.close(code)

    def end(self, how: How) -> None:
        """At once."""
        {"close": self.hang_up_now, "drop": self.drop, "reset": self.reset}[how]()

    def hang_up_now(self, code: int = 1000) -> None:
        """With a close frame, not waiting for anything."""
        if self.state is State.OPEN:
            self.hung_up = True
            self.protocol.send_close(code)
            self.send_data()

    def drop(self) -> None:
        """Without a close frame."""
        self.hung_up = True
        self.transport.abort()

    def reset(self) -> None:
        """So that the client's next call fails with a connection reset."""
        to_be_reset(self.transport)
        self.drop()

    def process_event(self, event: Event) -> None:
        if isinstance(event, Frame) and event.opcode is Opcode.CLOSE:
            self._leave("close frame")
        if isinstance(event, Frame) and event.opcode is Opcode.PING and self.on_ping is not None:
            self.on_ping()
        super().process_event(event)

    def eof_received(self) -> None:
        self._leave("end of file")
        super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave("end of file" if exc is None else "reset")
        super().connection_lost(exc)

    def _leave(self, by: str) -> None:
        if not self.has_left:
            self.has_left = True
            if self.on_left is not None:
                self.on_left("simulator" if self.hung_up else by)


def to_be_reset(transport: asyncio.BaseTransport) -> None:
    """When it is aborted, the peer's next call fails with a connection reset."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
