"""One connection, deaf while the model works: what comes on it waits, and only that its peer has left is seen at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Protocol

from ..common import line


class Gate:
    """Where all that the sockets bring waits while it is shut. Times are as in a server whose event loop is blocked."""

    def __init__(self) -> None:
        self.is_shut = False
        self._waiting: list[tuple[Callable[..., None], tuple[Any, ...]]] = []

    def hear(self, what: Callable[..., None], *args: Any) -> None:
        if self.is_shut:
            self._waiting.append((what, args))
        else:
            what(*args)

    @contextmanager
    def shut(self) -> Iterator[None]:
        self.is_shut = True
        try:
            yield
        finally:
            self.is_shut = False
            waiting, self._waiting = self._waiting, []
            for what, args in waiting:
                what(*args)


class Host(Protocol):
    """Whose connections these are."""

    @property
    def gate(self) -> Gate: ...

    def connected(self, line: Line) -> None: ...


class Line(line.Line):
    """As any, behind a gate."""

    host: ClassVar[Host]

    @property
    def is_gone(self) -> bool:
        """Nobody listens any more, whoever wanted it so."""
        return self.has_left or self.hung_up

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.host.connected(self)

    def data_received(self, data: bytes) -> None:
        self.host.gate.hear(super().data_received, data)

    def eof_received(self) -> None:
        self._leave("end of file")
        self.host.gate.hear(super().eof_received)

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave("end of file" if exc is None else "reset")
        self.host.gate.hear(super().connection_lost, exc)
