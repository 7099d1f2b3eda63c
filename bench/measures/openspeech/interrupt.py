"""From the client's leaving until the simulator sees CancelSession (v3) or the connection's end (v1), and what it makes then.

A reply counts as silent once no request of it runs any more: v1 may have asked for the next sentence already.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

from ...figures import milliseconds, percentile, spread
from ...journal import Journal, Moment, Request
from ...lab import Lab, Size
from ...rows import Row, Target
from ..interrupt import CLIENTS, at_some_moment
from ..realtime import RATE
from .sessions import SENTENCE
from .stage import DELAY, LIVE_MP3, LIVE_V1, LIVE_V3, PIECE, Stage, Way

TARGET = Target("<", 10)
TEXT = SENTENCE * 4
TIMES = {Size.FULL: 25, Size.QUICK: 10, Size.TINY: 1}
"""That each client leaves."""
SETTLED = DELAY + 2 * PIECE
"""Seconds within which whatever still ran would have made more audio."""
STEP = 10_000_000
"""ns in which the simulator, once it knows, may still write the message that was due in the same step of its event loop, however
busy the machine is. Speech that went on would bring one every 100 ms.
"""


class Case(NamedTuple):
    way: Way
    moment: Moment
    """Of the simulator's, somewhat after which the client leaves."""


CASES = {
    "v3, before first audio": Case(LIVE_V3, "text"),
    "v3, mid-audio": Case(LIVE_V3, "first"),
    "v3, mid-audio, MP3": Case(LIVE_MP3, "first"),
    "v1, mid-audio": Case(LIVE_V1, "first"),
}


class Left(NamedTuple):
    number: int
    when: int


async def measure(lab: Lab, stage: Stage) -> AsyncIterator[Row]:
    everyone: list[Left] = []
    journal = stage.simulators["live"].journal
    for name, case in CASES.items():
        before = journal.handshakes.total()
        clients = await asyncio.gather(*(leaving(lab, stage, case, TIMES[lab.size]) for _ in range(CLIENTS)))
        left = [one for some in clients for one in some]
        yield row(name, journal, left, journal.handshakes.total() - before)
        everyone += left
    await asyncio.sleep(SETTLED)
    yield characters(journal, everyone)


async def leaving(lab: Lab, stage: Stage, case: Case, times: int) -> list[Left]:
    samples = []
    journal = stage.journal(case.way)
    for _ in range(times):
        number = lab.number()
        call = await stage.ask(case.way, number, TEXT, rate=RATE)
        await journal.seen(number, case.moment)
        await at_some_moment()
        samples.append(Left(number, call.leave()))
        await journal.seen(number, "ended")
    return samples


def row(name: str, journal: Journal, left: list[Left], handshakes: int) -> Row:
    samples = [milliseconds(one.when, silent_at(journal.requests(one.number))) for one in left]
    return Row(
        bench="openspeech",
        what=f"client gone, {name}: p95 to the simulator",
        value=percentile(samples, 95),
        unit="ms",
        target=TARGET,
        detail=f"{spread(samples)}; {handshakes} handshakes",
    )


def silent_at(requests: list[Request]) -> int:
    ends = [request.ended for request in requests if request.ended is not None and request.cancelled]
    assert ends, "the reply came to its end before its client had left"
    return max(ends)


def characters(journal: Journal, left: list[Left]) -> Row:
    """Of the interrupted replies: made once the simulator knows, by whichever request, even one that it got later."""
    after = meanwhile = at_once = 0
    for number, when in left:
        requests = journal.requests(number)
        silent = silent_at(requests)
        made = [(at, count) for request in requests for at, count in request.characters]
        meanwhile += sum(count for at, count in made if when < at <= silent)
        at_once += sum(count for at, count in made if silent < at <= silent + STEP)
        after += sum(count for at, count in made if at > silent + STEP)
    return Row(
        bench="openspeech",
        what="characters made after the interrupt",
        value=after,
        unit=f"in {len(left)} interrupts",
        target=Target("≤", 0),
        detail=f"{meanwhile} after the client had left and before the simulator knew, {at_once} within {STEP / 1e6:g} ms of that",
    )
