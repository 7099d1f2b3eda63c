"""Standard input and output as the event loop uses them: as they come, and never blocking."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from wyoming_server.cli.descriptors import read_text, write_all


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            continue  # the test closed it


async def test_each_piece_is_given_as_soon_as_it_comes(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    text = read_text(reading)
    for piece in ("One. ", "晚饭好了。"):
        os.write(writing, piece.encode())
        assert await anext(text) == piece
    os.close(writing)
    assert [piece async for piece in text] == []


async def test_a_character_in_two_pieces_is_one(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    text = read_text(reading)
    first, second = "饭".encode()[:1], "饭".encode()[1:]
    os.write(writing, b"a" + first)
    assert await anext(text) == "a"
    os.write(writing, second)
    assert await anext(text) == "饭"
    os.write(writing, first)
    os.close(writing)
    assert [piece async for piece in text] == ["\ufffd"]


async def test_a_file_is_read_like_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes(b"\xef\xbb\xbf" + b"word " * 50_000)
    with path.open() as file:
        pieces = [piece async for piece in read_text(file.fileno())]
    assert "".join(pieces) == "word " * 50_000
    assert len(pieces) > 1


async def test_reading_does_not_change_the_descriptor_and_can_be_cancelled(pipe: tuple[int, int]) -> None:
    reading, writing = pipe

    async def read() -> None:
        async for _ in read_text(reading):
            pass

    task = asyncio.create_task(read())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert os.get_blocking(reading)
    os.write(writing, b"later")
    assert os.read(reading, 10) == b"later"


async def test_writing_waits_for_the_reader_and_leaves_the_loop_free(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    data = bytes(range(256)) * 4096
    task = asyncio.create_task(write_all(writing, data))
    received = bytearray()
    while len(received) < len(data):
        received += await asyncio.to_thread(os.read, reading, 1 << 16)
    await task
    assert received == data


async def test_a_reader_that_never_reads_does_not_hold_up_a_cancel(pipe: tuple[int, int]) -> None:
    task = asyncio.create_task(write_all(pipe[1], bytes(1 << 20)))
    for _ in range(100):  # more than fill the pipe
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)


async def test_a_reader_that_has_gone_is_a_broken_pipe(pipe: tuple[int, int]) -> None:
    os.close(pipe[0])
    with pytest.raises(BrokenPipeError):
        await write_all(pipe[1], b"audio")
