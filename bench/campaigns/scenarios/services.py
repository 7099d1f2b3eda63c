"""The services behind Herald: the tests' simulators, in this process, and what a campaign does to all of them in the same way."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

from tests.simulators import dashscope, flowing, indextts, openai, openspeech, sami, wyoming
from tests.simulators.duplex.server import Simulator as Duplex

from .scenario import Trouble

GOOD_TOKEN, OTHER_TOKEN = "access-token", "another-token"
"""Of openspeech: what its account has, and what it has not."""


class Service(ABC):
    """One running simulator."""

    idle = 0
    """Connections to it that an engine may keep when nothing is spoken."""

    def __init__(self, simulator: Any) -> None:
        self.simulator = simulator
        self._usual = simulator.options if hasattr(simulator, "options") else None

    @property
    def ports(self) -> tuple[int, ...]:
        return (self.simulator.port,)

    def behave(self, manner: Mapping[str, Any]) -> None:
        self.simulator.change(**manner)

    async def trouble(self, trouble: Trouble) -> None:
        if trouble.fault is not None:
            self._add(trouble.fault)
        if trouble.account:
            self.simulator.change(account=replace(self.simulator.options.account, **trouble.account))

    def go_on(self) -> None:
        """Nothing goes wrong from now on, and what stalls goes on."""
        self.simulator.faults.clear()
        self.simulator.faults.go_on()

    async def calm(self) -> None:
        """As it was in the beginning."""
        self.go_on()
        if self._usual is not None:
            self.simulator.change(**{name: getattr(self._usual, name) for name in self._usual.__dataclass_fields__})

    def drop_idle(self) -> None:
        """End the connections on which nothing runs, where it knows them."""

    def _add(self, fault: Any) -> None:
        self.simulator.faults.add(fault)

    @abstractmethod
    def in_hand(self) -> str:
        """What it still does for Herald; empty: nothing."""


class Sessions(Service):
    """Of a service that counts them."""

    idle = 8

    def drop_idle(self) -> None:
        self.simulator.drop_idle("drop")  # a reset would take along what is on its way of a reply that has just ended

    def in_hand(self) -> str:
        running = self.simulator.counters.sessions
        return f"{running} sessions run" if running else ""

    @property
    def ports(self) -> tuple[int, ...]:
        simulator = self.simulator
        return (simulator.port if isinstance(simulator, Duplex) else int(simulator.url.rpartition(":")[2]),)


class Requests(Service):
    """Of an OpenAI-compatible one."""

    idle = 8

    def in_hand(self) -> str:
        running = [one for one in self.simulator.requests if not (one.ended or one.gone or one.broken)]
        return f"{len(running)} requests run" if running else ""

    async def calm(self) -> None:
        await super().calm()
        self.simulator.requests.clear()


class IndexTts(Service):
    """It works on for nobody, and ends that in its own time."""

    idle = 1

    async def trouble(self, trouble: Trouble) -> None:
        if trouble.down:
            await self.simulator.stop()
        await super().trouble(trouble)

    async def calm(self) -> None:
        await super().calm()
        await self.simulator.start()

    def drop_idle(self) -> None:
        self.simulator.hang_up("drop")

    def in_hand(self) -> str:
        return ""


class Wyoming(Service):
    """It has its faults in a list, and one gate for all stalls."""

    _is_down = False

    async def trouble(self, trouble: Trouble) -> None:
        if trouble.down and not self._is_down:
            await self.simulator.down()
            self._is_down = True
        await super().trouble(trouble)

    def _add(self, fault: Any) -> None:
        self.simulator.faults.append(fault)

    def go_on(self) -> None:
        self.simulator.faults.clear()
        self.simulator.go_on()

    async def calm(self) -> None:
        world = self.simulator._world  # noqa: SLF001  # a gate that was opened stays so
        self.go_on()
        world.go_on = asyncio.Event()
        world.manner = wyoming.Manner()
        if self._is_down:
            self._is_down = False
            await self.simulator.up()

    def in_hand(self) -> str:
        return ""


class Sami(Service):
    @property
    def ports(self) -> tuple[int, ...]:
        return (self.simulator.port, self.simulator.token_port)

    def in_hand(self) -> str:
        return f"{self.simulator.connections} connections" if self.simulator.connections else ""


SERVICES: Mapping[str, tuple[Callable[[], Any], type[Service]]] = {
    "v1": (openspeech.simulator, Sessions),
    "openspeech": (openspeech.simulator, Sessions),
    "aliyun": (flowing.cloud, Sessions),
    "cosyvoice": (flowing.local, Sessions),
    "dashscope": (dashscope.simulator, Sessions),
    "openai": (openai.simulator, Requests),
    "indextts": (indextts.simulator, IndexTts),
    "wyoming": (wyoming.simulator, Wyoming),
    "sami": (sami.simulator, Sami),
}
"""By the name that Herald knows them by."""


@asynccontextmanager
async def services() -> AsyncIterator[Mapping[str, Service]]:
    """All of them, while the block runs."""
    async with AsyncExitStack() as stack:
        yield {name: kind(await stack.enter_async_context(start())) for name, (start, kind) in SERVICES.items()}
