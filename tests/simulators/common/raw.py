"""A client that writes messages by hand: for tests of the simulators, which must not rest on the codecs under test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

G = TypeVar("G")
"""A message of the service, taken apart."""


class Service(Protocol):
    """A simulator, wherever it runs."""

    @property
    def url(self) -> str: ...


@dataclass(kw_only=True)
class Client(Generic[G]):
    """One connection."""

    line: ClientConnection

    # what a protocol adds

    def read(self, message: str | bytes) -> G:
        raise NotImplementedError

    def name(self, message: G) -> str:
        """What it is."""
        raise NotImplementedError

    # what it uses

    async def receive(self) -> G:
        return self.read(await self.line.recv())

    async def until(self, *wanted: str) -> list[G]:
        """All messages up to the first of these."""
        messages: list[G] = []
        while not messages or self.name(messages[-1]) not in wanted:
            messages.append(await self.receive())
        return messages

    async def rest(self) -> list[G]:
        """Until the connection ends, however."""
        messages: list[G] = []
        try:
            while True:
                messages.append(await self.receive())
        except ConnectionClosed:
            return messages
