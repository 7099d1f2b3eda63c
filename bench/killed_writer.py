"""Keeps one reply after the other in a cache, until it is killed: `python -m bench.killed_writer FOLDER SEED`.

Its first line says that it has begun. What it keeps can be told to be whole: see `reply`.
"""

from __future__ import annotations

import asyncio
import random
import sys
from itertools import count
from pathlib import Path

from wyoming_server.models import AudioFormat
from wyoming_server.synthesis.cache.entry import Finished
from wyoming_server.synthesis.cache.store import DiskStore

LIMIT = 2 << 20
"""Bytes: so few that others have to make room all the time."""


def key(number: int) -> str:
    return f"{number:064x}"


def reply(number: int) -> Finished:
    """The same for the same number, of every length, and too noisy to become much smaller."""
    noise = random.Random(number)  # only to look like noise
    return Finished(format=AudioFormat(rate=22_050), pcm=noise.randbytes(2 * noise.randrange(1, 100_000)), marks=())


async def keep_on(folder: Path, seed: int) -> None:
    store = DiskStore(folder, LIMIT, rest=0)
    print("begun", flush=True)
    for number in count(seed * 1_000_000):
        store.keep(key(number), reply(number), "", voice="anna", engine="tone")
        await store.written()


if __name__ == "__main__":
    asyncio.run(keep_on(Path(sys.argv[1]), int(sys.argv[2])))
