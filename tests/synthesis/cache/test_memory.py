"""What is at hand without the disk, and is as good as what is on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from wyoming_server.synthesis.cache.disk import Disk
from wyoming_server.synthesis.cache.entry import Entry, pack
from wyoming_server.synthesis.cache.memory import Copy, Memory, file_id

from ..converting import pcm
from .keeping import KEY, MEBIBYTE, SPOKEN_ONCE, entry_files, finished, keep, kitchen, stored


async def test_what_was_written_or_heard_of_late_is_at_hand(tmp_path: Path) -> None:
    async with stored(tmp_path) as store:
        assert store.at_hand(KEY) is None
        keep(store)
        assert store.at_hand(KEY) is not None  # while it is written
        await store.written()
        assert store.at_hand(KEY) is await store.find(KEY) is not None
    async with stored(tmp_path) as store:
        assert store.at_hand(KEY) is None
        found = await store.find(KEY)
        assert found is not None
        assert store.at_hand(KEY) is found


async def test_what_is_at_hand_waits_for_no_disk_and_is_heard_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with kitchen(tmp_path) as room:
        first = await room.heard()
        monkeypatch.delattr(Disk, "find")
        again = await room.heard()
        assert pcm(again) == pcm(first)
        assert room.tally == SPOKEN_ONCE
        assert (room.store.counts.hits, room.store.counts.misses) == (1, 1)
        assert (await room.store.entries())[0].hits == 1


def touched(path: Path) -> None:
    path.write_bytes(path.read_bytes())


@pytest.mark.parametrize("change", [Path.unlink, touched])
async def test_a_copy_is_no_better_than_its_file(tmp_path: Path, change: Callable[[Path], None]) -> None:
    async with stored(tmp_path) as store:
        keep(store)
        await store.written()
        change(entry_files(tmp_path)[0])
        assert store.at_hand(KEY) is None


async def test_what_another_process_forgot_is_not_at_hand(tmp_path: Path) -> None:
    async with stored(tmp_path) as one, stored(tmp_path) as other:
        keep(one)
        await one.written()
        assert await other.find(KEY) is not None
        assert await one.clear(voice="anna") == 1
        assert other.at_hand(KEY) is None
        assert await other.find(KEY) is None


async def test_what_had_to_make_room_is_not_at_hand(tmp_path: Path) -> None:
    keys = [f"{number:064x}" for number in range(30)]
    async with stored(tmp_path, 8_000) as store:
        for number, key in enumerate(keys):
            keep(store, key, finished(seed=number))
            await store.written()
        kept = {one.key for one in await store.entries()}
        assert store.counts.evicted > 0
        assert {key for key in keys if store.at_hand(key) is not None} == kept


def copy_of(path: Path, size: int) -> Copy:
    path.write_bytes(b"kept")
    return Copy(Entry(pack(finished(size), "One")), path, file_id(path))


def test_copies_take_no_more_than_they_may(tmp_path: Path) -> None:
    copies = [copy_of(tmp_path / str(number), 40_000) for number in range(12)]
    size = copies[0].entry.size
    memory = Memory(10 * size)
    for number, copy in enumerate(copies[:10]):
        memory.put(str(number), copy)
    assert memory.find("0") is copies[0].entry
    memory.put("10", copies[10])
    memory.put("10", copies[10])
    assert memory.size == 10 * size
    assert memory.find("1") is None  # not heard for the longest time
    assert memory.find("0") is not None
    memory.clear()
    assert (memory.size, memory.find("0")) == (0, None)


def test_one_copy_does_not_take_all_the_room(tmp_path: Path) -> None:
    memory = Memory(MEBIBYTE // 64)
    memory.put("long", copy_of(tmp_path / "long", 400_000))
    assert memory.find("long") is None
