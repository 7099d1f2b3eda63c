"""The floor in front of an OpenAI-compatible endpoint: the least that HTTP/1.0 and the `wyoming` package's own writer cost.

Each read of the body is a chunk as it comes. It is no server to use: it sees no client leave. Ends with its input.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import async_read_event, async_write_event
from wyoming.tts import Synthesize

from .floor import CHANNELS, RATE, WIDTH, pieces

HEADER = 44
"""Bytes of a WAV file before its audio."""


@asynccontextmanager
async def delivery(port: int, text: str) -> AsyncIterator[asyncio.StreamReader]:
    """The audio of a text."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        body = json.dumps({"model": "tts-1", "input": text, "voice": "alloy", "response_format": "wav"}).encode()
        writer.write(b"POST /v1/audio/speech HTTP/1.0\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(HEADER)
        yield reader
    finally:
        writer.close()


async def relay(upstream: int, text: str, writer: asyncio.StreamWriter) -> None:
    async with delivery(upstream, text) as reader:
        await async_write_event(AudioStart(rate=RATE, width=WIDTH, channels=CHANNELS).event(), writer)
        async for piece in pieces(reader, None):
            await async_write_event(AudioChunk(rate=RATE, width=WIDTH, channels=CHANNELS, audio=piece).event(), writer)
    await async_write_event(AudioStop().event(), writer)


async def main(upstream: int) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (event := await async_read_event(reader)) is not None:
                if Synthesize.is_type(event.type):
                    await relay(upstream, Synthesize.from_event(event).text, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
