"""`script/bench kills [--kills 200] [--writers 2] [--seed N]`: kill -9 at random moments of writing the audio cache.

After each: whatever is found is whole and what was kept, a start fails nowhere, nothing but what is in the list stays. A failure
prints its seed, which repeats the moments as well as a machine can.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wyoming_server.synthesis.cache.store import DiskStore

from ..killed_writer import LIMIT, reply
from ..processes import ROOT, STARTED_WITHIN

ALIVE = 0.06
"""Seconds at most that a writer lives once it has begun: some ten replies."""


@dataclass(kw_only=True)
class Outcome:
    """Of a campaign."""

    kills: int = 0
    kept: int = 0
    """Entries that were found whole, counted after every kill."""
    wrong: list[str] = field(default_factory=list)


async def campaign(folder: Path, kills: int, *, writers: int = 2, seed: int | None = None) -> Outcome:
    """`writers` processes at once write into `folder`, and are killed one at a time, at random moments."""
    outcome = Outcome()
    seed = time.time_ns() if seed is None else seed
    moments = random.Random(seed)
    while outcome.kills < kills:
        ready = [await _writer(folder, outcome.kills + number) for number in range(writers)]
        for writer in ready:
            await asyncio.sleep(moments.uniform(0, ALIVE))
            writer.kill()
            await writer.wait()
            outcome.kills += 1
        outcome.wrong += [f"seed {seed}, kill {outcome.kills}: {what}" for what in await _look(folder, outcome)]
    return outcome


async def _writer(folder: Path, number: int) -> asyncio.subprocess.Process:
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.killed_writer", str(folder), str(number), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert writer.stdout is not None
    async with asyncio.timeout(STARTED_WITHIN):
        await writer.stdout.readline()
    return writer


async def _look(folder: Path, outcome: Outcome) -> Sequence[str]:
    """What is not as it should be."""
    wrong = []
    store = DiskStore(folder, LIMIT)
    try:
        await store.written()
        entries = await store.entries()
        for one in entries:
            found = await store.find(one.key)
            if found is None:
                wrong.append(f"{one.file} is in the list and cannot be read")
            elif b"".join(piece for piece in found.events("") if isinstance(piece, bytes)) != reply(int(one.key, 16)).pcm:
                wrong.append(f"{one.file} is another reply")
            outcome.kept += 1
        if store.counts.failures or store.counts.damaged:
            wrong.append(f"the start failed: {store.counts}")
        if store.counts.bytes > LIMIT:
            wrong.append(f"{store.counts.bytes} bytes are kept, of {LIMIT}")
    finally:
        await store.aclose()
    if left := _files(folder) - {one.file for one in entries}:
        wrong.append(f"{len(left)} files are in no list: {sorted(left)[:3]}")
    return wrong


def _files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.suffix in (".reply", ".draft")}


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench kills", description="Kills writers of the audio cache. See docs/cache.md.")
    parser.add_argument("--kills", type=int, default=200, help="altogether")
    parser.add_argument("--writers", type=int, default=2, help="at once")
    parser.add_argument("--seed", type=int, help="of the moments")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="herald-kills-") as name:
        outcome = asyncio.run(campaign(Path(name), arguments.kills, writers=arguments.writers, seed=arguments.seed))
    print(f"{outcome.kills} kills, {outcome.kept} entries found whole, {len(outcome.wrong)} things wrong")
    for what in outcome.wrong:
        print(what)
    return int(bool(outcome.wrong))
