"""Kept replies for an event loop: reading and writing each in a thread of its own, so that no disk delays speech.

What was written or heard of late is at hand without either.
Nothing here fails a reply. What cannot be kept or read is told in words, once; after a while it is tried again, and a broken list
is begun anew. `Store` is what others know of it, so that several servers may share one later.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from . import entry
from .disk import DamagedEntry, Disk
from .entry import Finished, Replay
from .index import BrokenIndex, Kept, is_broken
from .memory import Copy, Memory

_LOGGER = logging.getLogger(__name__)

FOLDER = "cache"
"""In the state directory."""
QUEUED_MAX = 32
"""Replies that may wait to be written; more are not kept."""
REST = 60.0
"""Seconds after which what failed is tried again."""
FOUND_WITHIN = 2.0
"""Seconds in which a disk that is well has told what it has: it takes milliseconds."""

T = TypeVar("T")


@dataclass(kw_only=True, slots=True)
class Counts:
    """Since the start; entries and bytes as they were when this process last looked."""

    hits: int = 0
    """Replies heard from the cache."""
    misses: int = 0
    """Replies that an engine had to make."""
    shared: int = 0
    """Replies heard along with the same one while it was made."""
    stored: int = 0
    evicted: int = 0
    """To make room."""
    damaged: int = 0
    """Entries that were not as they had been written."""
    failures: int = 0
    """Times that the disk or the list failed."""
    entries: int = 0
    bytes: int = 0


class Store(Protocol):
    """Finished replies by their keys."""

    limit: int
    """Bytes of all of them together."""
    counts: Counts

    def at_hand(self, key: str) -> Replay | None:
        """What needs no waiting. As good as what is found."""

    async def find(self, key: str) -> Replay | None:
        """Whatever fails, or takes too long, is a miss."""

    def heard(self, key: str) -> None:
        """It was, again: others make room first. Returns at once."""

    def keep(self, key: str, reply: Finished, text: str, *, voice: str, engine: str) -> None:
        """At once; it is there a moment later, or never. `text`: what was spoken."""

    async def counted(self) -> Counts:
        """`counts`, with what other processes did; as they were where that cannot be looked at."""

    async def entries(self) -> Sequence[Kept]:
        """The last heard first. Raises OSError, in words."""

    async def clear(self, voice: str | None = None, engine: str | None = None) -> int:
        """Forget all, or those of a voice or an engine; how many. Raises OSError, in words."""


class DiskStore:
    """In a folder. `rest`: see REST."""

    def __init__(self, folder: Path, limit: int, *, rest: float = REST) -> None:
        self.limit = limit
        self.counts = Counts()
        self._folder = folder
        self._rest = rest
        self._reading, self._writing = Disk(folder, limit, patience=0), Disk(folder, limit)
        self._reader, self._writer = ThreadPoolExecutor(1, "cache-read"), ThreadPoolExecutor(1, "cache-write")
        self._waiting: dict[str, Finished] = {}
        """Those that are not written yet."""
        self._memory = Memory()
        self._late: Future[Copy | None] | None = None
        """The last look that took too long."""
        self._trouble = False
        """The last time, something failed."""
        self._resting_until = 0.0
        self._is_tidy = False

    def open(self) -> None:
        """Make ready what the first reply would wait for. Returns at once."""
        self._write(lambda: None)

    async def aclose(self) -> None:
        """What waits is written first."""
        for executor, disk in ((self._reader, self._reading), (self._writer, self._writing)):
            closing = asyncio.wrap_future(executor.submit(disk.close))
            try:
                await asyncio.shield(closing)
            finally:
                executor.shutdown(wait=False)

    # Store

    def at_hand(self, key: str) -> Replay | None:
        return self._waiting.get(key) or self._memory.find(key)

    async def find(self, key: str) -> Replay | None:
        if (replay := self.at_hand(key)) is not None:
            return replay
        if self.is_late:
            return None
        looking = self._reader.submit(self._found, key)
        try:
            async with asyncio.timeout(FOUND_WITHIN):
                found = await asyncio.wrap_future(looking)
        except TimeoutError:
            self._late = looking
            return None
        if found is None:
            return None
        self._memory.put(key, found)
        return found.entry

    def heard(self, key: str) -> None:
        self._write(partial(self._writing.heard, key))

    def keep(self, key: str, reply: Finished, text: str, *, voice: str, engine: str) -> None:
        if len(self._waiting) >= QUEUED_MAX:
            return

        def write() -> None:
            added = self._writing.add(key, entry.pack(reply, text), voice=voice, engine=engine, seconds=reply.seconds)
            if added is not None:
                self._memory.put(key, added.copy)
                self.counts.stored += 1
                self.counts.evicted += added.evicted
            self._count()

        self._waiting[key] = reply
        self._write(write).add_done_callback(lambda _: self._waiting.pop(key, None))

    async def counted(self) -> Counts:
        if not self._trouble:
            with suppress(OSError):
                await self._told(self._count)
        return self.counts

    async def entries(self) -> Sequence[Kept]:
        return await self._told(self._writing.all)

    async def clear(self, voice: str | None = None, engine: str | None = None) -> int:
        self._memory.clear()

        def clear() -> int:
            gone = self._writing.remove(lambda one: voice in (None, one.voice) and engine in (None, one.engine))
            self._count()
            return gone

        return await self._told(clear)

    @property
    def is_late(self) -> bool:
        """Somebody waited for the disk in vain, and it has still not told what it has."""
        return self._late is not None and not self._late.done()

    async def _told(self, work: Callable[[], T]) -> T:
        """In the thread that writes, behind what waits there; for somebody who wants to know how it went."""
        return await asyncio.wrap_future(self._writer.submit(self._attempt, work))

    async def written(self) -> None:
        """Once what waits is written. Raises OSError, in words, where nothing can be."""
        await self._told(lambda: None)

    # In the thread that reads

    def _found(self, key: str) -> Copy | None:
        try:
            return self._reading.find(key)
        except DamagedEntry as error:
            self._write(partial(self._forget, error))
        except (sqlite3.Error, BrokenIndex) as error:
            self._reading.close()
            if isinstance(error, BrokenIndex) or is_broken(error):
                self._write(partial(self._mend, error))
        except OSError:
            self._reading.close()  # whoever writes will tell
        return None

    # In the thread that writes

    def _write(self, work: Callable[[], object]) -> Future[None]:
        return self._writer.submit(self._safely, work)

    def _safely(self, work: Callable[[], object]) -> None:
        """Nobody waits for it: what fails is told in the log."""
        if time.monotonic() < self._resting_until:
            return
        try:
            self._attempt(work)
        except OSError as error:
            self.counts.failures += 1
            if not self._trouble:
                _LOGGER.warning("%s Speech goes on without it, and it is tried again in %g s.", error, self._rest)
            self._trouble, self._resting_until = True, time.monotonic() + self._rest
        else:
            if self._trouble:
                _LOGGER.info("The audio cache in %s works again", self._folder)
            self._trouble = False

    def _attempt(self, work: Callable[[], T]) -> T:
        """Do it, with a list that is in order. Raises OSError, in words."""
        try:
            try:
                return self._tidied(work)
            except (sqlite3.Error, BrokenIndex) as error:
                if not isinstance(error, BrokenIndex) and not is_broken(error):
                    raise
                self._mend(error)
                return self._tidied(work)
        except (OSError, sqlite3.Error, BrokenIndex) as error:
            self._writing.close()
            self._is_tidy = False
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
            msg = f"The audio cache in {self._folder} cannot be used: {reason}."
            raise OSError(msg) from error

    def _tidied(self, work: Callable[[], T]) -> T:
        if not self._is_tidy:
            self._writing.tidy()
            self._is_tidy = True
            self._count()
        return work()

    def _forget(self, damaged: DamagedEntry) -> None:
        _LOGGER.warning("%s. It is forgotten, and made anew.", damaged)
        self.counts.damaged += 1
        self._writing.remove(lambda one: (one.key, one.file) == (damaged.kept.key, damaged.kept.file))
        self._count()

    def _mend(self, error: Exception) -> None:
        _LOGGER.warning("The list of the audio cache in %s is broken (%s): it is begun anew", self._folder, error)
        self.counts.damaged += 1
        self._writing.begin_anew()

    def _count(self) -> None:
        self.counts.entries, self.counts.bytes = self._writing.total()


@asynccontextmanager
async def disk_store(folder: Path, limit: int) -> AsyncIterator[DiskStore]:
    """Ready while the block runs; nothing is opened before it is needed."""
    store = DiskStore(folder, limit)
    try:
        yield store
    finally:
        await store.aclose()
