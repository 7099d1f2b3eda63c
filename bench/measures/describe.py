"""How soon `describe` is answered, with eSpeak NG's full list of voices, while 20 syntheses run."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from ..client import Call
from ..figures import milliseconds, percentile, spread
from ..lab import SIGNAL, SPEECH, Lab, Size
from ..order import Order
from ..processes import Server, load
from ..rows import Row, Target

TARGET = Target("<", 20)
RATE = 16_000
"""Hz that listeners ask for: everything is resampled but the signal at full speed, which nothing slows down."""
TEXT = "The kitchen window is open, and it has begun to rain; the forecast says that it will go on until the evening. "


@dataclass(frozen=True, kw_only=True)
class Plan:
    syntheses: int
    times: int
    """That it is asked."""
    seconds: float
    """Of audio in one reply."""


PLANS = {
    Size.FULL: Plan(syntheses=20, times=200, seconds=30),
    Size.QUICK: Plan(syntheses=20, times=60, seconds=30),
    Size.TINY: Plan(syntheses=2, times=2, seconds=0.2),
}


async def measure(lab: Lab) -> AsyncIterator[Row]:
    plan, server = PLANS[lab.size], await lab.herald()
    at_pace = Order(number=-1, seconds=plan.seconds / 10, pace=2).text()
    at_full_speed = Order(number=-1, seconds=plan.seconds, pace=0).text()
    long_text = TEXT * round(1 + plan.seconds / 6)
    ways = {
        "at 2x": request(at_pace, SPEECH, RATE),
        "of eSpeak NG": request(long_text, "en-US", RATE),
        "of the tone engine": request(long_text, "tone/tone"),
        "at full speed, a signal": request(at_full_speed, SIGNAL),
        "at full speed, evened and resampled": request(at_full_speed, SPEECH, RATE),
    }
    for what, data in ways.items():
        async with load(server, plan.syntheses, **data):
            samples = [await describe(server) for _ in range(plan.times)]
        yield Row(
            bench="describe",
            what=f"p99, during {plan.syntheses} syntheses {what}",
            value=percentile(samples, 99),
            unit="ms",
            target=TARGET,
            detail=spread(samples),
        )


def request(text: str, voice: str, rate: int | None = None) -> dict[str, Any]:
    """Data of a `synthesize`."""
    return {"text": text, "voice": {"name": voice}, "context": {"rate": rate}}


async def describe(server: Server) -> float:
    """ms from connecting to the whole answer."""
    await asyncio.sleep(random.uniform(0, 0.02))
    call = await Call.connect(server.address)
    call.send("describe")
    await call.finished()
    call.leave()
    return milliseconds(call.begun, call.ended)
