"""50 replies at once, the simulator in real time: does any listener run dry, is any reply refused or cut short?

All begin within a second. The server shares the machine's cores with the simulator and the clients.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass

from ...client import Call, CallFailed
from ...figures import milliseconds, percentile, spread
from ...journal import Journal
from ...lab import Lab, Size
from ...rows import Row, Target
from ..realtime import PLAYER_START, RATE, WIDTH, play
from .stage import LISTENERS, LIVE_MP3, LIVE_V1, LIVE_V3, Stage, Way

WAYS = {"v3, PCM": LIVE_V3, "v3, MP3": LIVE_MP3, "v1, PCM": LIVE_V1}
SENTENCE = "This is for one of the many listeners in the room. "
"""Of 3 s."""
SECONDS_A_CHARACTER = 0.06
"""At which the simulator speaks."""
SILENCE = 0.5
"""Seconds of a reply's silent begin and end that need not be heard."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    listeners: int
    text: str
    within: float = 1
    """Seconds, at some moment of which a listener begins."""


PLANS = {
    Size.FULL: Plan(listeners=LISTENERS, text=SENTENCE * 4),
    Size.QUICK: Plan(listeners=LISTENERS, text=SENTENCE * 2),
    Size.TINY: Plan(listeners=2, text="Here. ", within=0.02),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    number: int
    call: Call
    fault: str
    """Empty: the whole reply came, in time."""
    reserve: float
    """The least that the player had, in ms."""


async def measure(lab: Lab, stage: Stage) -> AsyncIterator[Row]:
    plan = PLANS[lab.size]
    await listen(lab, stage, LIVE_MP3, plan.text[: 2 * len(SENTENCE)])  # the simulator encodes a sentence only once
    for what, way in WAYS.items():
        cpu = stage.server.cpu()
        heard = await asyncio.gather(*(listen(lab, stage, way, plan.text, within=plan.within) for _ in range(plan.listeners)))
        yield held(f"{plan.listeners} listeners at once, {what}", heard, stage.journal(way), stage.server.cpu() - cpu)
        yield await first_chunks(f"{plan.listeners} listeners at once, {what}", heard, stage.journal(way))


async def listen(lab: Lab, stage: Stage, way: Way, text: str, *, within: float = 0) -> Heard:
    """`within`: seconds, at some moment of which it begins."""
    await asyncio.sleep(random.uniform(0, within))
    number = lab.number()
    call = await stage.ask(way, number, text, rate=RATE)
    try:
        await call.finished()
    except CallFailed as error:
        return Heard(number=number, call=call, fault=str(error), reserve=0)
    finally:
        call.leave()
    runs, reserve = play(call.chunks)
    missing = len(text) * SECONDS_A_CHARACTER - sum(size for _, size in call.chunks) / (RATE * WIDTH)
    fault = f"ran dry {runs} times" if runs else f"{missing:.2f} s are missing" if missing > SILENCE else ""
    return Heard(number=number, call=call, fault=fault, reserve=reserve)


def held(what: str, heard: list[Heard], journal: Journal, cpu: float) -> Row:
    faults = [one.fault for one in heard if one.fault]
    good = [one for one in heard if not one.fault]
    least = min((one.reserve for one in good), default=0)
    seconds = milliseconds(min(one.call.sent for one in heard), max(one.call.ended for one in heard)) / 1000
    most = journal.most_at_once({one.number for one in heard})
    return Row(
        bench="openspeech",
        what=f"dry, failed or cut short, {what}",
        value=len(faults),
        unit=f"of {len(heard)}",
        target=Target("≤", 0),
        detail=f"at most {most} upstream at once; players start at {PLAYER_START * 1000:g} ms, least reserve {least:.0f} ms; "
        f"CPU: herald {100 * cpu / seconds:.0f} %{f'; the first: {faults[0]}' if faults else ''}",
    )


async def first_chunks(what: str, heard: list[Heard], journal: Journal) -> Row:
    """From the simulator's first audio, and, in the detail, from the request."""
    added, asked = [], []
    for one in heard:
        if one.call.chunks:
            request = (await journal.seen(one.number, "first"))[0]
            assert request.first is not None
            added.append(milliseconds(request.first, one.call.chunks[0][0]))
            asked.append(milliseconds(one.call.sent, one.call.chunks[0][0]))
    return Row(
        bench="openspeech",
        what=f"p95 first audio to first chunk, {what}",
        value=percentile(added, 95),
        unit="ms",
        detail=f"{spread(added)}; from the request {spread(asked)}",
    )
