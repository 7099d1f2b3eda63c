"""From the upstream's first byte to the client's first binary message, whole: what the front end adds to it above the floor.

One client, which asks for PCM of the engine's own rate and for MP3, and the floor for PCM, in turns. The upstream sends 100 ms
at a time; MP3's first message holds the frames that are made of the first 100 ms (`containers` tells that they sound).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

from ...figures import median, milliseconds, percentile, spread
from ...lab import Lab, Size
from ...processes import Server
from ...rows import Row, Target
from ..latency import ORDER, PERIOD
from .stage import MP3, PCM, speak

TARGET = Target("≤", 2)
ROUNDS = {Size.FULL: 100, Size.QUICK: 20, Size.TINY: 1}


class Heard(NamedTuple):
    added: float
    """ms."""
    size: int
    """Bytes of the first message."""


async def measure(lab: Lab) -> AsyncIterator[Row]:
    herald, floor = await lab.herald(), await lab.flowing_floor()
    bare, pcm, mp3 = [], [], []
    for _ in range(ROUNDS[lab.size]):
        bare.append(await one(lab, floor, PCM))
        pcm.append(await one(lab, herald, PCM))
        mp3.append(await one(lab, herald, MP3))
    yield row("PCM", pcm, bare)
    yield row("MP3", mp3, bare)


async def one(lab: Lab, server: Server, payload: Mapping[str, Any]) -> Heard:
    await asyncio.sleep(random.uniform(0, PERIOD / 5))
    order = lab.order(**ORDER)
    call = await speak(server, order, payload)
    report = await (await lab.upstream()).report(order.number)
    assert report.first is not None
    when, size = call.chunks[0]
    return Heard(milliseconds(report.first, when), size)


def row(name: str, replies: list[Heard], bare: list[Heard]) -> Row:
    samples, least = [reply.added for reply in replies], [reply.added for reply in bare]
    p95 = percentile(samples, 95) - percentile(least, 95)
    return Row(
        bench="flowing",
        what=f"added latency, 1 client, {name}",
        value=median(samples) - median(least),
        unit="ms above the floor's median",
        target=TARGET,
        detail=f"{spread(samples)}; the floor {spread(least)}; p95 {p95:.2f} ms above the floor's; "
        f"first message of {median([reply.size for reply in replies]):.0f} bytes",
    )
