"""What engines took, by day and month: kept over restarts, kills and clocks that are set, added up over processes."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from wyoming_server.state import counters as module
from wyoming_server.state.calendar import Calendar, Period
from wyoming_server.state.counters import KeptCounters, LocalCounters

BERLIN = ZoneInfo("Europe/Berlin")


class Clock:
    """Stands still unless it is set."""

    def __init__(self, year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> None:
        self.now = datetime(year, month, day, hour, minute, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def calendar(*when: int, zone: ZoneInfo | None = BERLIN) -> tuple[Clock, Calendar]:
    clock = Clock(*when)
    return clock, Calendar(clock, zone)


def test_a_day_begins_at_midnight_of_the_zone() -> None:
    clock, days = calendar(2026, 11, 22, 22, 59)
    assert days.name(Period.DAY) == "2026-11-22"
    clock.now += timedelta(minutes=1)
    assert days.name(Period.DAY) == "2026-11-23"


@pytest.mark.parametrize(
    ("when", "day_ends", "month_ends"),
    [
        ((2026, 11, 30, 12), "2026-12-01T00:00:00+01:00", "2026-12-01T00:00:00+01:00"),
        ((2026, 12, 31, 12), "2027-01-01T00:00:00+01:00", "2027-01-01T00:00:00+01:00"),
        ((2028, 2, 28, 12), "2028-02-29T00:00:00+01:00", "2028-03-01T00:00:00+01:00"),
        ((2026, 3, 29, 0), "2026-03-30T00:00:00+02:00", "2026-04-01T00:00:00+02:00"),
        ((2026, 10, 25, 0), "2026-10-26T00:00:00+01:00", "2026-11-01T00:00:00+01:00"),
    ],
    ids=["month's end", "year's end", "leap day", "clock put forward", "clock put back"],
)
def test_a_period_ends_at_the_zones_midnight(when: tuple[int, ...], day_ends: str, month_ends: str) -> None:
    _, days = calendar(*when)
    assert (days.ends(Period.DAY).isoformat(), days.ends(Period.MONTH).isoformat()) == (day_ends, month_ends)


def test_a_midnight_that_does_not_exist_is_the_first_moment_of_its_day() -> None:
    _, days = calendar(2026, 9, 5, 12, zone=ZoneInfo("America/Santiago"))
    assert days.ends(Period.DAY).isoformat() == "2026-09-06T01:00:00-03:00"


def test_the_machines_own_zone_is_told_with_its_offset() -> None:
    assert Calendar().ends(Period.MONTH).utcoffset() is not None


def test_each_day_and_engine_is_counted_for_itself() -> None:
    clock, days = calendar(2026, 11, 29, 12)
    counters = LocalCounters(days)
    counters.add("a", 10)
    clock.now += timedelta(days=1)
    counters.add("a", 5)
    counters.add("b", 1)
    assert (counters.used("a", Period.DAY), counters.used("a", Period.MONTH)) == (5, 15)
    assert counters.engines(Period.MONTH) == {"a": 15, "b": 1}
    clock.now += timedelta(days=1)
    assert counters.engines(Period.MONTH) == {}


def test_a_clock_that_is_set_back_finds_the_numbers_of_that_day() -> None:
    clock, days = calendar(2026, 12, 1, 12)
    counters = LocalCounters(days)
    counters.add("a", 1)
    clock.now -= timedelta(days=1)
    assert counters.used("a", Period.MONTH) == 0
    counters.add("a", 2)
    clock.now += timedelta(days=1)
    assert (counters.used("a", Period.DAY), counters.used("a", Period.MONTH)) == (1, 1)


async def test_what_was_counted_is_there_after_a_restart(tmp_path: Path) -> None:
    _, days = calendar(2026, 11, 22, 12)
    async with KeptCounters(tmp_path / "new" / "counters.db", days) as counters:
        counters.add("a", 3)
        counters.add("a", 4)
    async with KeptCounters(tmp_path / "new" / "counters.db", days) as counters:
        assert counters.engines(Period.DAY) == {"a": 7}


async def test_a_batch_over_a_months_end_goes_to_both_months(tmp_path: Path) -> None:
    clock, days = calendar(2026, 11, 30, 22, 59)
    async with KeptCounters(tmp_path / "counters.db", days) as counters:
        counters.add("a", 3)
        clock.now += timedelta(minutes=1)
        counters.add("a", 4)
        assert counters.used("a", Period.MONTH) == 4
    async with KeptCounters(tmp_path / "counters.db", days) as counters:
        assert counters.used("a", Period.MONTH) == 4
    clock.now -= timedelta(minutes=1)
    async with KeptCounters(tmp_path / "counters.db", days) as counters:
        assert counters.used("a", Period.MONTH) == 3


@asynccontextmanager
async def written(path: Path) -> AsyncIterator[asyncio.Event]:
    """Set whenever rows are in the file."""
    event, ended = asyncio.Event(), False

    async def watch() -> None:
        while not ended:
            if rows(path):
                event.set()
            await asyncio.sleep(0.02)

    task = asyncio.create_task(watch())
    try:
        yield event
    finally:
        ended = True
        await task


def rows(path: Path) -> list[tuple[str, str, int]]:
    if not path.exists():
        return []
    database = sqlite3.connect(path)
    try:
        return database.execute("SELECT * FROM characters").fetchall()
    except sqlite3.OperationalError:
        return []
    finally:
        database.close()


async def test_what_was_counted_is_on_the_disk_within_a_second(tmp_path: Path) -> None:
    path = tmp_path / "counters.db"
    async with KeptCounters(path) as counters, written(path) as event:
        counters.add("a", 3)
        async with asyncio.timeout(5):
            await event.wait()


def damage(path: Path) -> None:
    path.write_bytes(b"no database" * 1000)
    for end in ("-wal", "-shm"):
        path.with_name(f"{path.name}{end}").unlink(missing_ok=True)


_WRITER = """
import asyncio, sys
from pathlib import Path
from time import monotonic
from wyoming_server.state.counters import KeptCounters

async def main():
    async with KeptCounters(Path(sys.argv[1])) as counters:
        total = 0
        while True:
            counters.add("a", 1)
            total += 1
            print(total, monotonic(), flush=True)
            await asyncio.sleep(0.001)

asyncio.run(main())
"""


async def test_a_process_that_is_killed_loses_a_second_at_most_and_breaks_nothing(tmp_path: Path) -> None:
    path, counted = tmp_path / "counters.db", 0
    for lived in (1, 700, 1500):
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", _WRITER, str(path), stdout=asyncio.subprocess.PIPE)
        assert process.stdout is not None
        said = [await process.stdout.readline() for _ in range(lived)]
        os.kill(process.pid, signal.SIGKILL)
        said += (await process.stdout.read()).split(b"\n")[:-1]  # the last may be a part of a line
        await process.wait()
        counts = [(int(number), float(time)) for number, time in (line.split() for line in said)]
        long_ago = [number for number, time in counts if time < counts[-1][1] - 1]
        before, counted = counted, sum(row[2] for row in rows(path))
        assert max(long_ago, default=0) <= counted - before <= counts[-1][0] + 2
    async with KeptCounters(path) as counters:
        assert counters.used("a", Period.MONTH) == counted
        assert counted


async def test_two_processes_add_up(tmp_path: Path) -> None:
    path = tmp_path / "counters.db"
    async with KeptCounters(path) as one:
        async with KeptCounters(path) as other:
            one.add("a", 1)
            other.add("a", 10)
        async with asyncio.timeout(5):
            while one.used("a", Period.DAY) != 11:
                monotonic_before = one._read_at  # noqa: SLF001
                one._read_at = float("-inf")  # noqa: SLF001  # as if a second had passed
                await one.refresh()
                assert one._read_at > monotonic_before or one.used("a", Period.DAY) == 11  # noqa: SLF001


async def test_a_damaged_file_is_set_aside_in_words_and_what_is_known_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "counters.db"
    async with KeptCounters(path) as counters:
        counters.add("a", 3)
        async with written(path) as event:
            await event.wait()
        damage(path)
        counters.add("a", 4)
        assert counters.used("a", Period.DAY) == 7
    assert "which is damaged" in caplog.text
    assert b"no database" in (tmp_path / "counters.db.damaged").read_bytes()
    async with KeptCounters(path) as counters:
        assert counters.used("a", Period.DAY) == 7


async def test_where_nothing_can_be_kept_it_is_counted_in_memory_and_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY", 0.01)
    path = tmp_path / "file" / "counters.db"
    path.parent.write_text("in the way")
    async with KeptCounters(path) as counters:
        counters.add("a", 3)
        await counters.refresh()
        assert counters.used("a", Period.DAY) == 3
        assert caplog.text.count("cannot be kept") == 1
        path.parent.unlink()
        async with written(path) as event, asyncio.timeout(5):
            await event.wait()
    assert [row[2] for row in rows(path)] == [3]


async def test_what_is_in_a_file_that_cannot_be_written_counts_from_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY", 0.01)
    path = tmp_path / "counters.db"
    async with KeptCounters(path) as counters:
        counters.add("a", 3)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    async with KeptCounters(path) as counters:
        assert counters.used("a", Period.DAY) == 3
        counters.add("a", 4)
        assert counters.used("a", Period.DAY) == 7
        holder.execute("ROLLBACK")
        holder.close()
    assert [row[2] for row in rows(path)] == [7]


@contextmanager
def no_room() -> Iterator[None]:
    """No file may grow, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_on_a_full_disk_what_was_kept_counts_and_so_does_what_comes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY", 0.01)
    path = tmp_path / "counters.db"
    async with KeptCounters(path) as counters:
        counters.add("a", 3)
    with no_room():
        counters = KeptCounters(path)
        await counters.__aenter__()
        counters.add("a", 4)
    try:
        assert caplog.text.count("cannot be kept") == 1
        assert counters.used("a", Period.DAY) == 7
    finally:
        await counters.__aexit__(None, None, None)
    assert [row[2] for row in rows(path)] == [7]


async def test_a_file_that_another_process_holds_for_long_delays_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUSY", 0.01)
    path = tmp_path / "counters.db"
    async with KeptCounters(path) as counters:
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        counters.add("a", 3)
        counters._read_at = float("-inf")  # noqa: SLF001  # as if a second had passed
        async with asyncio.timeout(5):
            await counters.refresh()
        assert counters.used("a", Period.DAY) == 3
        holder.execute("ROLLBACK")
        holder.close()
    assert [row[2] for row in rows(path)] == [3]
