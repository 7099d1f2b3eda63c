"""From an interrupt's request until the stream has ended and the upstream sees Herald leave, with 50 sessions running.

Each session is interrupted at a moment of its own and another text begun in it, over and over, so that there are always 50.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

from ...figures import milliseconds, percentile, spread
from ...http_client import HttpCall, interrupt
from ...lab import Lab, Size
from ...rows import Row, Target
from ..interrupt import until_gone
from .stage import MP3, PCM, begin

TARGET = Target("<", 20)
SESSIONS, ENCODING = 50, 20
"""So many in all, and of them as MP3."""
SPEAKS = (0.3, 2.3)
"""Seconds after which a session is interrupted: so that they do not march in step, as no fifty people do."""
TIMES = {Size.FULL: 8, Size.QUICK: 2, Size.TINY: 1}
"""That each session is interrupted."""


class Case(NamedTuple):
    order: Mapping[str, Any]
    audible: bool = True
    """Interrupt once audio has been heard."""


CASES = {
    "mid-audio": Case({"seconds": 60, "pace": 1}),
    "before first audio": Case({"seconds": 10, "delay": 10}, audible=False),
    "upstream stalled": Case({"seconds": 10, "stall": 0.3, "pace": 5, "piece": 0.05}),
}


class Interrupted(NamedTuple):
    encoding: bool
    cancelled: float
    """ms until the upstream was left."""
    ended: float
    """ms until the client had the stream's end."""

    @property
    def both(self) -> float:
        return max(self.cancelled, self.ended)


async def measure(lab: Lab) -> AsyncIterator[Row]:
    for name, case in CASES.items():
        sessions = (interrupting(lab, case, f"{name} {n}", encoding=n < ENCODING) for n in range(SESSIONS))
        samples = [sample for samples in await asyncio.gather(*sessions) for sample in samples]
        for what, chosen in (("all", samples), ("those that encode MP3", [one for one in samples if one.encoding])):
            yield row(f"interrupt, {SESSIONS} sessions ({ENCODING} MP3), {name}, {what}", chosen)


async def interrupting(lab: Lab, case: Case, session_id: str, *, encoding: bool) -> list[Interrupted]:
    return [await interrupted(lab, case, session_id, encoding=encoding) for _ in range(TIMES[lab.size])]


async def interrupted(lab: Lab, case: Case, session_id: str, *, encoding: bool) -> Interrupted:
    server, order = await lab.herald(), lab.order(**case.order)
    call: HttpCall = await begin(server, order, {**(MP3 if encoding else PCM), "session_id": session_id})
    if case.audible:
        await call.heard()
    await asyncio.sleep(random.uniform(*SPEAKS))
    since = await interrupt(server.http, session_id)
    try:
        cancelled = await until_gone(lab, order.number, since)
        await call.finished()
    finally:
        call.leave()
    return Interrupted(encoding, cancelled, milliseconds(since, call.ended))


def row(what: str, samples: list[Interrupted]) -> Row:
    return Row(
        bench="http",
        what=f"{what}: p95 until both",
        value=percentile([one.both for one in samples], 95),
        unit="ms",
        target=TARGET,
        detail=f"upstream {spread([one.cancelled for one in samples])}; stream {spread([one.ended for one in samples])}",
    )
