"""What resampling costs a listener, through the whole server: audio that the filter holds back, and time.

Held back is found without a clock: many replies whose upstream stalls after ever more audio; the first that is heard tells it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from ..client import Call
from ..figures import median, spread
from ..lab import SIGNAL, SIGNAL_22, Lab, Size
from ..processes import Server
from ..rows import Row, Target

SETTLED = 0.3
"""Seconds after which a reply that is silent is taken to stay so."""
MOST = 80
"""ms of audio that are tried."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    voice: str
    source: int
    target: int
    """Hz."""
    held: float
    """ms of audio that may be held back."""


PAIRS = (Pair(voice=SIGNAL, source=24_000, target=22_050, held=40), Pair(voice=SIGNAL_22, source=22_050, target=16_000, held=60))


@dataclass(frozen=True, kw_only=True)
class Plan:
    step: int
    """ms of audio between two tries."""
    replies: int


PLANS = {Size.FULL: Plan(step=1, replies=150), Size.QUICK: Plan(step=1, replies=40), Size.TINY: Plan(step=20, replies=1)}


async def measure(lab: Lab) -> AsyncIterator[Row]:
    plan, server = PLANS[lab.size], await lab.herald()
    for pair in PAIRS:
        name = f"{pair.source / 1000:g} to {pair.target / 1000:g} kHz"
        yield Row(
            bench="resample",
            what=f"held back, {name}",
            value=await held_back(lab, server, pair, plan.step),
            unit="ms of audio",
            target=Target("≤", pair.held),
        )
        native, resampled = await added(lab, server, pair, plan.replies)
        yield Row(
            bench="resample",
            what=f"added time, {name}, fed at once",
            value=median(resampled) - median(native),
            unit="ms",
            target=Target("<", 3),
            detail=f"first chunk after {spread(resampled)}; without resampling {spread(native)}",
        )


async def held_back(lab: Lab, server: Server, pair: Pair, step: int) -> float:
    """ms of audio that had to come before any was heard."""
    tries = range(step, MOST + 1, step)
    calls = await asyncio.gather(*(stalled(lab, server, pair, ms / 1000) for ms in tries))
    await asyncio.sleep(SETTLED)
    for call in calls:
        call.leave()
    return float(next((ms for ms, call in zip(tries, calls, strict=True) if call.chunks), MOST + step))


async def stalled(lab: Lab, server: Server, pair: Pair, seconds: float) -> Call:
    order = lab.order(seconds=1, pace=0, piece=0.01, stall=seconds, rate=pair.source)
    return await lab.begin(server, order, voice=pair.voice, rate=pair.target)


async def added(lab: Lab, server: Server, pair: Pair, replies: int) -> tuple[list[float], list[float]]:
    """ms to the first chunk, without and with resampling, in turns."""
    native: list[float] = []
    resampled: list[float] = []
    for _ in range(replies):
        for samples, rate in ((native, pair.source), (resampled, pair.target)):
            order = lab.order(seconds=1, pace=0, rate=pair.source, delay=0.01)
            samples.append((await lab.speak(server, order, voice=pair.voice, rate=rate)).added)
    return native, resampled
