"""From the upstream's first byte to the client's first chunk: what the HTTP service adds to it, above a bare websocket relay.

One client, PCM and MP3 and the floor in turns, as in `flowing`, whose floor this is.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from typing import Any

from ...figures import median, milliseconds, spread
from ...lab import Lab, Size
from ...rows import Row, Target
from ..flowing.stage import PCM as BARE
from ..flowing.stage import speak as speak_bare
from ..latency import ORDER, PERIOD
from .stage import MP3, PCM, speak

TARGET = Target("≤", 2)
ROUNDS = {Size.FULL: 100, Size.QUICK: 20, Size.TINY: 1}


async def measure(lab: Lab) -> AsyncIterator[Row]:
    bare, pcm, mp3 = [], [], []
    for _ in range(ROUNDS[lab.size]):
        bare.append(await floor(lab))
        pcm.append(await one(lab, PCM))
        mp3.append(await one(lab, MP3))
    for name, samples in (("PCM", pcm), ("MP3", mp3)):
        yield Row(
            bench="http",
            what=f"added latency, 1 client, {name}",
            value=median(samples) - median(bare),
            unit="ms above the floor's median",
            target=TARGET,
            detail=f"{spread(samples)}; the floor {spread(bare)}",
        )


async def one(lab: Lab, fields: Mapping[str, Any]) -> float:
    """ms."""
    await asyncio.sleep(random.uniform(0, PERIOD / 5))
    order = lab.order(**ORDER)
    call = await speak(await lab.herald(), order, fields)
    report = await (await lab.upstream()).report(order.number)
    assert report.first is not None
    return milliseconds(report.first, call.chunks[0][0])


async def floor(lab: Lab) -> float:
    """ms."""
    await asyncio.sleep(random.uniform(0, PERIOD / 5))
    order = lab.order(**ORDER)
    call = await speak_bare(await lab.flowing_floor(), order, BARE)
    report = await (await lab.upstream()).report(order.number)
    assert report.first is not None
    return milliseconds(report.first, call.chunks[0][0])
