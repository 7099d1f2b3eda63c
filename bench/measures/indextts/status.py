"""How long a `task_status` takes while the task it asks about runs; only answers that say "running" count."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from ...figures import percentile, spread
from ...indextts_client import IndexttsCall, connect
from ...lab import Lab, Size
from ...rows import Row, Target
from .stage import TEXT, Place, Stage

TARGET = Target("<", 20)
SAMPLES = {Size.FULL: 500, Size.QUICK: 100, Size.TINY: 2}
LONG = TEXT * 50
"""Nearly a minute of audio."""
PERIOD = 0.005
"""Seconds between two queries, on average."""


async def measure(lab: Lab, stage: Stage) -> AsyncIterator[Row]:
    bare = await during(stage.floor_held, TEXT, SAMPLES[lab.size])
    cases: Mapping[str, tuple[Place, str]] = {
        "at full speed, resampled": (stage.fast, LONG),
        "of a deaf IndexTTS service": (stage.service, TEXT),
    }
    for name, (place, text) in cases.items():
        samples = await during(place, text, SAMPLES[lab.size])
        yield Row(
            bench="indextts",
            what=f"task_status during a synthesis {name}: p99",
            value=percentile(samples, 99),
            unit="ms",
            target=TARGET,
            detail=f"{spread(samples)}, at most {max(samples):.2f}; the floor {spread(bare)}, at most {max(bare):.2f}",
        )


async def during(place: Place, text: str, count: int) -> list[float]:
    """ms each."""
    samples: list[float] = []
    async with speaking(place, text) as speaker:
        asker = await connect(place.address)
        while len(samples) < count:
            await asyncio.sleep(random.uniform(0, 2 * PERIOD))
            answer = await asker.status(speaker.task_id)
            if answer.status == "running":
                samples.append(answer.took / 1e6)
        asker.leave()
    return samples


@asynccontextmanager
async def speaking(place: Place, text: str) -> AsyncIterator[IndexttsCall]:
    """A client that says it again and again while the block runs."""
    call = await place.say(text)
    await call.told("start")
    async with asyncio.TaskGroup() as group:
        task = group.create_task(_again_and_again(call, text, place.voice))
        yield call
        task.cancel()
    call.leave()


async def _again_and_again(call: IndexttsCall, text: str, voice: str) -> None:
    while True:
        await call.told("end")
        call.say(text, voice)
