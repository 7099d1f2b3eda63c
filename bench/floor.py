"""The floor: the least that a Wyoming server can do. Relays the upstream's bytes with the `wyoming` package's own writer.

Each read is a chunk as it comes, or, with a size as second argument, cut into chunks of that many bytes. Ends with its input.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import async_read_event, async_write_event
from wyoming.tts import Synthesize

from .relay import READ_SIZE, delivery

RATE, WIDTH, CHANNELS = 24_000, 2, 1


async def pieces(reader: asyncio.StreamReader, size: int | None) -> AsyncIterator[bytes]:
    while True:
        try:
            piece = await (reader.readexactly(size) if size else reader.read(READ_SIZE))
        except asyncio.IncompleteReadError as end:
            piece = end.partial
        if not piece:
            return
        yield piece


async def relay(upstream: int, size: int | None, order: str, writer: asyncio.StreamWriter) -> None:
    async with delivery(upstream, order) as reader:
        await async_write_event(AudioStart(rate=RATE, width=WIDTH, channels=CHANNELS).event(), writer)
        async for piece in pieces(reader, size):
            await async_write_event(AudioChunk(rate=RATE, width=WIDTH, channels=CHANNELS, audio=piece).event(), writer)
    await async_write_event(AudioStop().event(), writer)


async def main(upstream: int, size: int | None) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (event := await async_read_event(reader)) is not None:
                if Synthesize.is_type(event.type):
                    await relay(upstream, size, Synthesize.from_event(event).text, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else None))
