"""Copies, in memory, of replies that were written or heard of late: they wait for no thread and no disk.

What counts is the disk: a copy is good for as long as its file is there, and is the one that it was. So what anybody forgets,
whichever process, is forgotten here too. For several threads.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from .entry import Entry

SIZE = 8 << 20
"""Bytes of all copies together: the 400 announcements of three seconds that were heard last."""
SHARE_MAX = 8
"""One copy may take so small a part of that."""


class FileId(NamedTuple):
    """What one file has, and no other that may come to stand in its place."""

    device: int
    inode: int
    size: int
    changed: int
    """Nanoseconds."""


class Copy(NamedTuple):
    """A reply, and the file that it is in."""

    entry: Entry
    path: Path
    file: FileId

    @property
    def is_good(self) -> bool:
        try:
            return file_id(self.path) == self.file
        except OSError:
            return False


class Memory:
    """By their keys; who was not heard for the longest time makes room."""

    def __init__(self, limit: int = SIZE) -> None:
        self._limit = limit
        self._lock = Lock()
        self._copies: OrderedDict[str, Copy] = OrderedDict()
        self._size = 0

    @property
    def size(self) -> int:
        """Bytes."""
        return self._size

    def find(self, key: str) -> Entry | None:
        with self._lock:
            if (copy := self._copies.get(key)) is None:
                return None
            if not copy.is_good:
                self._drop(key)
                return None
            self._copies.move_to_end(key)
            return copy.entry

    def put(self, key: str, copy: Copy) -> None:
        if copy.entry.size * SHARE_MAX > self._limit:
            return
        with self._lock:
            self._drop(key)
            self._copies[key] = copy
            self._size += copy.entry.size
            while self._size > self._limit:
                self._drop(next(iter(self._copies)))

    def clear(self) -> None:
        with self._lock:
            self._copies.clear()
            self._size = 0

    def _drop(self, key: str) -> None:
        if (copy := self._copies.pop(key, None)) is not None:
            self._size -= copy.entry.size


def file_id(file: Path | int) -> FileId:
    """Of a file, or of one that is open. Raises OSError. Of a file that was read of late no disk need be asked: it takes 3 µs."""
    found = os.stat(file)  # noqa: PTH116  # also of what is open
    return FileId(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
