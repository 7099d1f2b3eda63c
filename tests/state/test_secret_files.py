"""Small secret files: whole or not at all, for their owner alone."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from stat import S_IMODE

import pytest

from wyoming_server.state import secret_files


def modes(path: Path) -> tuple[int, int]:
    """Of the file and its directory."""
    return S_IMODE(path.stat().st_mode), S_IMODE(path.parent.stat().st_mode)


@pytest.mark.parametrize("write", [secret_files.create, secret_files.replace])
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_file_is_its_owners_alone_whatever_others_allow(tmp_path: Path, write: type, umask: int) -> None:
    path = tmp_path / "deep" / "state" / "secret"
    before = os.umask(umask)
    try:
        write(path, b"abc")
    finally:
        os.umask(before)
    assert modes(path) == (0o600, 0o700)
    assert path.read_bytes() == b"abc"
    assert list(path.parent.iterdir()) == [path]


def test_whoever_creates_first_wins(tmp_path: Path) -> None:
    secret_files.create(tmp_path / "secret", b"first")
    with pytest.raises(FileExistsError):
        secret_files.create(tmp_path / "secret", b"second")
    assert (tmp_path / "secret").read_bytes() == b"first"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_replaced_file_is_a_new_one_and_readers_keep_the_old(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"old")
    path.chmod(0o644)
    with path.open("rb") as reader:
        secret_files.replace(path, b"new")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new"
    assert S_IMODE(path.stat().st_mode) == 0o600


def test_where_writing_fails_the_old_file_stays_and_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "secret"
    secret_files.create(path, b"old")
    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space"):
        secret_files.replace(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_only_the_beginning_of_a_large_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"x" * 100)
    assert secret_files.read(tmp_path / "secret", 10) == b"x" * 11
    assert secret_files.read(tmp_path / "secret", 100) == b"x" * 100


def test_permissions_are_taken_from_others_and_that_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "secret"
    secret_files.create(path, b"abc")
    secret_files.hide(path, "secret of the test")
    assert not caplog.records
    path.chmod(0o644)
    secret_files.hide(path, "secret of the test")
    assert S_IMODE(path.stat().st_mode) == 0o600
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert f"secret of the test {path} (mode 644)" in record.getMessage()


def test_permissions_that_cannot_be_taken_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_path: Path, _mode: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    path = tmp_path / "secret"
    secret_files.create(path, b"abc")
    path.chmod(0o640)
    monkeypatch.setattr(Path, "chmod", refuse)
    secret_files.hide(path, "secret of the test")
    assert "Other users may read" in caplog.text
    assert "Operation not permitted" in caplog.text


def test_one_at_a_time_changes_a_locked_file(tmp_path: Path) -> None:
    path = tmp_path / "state" / "secret"
    lock = path.with_name("secret.lock")
    with secret_files.locked(path):
        assert modes(lock) == (0o600, 0o700)
        with lock.open("rb") as other, pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with lock.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_failure_leaves_no_lock(tmp_path: Path) -> None:
    with pytest.raises(KeyError), secret_files.locked(tmp_path / "secret"):
        raise KeyError
    with secret_files.locked(tmp_path / "secret"):
        pass


def test_drafts_of_those_who_were_killed_are_taken_away_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    others = {tmp_path / name for name in ("secret.backup", "secret.0123abcd.old", "other.0123abcd", "secret.ABCDEF01")}
    for file in (tmp_path / "secret.0123abcd", *others):
        file.write_bytes(b"half a secr")
    with secret_files.locked(path):
        assert set(tmp_path.iterdir()) == {*others, tmp_path / "secret.lock"}


def test_who_keeps_the_lock_is_not_waited_for_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret_files, "LOCK_PATIENCE", 0.02)
    path = tmp_path / "secret"
    with (
        secret_files.locked(path),
        pytest.raises(TimeoutError, match="another process keeps it locked"),
        secret_files.locked(path),
    ):
        pass
    with secret_files.locked(path):
        pass  # it is free again
