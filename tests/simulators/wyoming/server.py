"""The listening socket, and the handle that a test holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from wyoming.server import AsyncServer, AsyncTcpServer

from .handler import Handler
from .journal import Journal
from .manners import Fault, Manner
from .world import World


class WyomingSimulator:
    """A running server."""

    def __init__(self, manner: Manner) -> None:
        self.port = 0
        self._world = World(manner)
        self._server: AsyncServer | None = None

    @property
    def uri(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    @property
    def journal(self) -> Journal:
        return self._world.journal

    @property
    def faults(self) -> list[Fault]:
        return self._world.faults

    def change(self, **manner: Any) -> None:
        """Of every connection, from now on."""
        self._world.manner = replace(self._world.manner, **manner)

    def go_on(self) -> None:
        """End every stall."""
        self._world.go_on.set()

    async def up(self) -> None:
        """Listen, where it listened before."""
        self._server = AsyncTcpServer("127.0.0.1", self.port)
        await self._server.start(partial(Handler, self._world))
        listening = self._server._server  # noqa: SLF001  # it tells its port nowhere else
        assert isinstance(listening, asyncio.Server)
        self.port = listening.sockets[0].getsockname()[1]

    async def down(self) -> None:
        """Cut every connection, and listen no more."""
        assert self._server is not None
        await self._server.stop()
        for task in self._world.tasks:
            task.cancel()
        if self._world.tasks:
            await asyncio.wait(self._world.tasks)

    def events(self, *types: str) -> list[tuple[str, Any]]:
        """Of the types, what came: type and text, or else the data."""
        found = [entry.detail for entry in self.journal.all("event") if not types or entry.detail["type"] in types]
        return [(event["type"], event["data"].get("text", event["data"])) for event in found]


@asynccontextmanager
async def simulator(*faults: Fault, **manner: Any) -> AsyncIterator[WyomingSimulator]:
    """On 127.0.0.1 until the block ends."""
    service = WyomingSimulator(Manner(**manner))
    service.faults.extend(faults)
    await service.up()
    try:
        yield service
    finally:
        await service.down()
