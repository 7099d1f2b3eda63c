"""Kept replies on the disk: found as they were, within their limit, whatever is damaged, full, or in another process."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from wyoming_server.models import AudioFormat, Mark
from wyoming_server.synthesis.cache.disk import INDEX, LOCK, Disk
from wyoming_server.synthesis.cache.entry import Finished, Replay
from wyoming_server.synthesis.cache.store import QUEUED_MAX

from ...serving import until
from ..converting import pcm
from .keeping import KEY, SPOKEN_ONCE, all_files, entry_files, finished, keep, kitchen, stored

BIG = 1 << 40
OUTSIDE = "../credentials.json"


def events_of(entry: Replay | None) -> list[bytes | Mark]:
    assert entry is not None
    return list(entry.events("One"))


def audio_of(entry: Replay | None) -> bytes:
    return b"".join(event for event in events_of(entry) if isinstance(event, bytes))


def noise(size: int) -> Finished:
    """What cannot be made smaller."""
    return Finished(format=AudioFormat(rate=22_050), pcm=os.urandom(size), marks=())


def key(number: int) -> str:
    return f"{number:064x}"


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (22_050, 1), (22_050, 2), (96_000, 2)])
@pytest.mark.parametrize("size", [4, 1_000, 400_000])
async def test_what_is_kept_is_found_as_it_was(tmp_path: Path, rate: int, channels: int, size: int) -> None:
    reply = finished(size, rate=rate, channels=channels)
    async with stored(tmp_path) as store:
        keep(store, reply=reply)
        await store.written()
        entry = await store.find(KEY)
        assert entry is not None
        assert entry.format == AudioFormat(rate=rate, channels=channels)
        assert audio_of(entry) == reply.pcm
        assert [event for event in events_of(entry) if isinstance(event, Mark)] == [mark for _, mark in reply.marks]
        assert await store.find("b" * 64) is None


async def test_marks_stand_where_they_stood_in_the_audio(tmp_path: Path) -> None:
    reply = finished(100_000)
    async with stored(tmp_path) as store:
        keep(store, reply=reply)
        await store.written()
        offset, placed = 0, []
        for event in events_of(await store.find(KEY)):
            if isinstance(event, Mark):
                placed.append((offset, event))
            else:
                offset += len(event)
        assert placed == list(reply.marks)


async def test_the_spoken_text_is_nowhere_on_the_disk(tmp_path: Path) -> None:
    async with kitchen(tmp_path) as room:
        await room.heard("Xylophone is the word. Quixotic, too.")
    kept = b"".join(path.read_bytes() for path in all_files(tmp_path))
    assert b"tone" in kept
    assert b"ylophone" not in kept
    assert b"uixotic" not in kept


async def test_only_the_owner_may_look(tmp_path: Path) -> None:
    async with stored(tmp_path / "cache") as store:
        keep(store)
        await store.written()
        assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700
        assert len(all_files(tmp_path / "cache")) >= 4
        assert all(path.stat().st_mode & 0o077 == 0 for path in all_files(tmp_path / "cache"))


# The limit


async def test_who_was_not_heard_for_the_longest_time_makes_room(tmp_path: Path) -> None:
    async with stored(tmp_path) as store:
        keep(store, key(0), noise(40_000))
        await store.written()
        limit = int(5.5 * store.counts.bytes)
    async with stored(tmp_path, limit) as store:
        for number in range(1, 5):
            keep(store, key(number), noise(40_000))
        await store.written()
        store.heard(key(0))
        keep(store, key(5), noise(40_000))
        await store.written()
        assert [one.key for one in await store.entries()] == [key(n) for n in (5, 0, 4, 3, 2)]
        assert store.counts.evicted == 1
        assert store.counts.bytes <= limit
        assert len(entry_files(tmp_path)) == store.counts.entries == 5


async def test_a_smaller_limit_is_kept_from_the_next_start_on(tmp_path: Path) -> None:
    async with stored(tmp_path) as store:
        for number in range(8):
            keep(store, key(number), finished(seed=number))
        await store.written()
        limit = store.counts.bytes // 2
    async with stored(tmp_path, limit) as store:
        await store.written()
        assert 0 < store.counts.bytes <= limit
        assert len(entry_files(tmp_path)) == store.counts.entries


async def test_a_reply_that_would_fill_all_of_it_is_not_kept(tmp_path: Path) -> None:
    async with stored(tmp_path, 1_000) as store:
        keep(store, reply=noise(4_000))
        await store.written()
        assert not await store.entries()
        assert store.counts.stored == 0


async def test_the_same_reply_is_kept_once(tmp_path: Path) -> None:
    async with stored(tmp_path) as one, stored(tmp_path) as other:
        for store in (one, other, one):
            keep(store)
        await one.written()
        await other.written()
        assert len(entry_files(tmp_path)) == 1
        assert one.counts.stored + other.counts.stored == 1


async def test_more_than_can_be_written_is_not_kept_and_nobody_waits(tmp_path: Path) -> None:
    async with stored(tmp_path) as store:
        with held(tmp_path):
            for number in range(2 * QUEUED_MAX):
                keep(store, key(number))
        await store.written()
        assert store.counts.entries == QUEUED_MAX


async def test_all_or_those_of_a_voice_or_an_engine_are_forgotten(tmp_path: Path) -> None:
    async with stored(tmp_path) as store:
        for number, (voice, engine) in enumerate([("anna", "tone"), ("anna", "other"), ("bert", "tone"), ("carl", "tone")]):
            keep(store, key(number), voice=voice, engine=engine)
        assert await store.clear(voice="anna", engine="other") == 1
        assert await store.clear(voice="bert") == 1
        assert await store.clear(engine="tone") == 2
        assert await store.clear() == 0
        assert not entry_files(tmp_path)


# What is damaged


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def longer(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def unreadable(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


@pytest.mark.parametrize("damage", [cut, longer, flipped, emptied, unreadable, Path.unlink])
async def test_a_damaged_entry_is_never_served_and_made_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: Callable[[Path], None]
) -> None:
    async with kitchen(tmp_path) as room:
        whole = await room.heard()
        damage(entry_files(tmp_path)[0])
        assert pcm(await room.heard()) == pcm(whole)
        assert room.tally == {"started": 4, "finished": 4}
        assert room.store.counts.damaged == 1
        assert pcm(await room.heard()) == pcm(whole)
        assert room.tally == {"started": 4, "finished": 4}
    assert [record.levelname for record in caplog.records if "is damaged" in record.message] == ["WARNING"]


def garbage(path: Path) -> None:
    path.write_bytes(b"This is no database at all. " * 400)


def torn(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[100:] = os.urandom(len(data) - 100)
    path.write_bytes(data)


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:2_000])


def of_another_version(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()


def without_its_table(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("DROP TABLE kept")
    database.close()


def with_a_file_elsewhere(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("UPDATE kept SET file = ?, used = 0", (OUTSIDE,))
    database.close()


DAMAGES = [garbage, torn, truncated, emptied, of_another_version, without_its_table, with_a_file_elsewhere, Path.unlink]


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_broken_list_is_begun_anew(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    async with kitchen(tmp_path) as room:
        whole = await room.heard()
    damage(tmp_path / INDEX)
    async with kitchen(tmp_path) as room:
        for _ in range(3):
            assert pcm(await room.heard()) == pcm(whole)
        assert room.tally == SPOKEN_ONCE
        assert room.store.counts.hits == 2
        assert len(entry_files(tmp_path)) == 1  # what was kept before is swept away


async def test_a_broken_list_leads_nowhere_else(tmp_path: Path) -> None:
    other = tmp_path / "cache" / OUTSIDE
    async with stored(tmp_path / "cache") as store:
        keep(store)
        await store.written()
    other.write_text("somebody else's")
    with_a_file_elsewhere(tmp_path / "cache" / INDEX)
    async with stored(tmp_path / "cache", 1) as store:
        await store.written()
        assert await store.clear() == 0
    assert other.read_text() == "somebody else's"


@pytest.mark.parametrize("damage", [garbage, Path.unlink])
async def test_a_list_that_breaks_while_it_is_used_mends_itself(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    async with kitchen(tmp_path) as room:
        whole = await room.heard()
        for path in all_files(tmp_path, f"{INDEX}*"):
            damage(path)
        heard = [pcm(await room.heard()) for _ in range(4)]
        assert set(heard) == {pcm(whole)}
        assert room.store.counts.hits >= 1


async def test_what_a_crash_left_behind_is_swept_away(tmp_path: Path) -> None:
    async with stored(tmp_path) as store:
        keep(store)
        await store.written()
    (tmp_path / "half.reply.draft").write_bytes(b"half")
    (tmp_path / "unknown.reply").write_bytes(b"whole, and not in the list")
    (tmp_path / "notes.txt").write_bytes(b"somebody else's")
    async with stored(tmp_path) as store:
        assert await store.find(KEY) is not None
        await store.written()
    assert {path.name for path in all_files(tmp_path)} == {INDEX, LOCK, "notes.txt", entry_files(tmp_path)[0].name}


# A disk that is full, or not to be written


@contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """What a full disk does, to this process alone."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_on_a_full_disk_speech_goes_on_and_it_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with kitchen(tmp_path) as room:
        await room.heard()
        with no_file_above(200_000):
            for number in range(3):
                keep(room.store, key(number), noise(500_000))
            await until(lambda: room.store.counts.failures)
        assert not all_files(tmp_path, "*.draft")
        assert pcm(await room.heard())
    told = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(told) == 1
    assert "cannot be used: File too large. Speech goes on without it, and it is tried again in 60 s." in told[0].message


async def test_it_works_again_when_there_is_room(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with stored(tmp_path, rest=0) as store:
        with no_file_above(200_000):
            keep(store, reply=noise(500_000))
            await until(lambda: store.counts.failures)
        keep(store)
        await store.written()
        assert await store.find(KEY) is not None
        assert store.counts.failures == 1
    assert any("works again" in record.message for record in caplog.records)


async def test_where_nothing_can_be_written_speech_goes_on(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file, where a folder should be")
    async with kitchen(tmp_path / "cache") as room:
        for _ in range(2):
            assert pcm(await room.heard(written=False))
        with pytest.raises(OSError, match=r"The audio cache in .* cannot be used: "):
            await room.store.entries()


def speaking(room: object) -> object:
    return room


async def test_a_disk_that_hangs_delays_nobody_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with stored(tmp_path) as store:
        keep(store)
        await store.written()
    goes_on = threading.Event()
    read = Disk.find
    monkeypatch.setattr(Disk, "find", lambda disk, key: goes_on.wait() and read(disk, key))
    monkeypatch.setattr("wyoming_server.synthesis.cache.store.FOUND_WITHIN", 0.01)
    async with stored(tmp_path) as store:
        assert await store.find(KEY) is None
        monkeypatch.setattr("wyoming_server.synthesis.cache.store.FOUND_WITHIN", 1_000)
        assert await store.find(KEY) is None
        goes_on.set()
        await until(lambda: not store.is_late)
        assert await store.find(KEY) is not None


# Several processes


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Somebody else is writing there."""
    other = Disk(folder, BIG)
    with other.locked():
        yield


async def test_what_one_keeps_the_other_finds(tmp_path: Path) -> None:
    async with stored(tmp_path) as one, stored(tmp_path) as other:
        assert await other.find(KEY) is None
        keep(one)
        await one.written()
        assert await other.find(KEY) is not None
        assert await other.clear() == 1
        assert await one.find(KEY) is None


async def test_what_another_keeps_is_counted(tmp_path: Path) -> None:
    async with stored(tmp_path) as one, stored(tmp_path) as other:
        await other.written()
        keep(one)
        await one.written()
        assert (await other.counted()).entries == 1
        assert other.counts.bytes == one.counts.bytes > 0


async def test_a_list_that_another_began_anew_is_opened_again(tmp_path: Path) -> None:
    async with stored(tmp_path) as one, stored(tmp_path) as other:
        keep(one)
        await one.written()
        assert await other.find(KEY) is not None
        with closing(Disk(tmp_path, BIG)) as third:
            third.begin_anew()
        assert await other.find(KEY) is None
        keep(one)
        await one.written()
        assert await other.find(KEY) is not None


async def test_reading_waits_for_nobody_who_writes(tmp_path: Path) -> None:
    async with stored(tmp_path) as store:
        keep(store)
        await store.written()
        with held(tmp_path), write_begun(tmp_path / INDEX):
            async with asyncio.timeout(5):
                assert await store.find(KEY) is not None


@contextmanager
def write_begun(path: Path) -> Iterator[None]:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        database.execute("ROLLBACK")
        database.close()
