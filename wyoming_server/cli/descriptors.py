"""Reading and writing the process's own files and pipes without blocking the event loop, and without changing them.

A terminal or pipe is shared with other processes: making it non-blocking, as asyncio's own transports do, would break those.
"""

from __future__ import annotations

import asyncio
import codecs
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

READ_SIZE = 64 * 1024
WRITE_SIZE = 4096
"""What a pipe that is ready takes at once, whole (POSIX: PIPE_BUF)."""


async def read_text(descriptor: int) -> AsyncGenerator[str, None]:
    """The text as it arrives. What is not UTF-8 becomes U+FFFD; a byte order mark is dropped."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
    async with aclosing(read_bytes(descriptor)) as pieces:
        async for data in pieces:
            if text := decoder.decode(data):
                yield text
    if text := decoder.decode(b"", final=True):
        yield text


async def read_bytes(descriptor: int) -> AsyncGenerator[bytes, None]:
    """What arrives, as it arrives."""
    loop = asyncio.get_running_loop()
    while True:
        await _ready(descriptor, loop.add_reader, loop.remove_reader)
        data = os.read(descriptor, READ_SIZE)
        if not data:
            return
        yield data


async def write_all(descriptor: int, data: bytes) -> None:
    """Write, waiting for the reader. Raises BrokenPipeError when it has gone."""
    loop = asyncio.get_running_loop()
    view = memoryview(data)
    while view:
        await _ready(descriptor, loop.add_writer, loop.remove_writer)
        view = view[os.write(descriptor, view[:WRITE_SIZE]) :]


async def _ready(descriptor: int, add: Callable[..., Any], remove: Callable[[int], Any]) -> None:
    ready = asyncio.get_running_loop().create_future()
    try:
        add(descriptor, _resolve, ready)
    except PermissionError:
        return  # a file on a disk is always ready, and epoll refuses it
    try:
        await ready
    finally:
        remove(descriptor)


def _resolve(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
