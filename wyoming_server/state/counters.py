"""How many characters every engine took on each day: what limits are held to and bills consist of, kept over restarts.

Behind an interface, so that several servers can share the numbers: `LocalCounters` are of one process, `KeptCounters` of all that
have the same file. What counts and what follows from it, others know. Nobody waits for the disk but whoever asks to.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Protocol, Self, TypeAlias

from . import secret_files
from .calendar import Calendar, Period

_LOGGER = logging.getLogger(__name__)

FILE = "counters.db"
"""In the state directory."""
LATE = 0.5
"""Seconds until what was counted is on the disk: as much as a process that is killed may lose."""
FRESH = 1.0
"""Seconds for which what was read is good enough."""
FRESH_WITHIN = 0.1
"""Seconds that a reply waits at most for numbers of other processes."""
RETRY = 10.0
"""Seconds after which is tried again what could not be kept."""
BUSY = 2.0
"""Seconds that another process may write meanwhile."""

_SCHEMA = """CREATE TABLE IF NOT EXISTS characters (
    day TEXT NOT NULL, engine TEXT NOT NULL, characters INTEGER NOT NULL, PRIMARY KEY (day, engine)
) WITHOUT ROWID"""
_ADD = """INSERT INTO characters VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET characters = characters + excluded.characters"""
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

Counts: TypeAlias = Counter[tuple[str, str]]
"""Of each day (2026-11-22) and engine."""


class Counters(Protocol):
    """What is needed of them. Days and months are the calendar's."""

    @property
    def calendar(self) -> Calendar: ...

    def add(self, engine: str, characters: int) -> None:
        """The engine took so many more, now. Does not wait."""

    def used(self, engine: str, period: Period) -> int:
        """Characters of this period, as far as they are known here."""

    def engines(self, period: Period) -> Mapping[str, int]:
        """Engine → characters of this period, of those that took any."""

    async def refresh(self) -> None:
        """Know what others have counted up to a moment ago, if that can be known soon."""


class LocalCounters:
    """Of one process, since its start."""

    def __init__(self, calendar: Calendar | None = None) -> None:
        self.calendar = calendar or Calendar()
        self._counted: Counts = Counter()

    def add(self, engine: str, characters: int) -> None:
        self._counted[self.calendar.name(Period.DAY), engine] += characters

    def used(self, engine: str, period: Period) -> int:
        begin = self.calendar.name(period)
        return sum(
            number for counts in self._all() for (day, name), number in counts.items() if name == engine and day.startswith(begin)
        )

    def engines(self, period: Period) -> dict[str, int]:
        begin, found = self.calendar.name(period), Counter[str]()
        for counts in self._all():
            for (day, engine), number in counts.items():
                if day.startswith(begin):
                    found[engine] += number
        return dict(sorted(found.items()))

    async def refresh(self) -> None:
        """There is nobody else."""

    def _all(self) -> tuple[Counts, ...]:
        return (self._counted,)


class KeptCounters(LocalCounters):
    """Those of all processes with this file, entered as a context manager. Where the file fails they go on in memory, and say so.

    What was added is written together, `LATE` seconds later, and at the end; what is read are the days of this month.
    """

    def __init__(self, path: Path, calendar: Calendar | None = None) -> None:
        super().__init__(calendar)
        self._file = _File(path)
        self._kept: Counts = Counter()
        """As it was read, with what was written since."""
        self._read_at = float("-inf")
        self._is_failing = False
        self._wanted, self._exchanged, self._ending = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._exchange()
        if self._is_failing:
            self._kept = await asyncio.to_thread(self._file.read, self.calendar.name(Period.MONTH))
        self._task = asyncio.create_task(self._keep())
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ending.set()
        self._wanted.set()
        if self._task is not None:
            await self._task

    def add(self, engine: str, characters: int) -> None:
        super().add(engine, characters)
        self._exchange_in(LATE)

    async def refresh(self) -> None:
        if self._is_failing or self._task is None or monotonic() - self._read_at < FRESH:
            return
        self._exchanged.clear()
        self._wanted.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FRESH_WITHIN):
                await self._exchanged.wait()

    def _all(self) -> tuple[Counts, ...]:
        return self._counted, self._kept

    def _exchange_in(self, seconds: float) -> None:
        if self._timer is None and self._task is not None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._wanted.set)

    async def _keep(self) -> None:
        """It ends by itself, so that the last is written whole."""
        is_last = False
        while not is_last:
            await self._wanted.wait()
            self._wanted.clear()
            is_last = self._ending.is_set()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            await self._exchange()
            self._exchanged.set()
            if self._is_failing:
                self._exchange_in(RETRY)
        if self._timer is not None:
            self._timer.cancel()

    async def _exchange(self) -> None:
        """Write what is new, read what is there. What was counted meanwhile stays for the next time."""
        written, month = self._counted.copy(), self.calendar.name(Period.MONTH)
        try:
            kept = await asyncio.to_thread(self._file.exchange, written, month, self._kept)
        except (OSError, sqlite3.Error) as error:
            self._tell_failing(error)
            return
        self._kept = kept
        self._counted -= written  # which drops those that are nothing now
        self._read_at = monotonic()
        if self._is_failing:
            self._is_failing = False
            _LOGGER.info("What engines took is kept in %s again", self._file.path)

    def _tell_failing(self, error: Exception) -> None:
        if not self._is_failing:
            self._is_failing = True
            _LOGGER.warning(
                "What engines took cannot be kept in %s (%s). Speech goes on; until that is mended it is counted in memory alone",
                self._file.path,
                error,
            )


class _File:
    """The database. Opened anew for each exchange: nothing is left open, and one that was replaced is seen. Everything blocks."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def exchange(self, new: Counts, month: str, known: Counts) -> Counts:
        """Add what is `new`; all of the `month` that is there then. `known`: what is put into one that is begun anew.

        Raises OSError and sqlite3.Error.
        """
        self.path.parent.mkdir(mode=secret_files.DIRECTORY_MODE, parents=True, exist_ok=True)
        try:
            return self._exchanged(new, month)
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise
        with secret_files.locked(self.path):
            try:
                return self._exchanged(new, month)  # another process may have begun a new one
            except sqlite3.DatabaseError as error:
                if not _is_damage(error):
                    raise
                self._set_aside(error)
            return self._exchanged(new + known, month)

    def read(self, month: str) -> Counts:
        """What can be read of the month where nothing can be written: perhaps not the last that was."""
        for mode in ("mode=ro", "immutable=1"):
            with contextlib.suppress(sqlite3.Error), contextlib.closing(self._unlocked(mode)) as database:
                return self._of(database, month)
        return Counter()

    def _unlocked(self, mode: str) -> sqlite3.Connection:
        return sqlite3.connect(f"{self.path.absolute().as_uri()}?{mode}", uri=True, timeout=BUSY)

    def _exchanged(self, new: Counts, month: str) -> Counts:
        with self._open() as database:
            database.executemany(_ADD, [(*key, number) for key, number in new.items()])
            return self._of(database, month)

    def _of(self, database: sqlite3.Connection, month: str) -> Counts:
        rows = database.execute("SELECT day, engine, characters FROM characters WHERE day LIKE ?", (f"{month}-%",))
        return Counter({(day, engine): number for day, engine, number in rows})

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Inside a transaction, which holds as a whole or not at all."""
        database = sqlite3.connect(self.path, timeout=BUSY, isolation_level=None)
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            database.execute(_SCHEMA)
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
            finally:
                if database.in_transaction:
                    database.execute("ROLLBACK")
        finally:
            database.close()

    def _set_aside(self, error: Exception) -> None:
        aside = self.path.with_name(f"{self.path.name}.damaged")
        self.path.replace(aside)
        for end in ("-wal", "-shm"):
            self.path.with_name(f"{self.path.name}{end}").unlink(missing_ok=True)
        _LOGGER.warning(
            "What engines took stood in %s, which is damaged (%s): it is %s now, and begun anew", self.path, error, aside
        )


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    """Of the file itself; not that it is full, locked or read-only, which may pass."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED  # the rest of the number says where
