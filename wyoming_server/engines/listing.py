"""What an engine's service tells about itself, such as its voices: read at once, and again and again, so that changes are known.

Knows no protocol: how to read is the engine's own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from ..errors import EngineError, EngineUnavailable

_LOGGER = logging.getLogger(__name__)

T = TypeVar("T")


class Listing(Generic[T]):
    """The latest reading. `read` gives something that can be compared, or raises EngineError; it bounds its own time.

    `every`: seconds between readings. `who` is the engine's name in the log. `changed` is called for the first reading, and for
    every one that differs from the one before; a service that was gone and is back as it was is no change.
    """

    def __init__(self, read: Callable[[], Awaitable[T]], *, every: float, who: str, changed: Callable[[], None]) -> None:
        self._read = read
        self._every = every
        self._who = who
        self._changed = changed
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self._tried = asyncio.Event()
        self._error: EngineError | None = None
        self.latest: T | None = None
        """`None` until it could be read."""

    def start(self) -> None:
        """Begin reading; nobody waits. Not again behind the end."""
        if self._task is None and not self._closed:
            self._task = asyncio.create_task(self._keep_reading())
            self._task.add_done_callback(self._ended)

    async def current(self) -> T:
        """The latest reading, once the first has been tried. Raises its EngineError where none has worked out yet."""
        self.start()
        await self._tried.wait()
        if self.latest is None:
            raise self._error or EngineUnavailable
        return self.latest

    async def aclose(self) -> None:
        """Stop reading, and let nobody wait for the first. Twice is fine."""
        self._closed = True
        self._tried.set()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Cancelled, or by a defect: that is told, and leaves nobody waiting."""
        self._tried.set()
        if not task.cancelled() and (defect := task.exception()) is not None:
            _LOGGER.error("Reading what the engine %s offers has failed", self._who, exc_info=defect)

    async def _keep_reading(self) -> None:
        while True:
            await self._read_once()
            self._tried.set()
            await asyncio.sleep(self._every)

    async def _read_once(self) -> None:
        """An error is told once, not at every reading."""
        try:
            found = await self._read()
        except EngineError as error:
            if self._tried.is_set() and str(error) != str(self._error):
                _LOGGER.warning("The engine %s does not tell what it offers: %s", self._who, error)
            self._error = error
            return
        self._error = None
        before, self.latest = self.latest, found
        if found != before:
            self._changed()
