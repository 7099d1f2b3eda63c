"""What a test holds of any running service: what was seen there, and how it is told to behave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Generic

from .journal import E, W
from .world import O, Q, World


class Handle(Generic[W, E, O, Q]):
    """A running service, and what a test may see and do."""

    def __init__(self, world: World[W, E, O, Q]) -> None:
        self.port = 0
        self._world = world

    # what was seen

    @property
    def journal(self) -> list[E]:
        return self._world.journal.entries

    def all(self, what: W) -> list[E]:
        return self._world.journal.all(what)

    async def saw(self, what: W, count: int = 1, *, within: float = 10) -> E:
        """The `count`th entry of that kind, now or when it comes; TimeoutError after `within` seconds."""
        return await self._world.journal.saw(what, count, within=within)

    def on_entry(self, told: Callable[[E], None]) -> None:
        """Every entry from now on, as it is made."""
        self._world.journal.on_entry = told

    # what may be done

    @property
    def options(self) -> O:
        return self._world.options

    def change(self, **options: Any) -> None:
        """Names and values of the options: for what begins from now on."""
        self._world.options = replace(self._world.options, **options)

    @property
    def faults(self) -> Q:
        return self._world.faults
