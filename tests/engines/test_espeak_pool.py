"""The pool: in turn, in parallel, cancelled, crashed, idle, closed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import aclosing
from functools import partial
from pathlib import Path

import psutil
import pytest

from wyoming_server.engines.espeak import pool as pool_module
from wyoming_server.engines.espeak import process, worker
from wyoming_server.engines.espeak.pool import Pool
from wyoming_server.engines.espeak.process import Piece
from wyoming_server.errors import EngineError, EngineUnavailable

from .espeaking import DATA, LIBRARY, LONG, TEXT, order, pool, said, seconds, turns


async def the_worker(pool: Pool) -> int:
    """Process id of the one worker, which is ready and has nothing to do."""
    await said(pool, order())
    [pid] = pool.pids
    return pid


async def started(pool: Pool, text: str = TEXT) -> asyncio.Task[bytes]:
    """A speech in a task of its own, which has taken its worker, or its place in the line."""

    async def speech() -> bytes:
        return (await said(pool, order(text)))[0]

    task = asyncio.create_task(speech())
    await turns(2)
    return task


def about(audio: bytes, expected: float) -> bool:
    return abs(seconds(audio) - expected) < 0.02 * expected


async def test_a_speech_has_audio_and_its_words() -> None:
    async with pool() as espeak:
        audio, words = await said(espeak, order())
    assert 2 < seconds(audio) < 4
    assert [TEXT[word.start : word.start + word.length] for word in words] == TEXT.replace(",", "").replace(".", "").split()
    assert [word.sample for word in words] == sorted(word.sample for word in words)


async def test_a_closed_speech_gives_its_worker_back_clean() -> None:
    async with pool(size=1) as espeak:
        expected = seconds((await said(espeak, order()))[0])
        pids = espeak.pids
        for audio_before in range(4):
            async with aclosing(espeak.say(order(LONG))) as pieces:
                seen = 0
                while seen < audio_before:
                    seen += isinstance(await anext(pieces), bytes)
                if not seen:
                    await anext(pieces)
            assert about((await said(espeak, order()))[0], expected)
        assert espeak.pids == pids


async def test_a_speech_that_is_cancelled_before_its_first_audio_frees_its_worker() -> None:
    async with pool(size=1) as espeak:
        pid = await the_worker(espeak)
        os.kill(pid, signal.SIGSTOP)
        task = await started(espeak, LONG)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        os.kill(pid, signal.SIGCONT)
        assert 2 < seconds((await said(espeak, order()))[0]) < 4
        assert espeak.pids == {pid}


async def test_a_speech_that_is_cancelled_while_its_worker_starts_leaves_nothing() -> None:
    for steps in range(4):
        async with pool(size=1) as espeak:
            task = asyncio.create_task(said(espeak, order()))
            await turns(steps)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert any((await said(espeak, order()))[0])


async def test_closing_a_speech_after_its_end_is_nothing() -> None:
    async with pool(size=1) as espeak:
        pid = await the_worker(espeak)
        pieces = espeak.say(order())
        assert [piece async for piece in pieces]
        await pieces.aclose()
        assert await the_worker(espeak) == pid


async def test_a_slow_listener_holds_no_worker() -> None:
    async with pool(size=1) as espeak:
        slow = espeak.say(order(LONG))
        heard: list[Piece] = [await anext(slow)]
        assert any((await said(espeak, order()))[0])
        heard += [piece async for piece in slow]
        assert seconds(b"".join(piece for piece in heard if isinstance(piece, bytes))) > 200


async def test_two_speak_at_the_same_time() -> None:
    async with pool(size=2) as espeak, aclosing(espeak.say(order(LONG))) as first:
        await anext(first)
        assert any((await said(espeak, order()))[0])
        assert len(espeak.pids) == 2


async def test_more_than_there_are_workers_wait_in_line() -> None:
    async with pool(size=1) as espeak:
        pid = await the_worker(espeak)
        os.kill(pid, signal.SIGSTOP)
        done: list[int] = []
        tasks = [await started(espeak) for _ in range(5)]
        for number, task in enumerate(tasks):
            task.add_done_callback(partial(lambda number, _task: done.append(number), number))
        tasks[2].cancel()
        os.kill(pid, signal.SIGCONT)
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert done == [2, 0, 1, 3, 4]
        assert [isinstance(result, bytes) for result in results] == [True, True, False, True, True]
        assert espeak.pids == {pid}


async def test_no_more_processes_than_workers_are_allowed() -> None:
    async with pool(size=2) as espeak:
        await asyncio.gather(*(said(espeak, order()) for _ in range(12)))
        assert len(espeak.pids) == 2


async def test_a_worker_that_dies_before_the_first_audio_is_replaced_without_a_word() -> None:
    async with pool(size=1) as espeak:
        pid = await the_worker(espeak)
        os.kill(pid, signal.SIGSTOP)
        task = await started(espeak)
        os.kill(pid, signal.SIGKILL)
        assert 2 < seconds(await task) < 4
        assert pid not in espeak.pids


async def test_a_worker_that_dies_idle_is_replaced_without_a_word() -> None:
    async with pool(size=1) as espeak:
        pid = await the_worker(espeak)
        os.kill(pid, signal.SIGKILL)
        assert 2 < seconds((await said(espeak, order()))[0]) < 4
        assert pid not in espeak.pids


async def test_a_worker_that_dies_mid_audio_ends_the_speech_in_words_and_the_pool_heals() -> None:
    async with pool(size=1) as espeak:
        pid = await the_worker(espeak)
        pieces = espeak.say(order(LONG))
        await anext(pieces)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(EngineError, match="ended by SIGKILL"):
            async for _ in pieces:
                pass
        assert 2 < seconds((await said(espeak, order()))[0]) < 4


async def test_a_worker_that_never_gets_up_is_an_error_after_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crashing = tmp_path / "worker.py"
    crashing.write_text("raise SystemExit(7)")
    monkeypatch.setattr(worker, "__file__", str(crashing))
    async with pool(size=1) as espeak:
        with pytest.raises(EngineError, match="ended with status 7"):
            await said(espeak, order())


async def test_a_worker_that_hangs_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    async with pool(size=1) as espeak:
        pid = await the_worker(espeak)
        os.kill(pid, signal.SIGSTOP)
        monkeypatch.setattr(pool_module, "SILENT_LIMIT", 0.1)
        task = await started(espeak)
        monkeypatch.undo()
        assert any(await task)
        assert pid not in espeak.pids


async def test_audio_without_end_is_refused_with_both_numbers_and_the_worker_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async with pool(size=1) as espeak:
        pid = await the_worker(espeak)
        monkeypatch.setattr(process, "AUDIO_LIMIT", 44_100 * 20)
        with pytest.raises(EngineError, match=r"made 2\d\.\d s .* 20\.0 s are allowed"):
            await said(espeak, order('<speak>a <break time="900s"/>', ssml=True))
        assert await the_worker(espeak) == pid


async def test_idle_workers_end_but_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "IDLE_LIMIT", 0)
    async with pool(size=3) as espeak:
        await asyncio.gather(*(said(espeak, order()) for _ in range(3)))
        await turns()
        assert len(espeak.pids) == 1


async def test_a_library_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "lib.so").write_bytes(b"no library")
    async with pool(library=tmp_path / "lib.so") as espeak:
        with pytest.raises(EngineUnavailable, match=r"does not start.*lib\.so"):
            await said(espeak, order())


async def test_a_data_folder_that_is_none_is_told_with_the_rate(tmp_path: Path) -> None:
    async with pool(data=tmp_path) as espeak:
        for _ in range(2):
            with pytest.raises(EngineUnavailable, match="0 Hz, not 22050"):
                await said(espeak, order())


async def test_a_long_path_to_the_data_is_no_hindrance(tmp_path: Path) -> None:
    folder = tmp_path.joinpath(*["x" * 60] * 5)
    folder.mkdir(parents=True)
    (folder / "espeak-ng-data").symlink_to(DATA)
    async with pool(data=folder / "espeak-ng-data") as espeak:
        assert any((await said(espeak, order()))[0])


async def test_warming_starts_one_worker_that_the_first_speech_takes() -> None:
    async with pool(size=2) as espeak:
        await espeak.warm()
        [pid] = espeak.pids
        await espeak.warm()
        assert await the_worker(espeak) == pid


async def test_closing_ends_a_speech_in_words_and_every_worker() -> None:
    async with pool(size=2) as espeak:
        one, other = espeak.say(order(LONG)), espeak.say(order(LONG))
        await anext(one)
        await anext(other)
        pids = espeak.pids
        waiting = await started(espeak)
        await espeak.aclose()
        assert len(pids) == 2
        assert not any(psutil.pid_exists(pid) for pid in pids)
        for speech in (one, other):
            with pytest.raises(EngineUnavailable, match="was closed"):
                async for _ in speech:
                    pass
        with pytest.raises(EngineUnavailable, match="was closed"):
            await waiting
        with pytest.raises(EngineUnavailable, match="was closed"):
            await said(espeak, order())


PARENT = f"""
import asyncio
from pathlib import Path
from wyoming_server.engines.espeak.pool import Pool

async def main():
    pool = Pool(Path({str(LIBRARY)!r}), Path({str(DATA)!r}), size=1)
    await pool.warm()
    print(*pool.pids, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def test_a_worker_does_not_outlive_a_parent_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:  # noqa: S603
        assert parent.stdout is not None
        worker = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    worker.wait(timeout=10)
