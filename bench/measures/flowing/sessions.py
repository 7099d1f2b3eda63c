"""50 sessions at once, heard in real time: does any listener run dry, is any session refused or cut short?

All begin within a second. Either the upstream keeps real time, or it delivers at once and the client asks Herald to (`pace`).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from wyoming_server.audio.encode import WRITINGS, Container

from ...client import CallFailed
from ...figures import milliseconds, percentile, spread
from ...lab import CpuMeter, Lab, Size
from ...order import Report
from ...processes import Server
from ...rows import Row, Target
from ..realtime import PLAYER_START, WIDTH, play
from .stage import MP3, PCM_16, begin

PIECE = 0.1
"""Seconds that the upstream sends at a time."""
MISSING = 0.05
"""Seconds by which a reply may be shorter than was ordered: rounding, no more."""


class Way(NamedTuple):
    payload: Mapping[str, Any]
    bytes_per_second: float
    pace: float
    """Of the upstream: a factor of real time; 0 is at once."""


PCM_BYTES = WIDTH * PCM_16["sample_rate"]
WAYS = {
    "PCM": Way(PCM_16, PCM_BYTES, 1),
    "MP3": Way(MP3, WRITINGS[Container.MP3].bitrate / 8, 1),
    "PCM, paced by Herald": Way({**PCM_16, "pace": 0.5}, PCM_BYTES, 0),
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    listeners: int
    seconds: float
    within: float = 1
    """Seconds, at some moment of which a listener begins."""


PLANS = {
    Size.FULL: Plan(listeners=50, seconds=10),
    Size.QUICK: Plan(listeners=50, seconds=3),
    Size.TINY: Plan(listeners=2, seconds=0.3, within=0.02),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    added: float | None = None
    """ms from the upstream's first byte to the first message; `None`: there was none."""
    late: float = 0
    """Seconds that the upstream itself was late."""
    reserve: float = 0
    """The least that the player had, in ms."""
    fault: str
    """Empty: the whole reply came, in time."""


async def measure(lab: Lab) -> AsyncIterator[Row]:
    plan, server, up = PLANS[lab.size], await lab.herald(), await lab.upstream()
    for name, way in WAYS.items():
        meter = CpuMeter(server, up)
        heard = await asyncio.gather(*(listen(lab, server, plan, way) for _ in range(plan.listeners)))
        what = f"{plan.listeners} sessions at once, {name}"
        yield held(what, heard, meter)
        yield first_messages(what, heard)


async def listen(lab: Lab, server: Server, plan: Plan, way: Way) -> Heard:
    await asyncio.sleep(random.uniform(0, plan.within))
    order = lab.order(seconds=plan.seconds, pace=way.pace, piece=PIECE, delay=0.05)
    call = await begin(server, order, way.payload)
    try:
        await call.finished()
    except CallFailed as error:
        return Heard(fault=str(error))
    finally:
        call.leave()
    return judged(await (await lab.upstream()).report(order.number), call.chunks, plan.seconds, way)


def judged(report: Report, chunks: list[tuple[int, int]], seconds: float, way: Way) -> Heard:
    assert report.first is not None
    runs, reserve = play(chunks, way.bytes_per_second)
    missing = seconds - sum(size for _, size in chunks) / way.bytes_per_second
    return Heard(
        added=milliseconds(report.first, chunks[0][0]),
        late=report.late,
        reserve=reserve,
        fault=f"ran dry {runs} times" if runs else f"{missing:.2f} s are missing" if missing > MISSING else "",
    )


def held(what: str, heard: list[Heard], meter: CpuMeter) -> Row:
    faults = [one.fault for one in heard if one.fault]
    least = min((one.reserve for one in heard if not one.fault), default=0)
    return Row(
        bench="flowing",
        what=f"dry, failed or cut short, {what}",
        value=len(faults),
        unit=f"of {len(heard)}",
        target=Target("≤", 0),
        detail=f"players start at {PLAYER_START * 1000:g} ms, least reserve {least:.0f} ms; CPU: {meter.shares()}"
        f"{f'; the first: {faults[0]}' if faults else ''}",
    )


def first_messages(what: str, heard: list[Heard]) -> Row:
    added = [one.added for one in heard if one.added is not None]
    return Row(
        bench="flowing",
        what=f"p95 first audio to first message, {what}",
        value=percentile(added, 95),
        unit="ms",
        detail=f"{spread(added)}; upstream itself up to {max(one.late for one in heard) * 1000:.1f} ms late",
    )
