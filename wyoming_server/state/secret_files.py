"""Small files that only their owner may read: written whole or not at all, read up to a limit.

What stands in them, others know. Errors are the system's; whoever keeps something here says in words what could not be kept.
Everything blocks, for as long as a disk takes.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOGGER = logging.getLogger(__name__)

FILE_MODE = 0o600
DIRECTORY_MODE = 0o700
LOCK_PATIENCE = 5.0
"""Seconds that a lock is waited for: who holds it writes one small file."""
_LOCK_AGAIN = 0.01
"""Seconds until a lock that somebody has is tried again."""
_OTHERS = 0o077
_DRAFT = re.compile(r"\.[0-9a-f]{8}")
"""What the name of a draft has behind that of its file."""


def read(path: Path, limit: int) -> bytes:
    """The beginning of the file: one byte more than `limit`, if there is more."""
    with path.open("rb") as file:
        return file.read(limit + 1)


def create(path: Path, data: bytes) -> None:
    """A new file, with its directory. Raises FileExistsError where somebody else was first, and leaves that one's file."""
    with _draft(path, data) as draft:
        _place(draft, path)


def replace(path: Path, data: bytes) -> None:
    """A new file instead of the old one, if there is one, with its directory. Whoever reads meanwhile has one of the two."""
    with _draft(path, data) as draft:
        draft.replace(path)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Alone among those who change the file so, in this process or any other; waits for them. Readers need no lock.

    Raises TimeoutError where somebody keeps it. Drafts of those who were killed are taken away: secrets may stand in them.
    """
    _make_directory(path)
    descriptor = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    try:
        _lock(descriptor)
        _tidy(path)
        yield
    finally:
        os.close(descriptor)


def hide(path: Path, what: str) -> None:
    """Take the file's permissions away from everybody else, and say so in the log. `what` stands in the file."""
    mode = path.stat().st_mode & 0o777
    if not mode & _OTHERS:
        return
    try:
        path.chmod(FILE_MODE)
    except OSError as error:
        _LOGGER.warning(
            "Other users may read the %s %s (mode %o), and that cannot be changed: %s", what, path, mode, error.strerror
        )
    else:
        _LOGGER.warning("Other users could read the %s %s (mode %o); now only the owner can", what, path, mode)


def _lock(descriptor: int) -> None:
    """Without the system's own waiting, which nothing ends: the server could not even be shut down."""
    deadline = time.monotonic() + LOCK_PATIENCE
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                raise TimeoutError(errno.ETIMEDOUT, "another process keeps it locked") from error
        time.sleep(_LOCK_AGAIN)


def _tidy(path: Path) -> None:
    """Whoever has the lock is the only one who writes: any other's draft is of somebody who is no more."""
    for draft in path.parent.iterdir():
        if draft.name.startswith(path.name) and _DRAFT.fullmatch(draft.name.removeprefix(path.name)):
            draft.unlink(missing_ok=True)


@contextmanager
def _draft(path: Path, data: bytes) -> Iterator[Path]:
    """The content beside its place, safe on the disk; gone afterwards unless it was moved there."""
    _make_directory(path)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def _place(draft: Path, path: Path) -> None:
    """Unlike a rename, a link fails where another process was first; not every file system has links."""
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        raise
    except OSError:
        draft.replace(path)


def _make_directory(path: Path) -> None:
    path.parent.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
