"""The list of what is kept, in SQLite: which file, how it must look, whose it is, when it was last heard. It blocks.

One object is for one thread at a time; any number of processes may have one each. Errors are SQLite's own.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from ...state.secret_files import FILE_MODE

VERSION = 1
"""Of the table; another one is no list that is understood here."""
PATIENCE = 5.0
"""Seconds that another process may write."""

_WAIT_FOR_OTHERS = frozenset(
    (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_AUTH,
    )
)
"""What goes away by itself, or by somebody's help. Anything else says that the list is broken."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """One reply."""

    key: str
    """See `key`."""
    file: str
    """Its name in the folder."""
    size: int
    """Bytes of that file."""
    digest: str
    """SHA-256 of it, in hex."""
    voice: str
    engine: str
    seconds: float
    """Of audio."""
    made: float
    """Unix time."""
    used: float
    """Unix time when it was last heard."""
    hits: int = 0
    """How often it was heard again."""


class BrokenIndex(Exception):
    """It must be made anew."""


def is_broken(error: sqlite3.Error) -> bool:
    """Whether waiting helps nothing."""
    code = getattr(error, "sqlite_errorcode", None)
    return not isinstance(error, sqlite3.ProgrammingError) and (code is None or code & 0xFF not in _WAIT_FOR_OTHERS)


_COLUMNS = [field.name for field in fields(Kept)]
_TYPES = {"int": "INTEGER", "float": "REAL", "str": "TEXT"}
_TABLE = ", ".join(f"{field.name} {_TYPES[str(field.type)]} NOT NULL" for field in fields(Kept))
_ALL = ", ".join(_COLUMNS)


class Index:
    """The list in this file; it is made if there is none. Raises sqlite3.Error, and BrokenIndex for another list."""

    def __init__(self, path: Path, *, patience: float = PATIENCE) -> None:
        self._path = path
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE))  # and SQLite's other files are as private
        self._database = sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)
        try:
            self._prepare()
            self._file = _identity(path)
        except BaseException:
            self._database.close()
            raise

    def close(self) -> None:
        self._database.close()

    @property
    def is_current(self) -> bool:
        """Whether this is still the file of that name: another process may have made it anew."""
        try:
            return _identity(self._path) == self._file
        except OSError:
            return False

    def check(self) -> None:
        """Raises BrokenIndex where SQLite finds it damaged."""
        (told,) = self._database.execute("PRAGMA quick_check(1)").fetchone()
        if told != "ok":
            raise BrokenIndex(told)

    def find(self, key: str) -> Kept | None:
        row = self._database.execute(f"SELECT {_ALL} FROM kept WHERE key = ?", (key,)).fetchone()  # noqa: S608  # own names
        return None if row is None else _kept(row)

    def all(self) -> list[Kept]:
        """The last heard first."""
        return [_kept(row) for row in self._database.execute(f"SELECT {_ALL} FROM kept ORDER BY used DESC, made DESC")]  # noqa: S608

    def oldest(self, size: int) -> list[Kept]:
        """Who was not heard for the longest time: so many that together they have `size` bytes."""
        found: list[Kept] = []
        rows = self._database.execute(f"SELECT {_ALL} FROM kept ORDER BY used, made") if size > 0 else ()  # noqa: S608
        for row in rows:
            found.append(_kept(row))
            size -= found[-1].size
            if size <= 0:
                break
        return found

    def add(self, kept: Kept) -> None:
        marks = ", ".join("?" * len(_COLUMNS))
        self._database.execute(f"INSERT INTO kept ({_ALL}) VALUES ({marks})", astuple(kept))  # noqa: S608

    def heard(self, key: str, when: float) -> None:
        self._database.execute("UPDATE kept SET used = max(used, ?), hits = hits + 1 WHERE key = ?", (when, key))

    def remove(self, gone: Sequence[Kept]) -> None:
        """These, and not what has their keys now."""
        self._database.execute("BEGIN IMMEDIATE")
        with self._database:  # ends what was begun
            self._database.executemany("DELETE FROM kept WHERE key = ? AND file = ?", [(one.key, one.file) for one in gone])

    def total(self) -> tuple[int, int]:
        """How many there are, and their bytes."""
        count, size = self._database.execute("SELECT count(*), coalesce(sum(size), 0) FROM kept").fetchone()
        return int(count), int(size)

    def _prepare(self) -> None:
        run = self._database.execute
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = NORMAL")  # what a power cut may take are the last lines, and never the list
        (version,) = run("PRAGMA user_version").fetchone()
        if version == 0:
            run("BEGIN IMMEDIATE")
            with self._database:
                run(f"CREATE TABLE IF NOT EXISTS kept ({_TABLE}, PRIMARY KEY (key)) WITHOUT ROWID")
                run("CREATE INDEX IF NOT EXISTS kept_used ON kept (used)")
                run(f"PRAGMA user_version = {VERSION}")
        elif version != VERSION:
            msg = f"It has version {version}, not {VERSION}."
            raise BrokenIndex(msg)


def _kept(row: Sequence[object]) -> Kept:
    kept = Kept(**dict(zip(_COLUMNS, row, strict=True)))  # type: ignore[arg-type]  # the table's types are the fields'
    if os.sep in kept.file:
        msg = "It names a file that is not in the folder."
        raise BrokenIndex(msg)
    return kept


def _identity(path: Path) -> tuple[int, int]:
    found = os.stat(path)  # noqa: PTH116  # 2 µs instead of 5, before every reply
    return found.st_dev, found.st_ino
