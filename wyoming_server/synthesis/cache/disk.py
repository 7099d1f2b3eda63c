"""Kept replies in a folder: one file each, written whole or not at all, and the list of them. Everything blocks, and may raise.

    writing    the file under another name, to the disk, renamed, then into the list: under a lock, which dies with its process
    reading    without a lock; what is not as the list says is not served, and taken away
    a crash    leaves at most a file that is not in the list, which the next start sweeps away

Nothing that a client says becomes a name. One object is for one thread.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from ...errors import ProtocolError
from ...state.secret_files import DIRECTORY_MODE, FILE_MODE
from .entry import Entry
from .index import PATIENCE, BrokenIndex, Index, Kept, is_broken
from .memory import Copy, FileId, file_id

INDEX, LOCK = "index.sqlite", "lock"
SUFFIX, DRAFT = ".reply", ".draft"
NAME_PART = 16
"""Characters of the key in a file's name, for people; what follows makes it the only one of its name."""
SHARE_MAX = 4
"""One reply may take so small a part of all that is kept."""
_STEP = 0.01
"""Seconds between two looks at the lock."""


_NOT_THE_FILES_FAULT = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EINTR})


class Added(NamedTuple):
    """What came of keeping a reply."""

    copy: Copy
    evicted: int
    """How many others had to go."""


class DamagedEntry(Exception):
    """It is not what was written."""

    def __init__(self, kept: Kept, why: str) -> None:
        super().__init__(f"The kept reply {kept.file} is damaged: {why}")
        self.kept = kept


class Disk:
    """The folder, made if there is none. `limit`: bytes of all replies together."""

    def __init__(self, folder: Path, limit: int, *, patience: float = PATIENCE) -> None:
        self._folder = folder
        self._limit = limit
        self._patience = patience
        self._index: Index | None = None

    def close(self) -> None:
        """The next use opens it again."""
        if self._index is not None:
            self._index.close()
            self._index = None

    # Reading

    def find(self, key: str) -> Copy | None:
        """The reply, whole and as it was written. Raises DamagedEntry, sqlite3.Error and OSError."""
        if self._index is None and not (self._folder / INDEX).exists():
            return None
        kept = self._opened().find(key)
        if kept is None:
            return None
        path = self._folder / kept.file
        data, identity = _read(path, kept)
        if len(data) != kept.size:
            raise DamagedEntry(kept, f"it has {len(data)} bytes, not {kept.size}")
        if sha256(data).hexdigest() != kept.digest:
            raise DamagedEntry(kept, "its checksum is another")
        try:
            return Copy(Entry(data), path, identity)
        except ProtocolError as error:
            raise DamagedEntry(kept, str(error)) from error

    def all(self) -> list[Kept]:
        """The last heard first."""
        return self._opened().all() if (self._folder / INDEX).exists() else []

    # Writing

    def tidy(self) -> None:
        """Make ready: a broken list is begun anew, what is not in the list goes, and so does what is too much."""
        with self.locked():
            try:
                self._opened().check()
            except (BrokenIndex, sqlite3.Error) as error:
                if isinstance(error, sqlite3.Error) and not is_broken(error):
                    raise
                self._begin_anew()
            self._sweep()
            self._make_room()

    def begin_anew(self) -> None:
        """Forget everything: the list is broken."""
        with self.locked():
            self._begin_anew()
            self._sweep()

    def add(self, key: str, data: bytes, *, voice: str, engine: str, seconds: float) -> Added | None:
        """Keep it. `None`: it was there already, or is too large."""
        if len(data) * SHARE_MAX > self._limit:
            return None
        with self.locked():
            index = self._opened()
            if index.find(key) is not None:
                return None
            name = f"{key[:NAME_PART]}-{secrets.token_hex(4)}{SUFFIX}"
            identity = self._write(name, data)
            now, digest = time.time(), sha256(data).hexdigest()
            kept = Kept(
                key=key,
                file=name,
                size=len(data),
                digest=digest,
                voice=voice,
                engine=engine,
                seconds=seconds,
                made=now,
                used=now,
            )
            index.add(kept)
            return Added(Copy(Entry(data), self._folder / name, identity), self._make_room())

    def heard(self, key: str) -> None:
        """It was heard again."""
        self._opened().heard(key, time.time())

    def remove(self, wanted: Callable[[Kept], bool]) -> int:
        """Those that are wanted away; how many."""
        with self.locked():
            gone = [one for one in self._opened().all() if wanted(one)]
            self._remove(gone)
        return len(gone)

    def total(self) -> tuple[int, int]:
        """How many there are, and their bytes."""
        return self._opened().total()

    # Under the lock

    def _make_room(self) -> int:
        index = self._opened()
        gone = index.oldest(index.total()[1] - self._limit)
        if gone:
            self._remove(gone)
        return len(gone)

    def _remove(self, gone: Sequence[Kept]) -> None:
        """From the list first: a file without a line is swept, a line without a file would be looked for."""
        self._opened().remove(gone)
        for one in gone:
            (self._folder / one.file).unlink(missing_ok=True)

    def _write(self, name: str, data: bytes) -> FileId:
        draft = self._folder / f"{name}{DRAFT}"
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                identity = file_id(file.fileno())
            draft.replace(self._folder / name)
        finally:
            draft.unlink(missing_ok=True)
        return identity

    def _sweep(self) -> None:
        """Nobody writes now, so whatever is not in the list was left behind."""
        known = {one.file for one in self._opened().all()}
        for path in self._folder.iterdir():
            if path.name.endswith((SUFFIX, DRAFT)) and path.name not in known:
                path.unlink(missing_ok=True)

    def _begin_anew(self) -> None:
        self.close()
        for name in (INDEX, f"{INDEX}-wal", f"{INDEX}-shm"):
            (self._folder / name).unlink(missing_ok=True)
        self._opened()

    def _opened(self) -> Index:
        if self._index is not None and not self._index.is_current:
            self.close()
        if self._index is None:
            self._folder.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
            self._index = Index(self._folder / INDEX, patience=self._patience)
        return self._index

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Alone among those who write here. Raises TimeoutError where another holds it for too long."""
        self._folder.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        descriptor = os.open(self._folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        try:
            _lock(descriptor, self._patience)
            yield
        finally:
            os.close(descriptor)


def _read(path: Path, kept: Kept) -> tuple[bytes, FileId]:
    """A byte more than it should have, if it has. Raises DamagedEntry, and OSError where the machine has no room for it."""
    try:
        with path.open("rb") as file:
            return file.read(kept.size + 1), file_id(file.fileno())
    except FileNotFoundError as error:
        raise DamagedEntry(kept, "it is not there") from error
    except OSError as error:
        if error.errno in _NOT_THE_FILES_FAULT:
            raise
        raise DamagedEntry(kept, error.strerror or str(error)) from error


def _lock(descriptor: int, patience: float) -> None:
    end = time.monotonic() + patience
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        if time.monotonic() > end:
            msg = f"another process has been writing there for {patience:g} s"
            raise TimeoutError(msg)
        time.sleep(_STEP)
