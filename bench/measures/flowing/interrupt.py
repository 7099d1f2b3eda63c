"""From CancelSynthesis, or from the client's leaving, until the upstream sees Herald leave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

from ...figures import milliseconds, percentile, spread
from ...lab import Lab, Size
from ...processes import Server
from ...rows import Row, Target
from ..interrupt import CLIENTS, at_some_moment, until_gone
from .stage import MP3, PCM, begin

TARGET = Target("<", 10)
TIMES = {Size.FULL: 25, Size.QUICK: 6, Size.TINY: 1}
"""That each client interrupts."""
WAITING: Mapping[str, Any] = {"seconds": 10, "delay": 10}
LIVE: Mapping[str, Any] = {"seconds": 10, "pace": 1, "piece": 0.1}
AT_FULL_SPEED: Mapping[str, Any] = {"seconds": 3600, "pace": 0}


class Case(NamedTuple):
    order: Mapping[str, Any]
    payload: Mapping[str, Any] = PCM
    audible: bool = True
    """Interrupt once audio has been heard."""
    leaves: bool = False
    """Without a word."""
    clients: int = CLIENTS


CASES = {
    "cancelled before first audio": Case(WAITING, audible=False),
    "cancelled mid-audio": Case(LIVE),
    "cancelled mid-audio, MP3": Case(LIVE, MP3),
    "cancelled mid-audio at full speed": Case(AT_FULL_SPEED, clients=1),
    "cancelled mid-audio at full speed, MP3": Case(AT_FULL_SPEED, MP3, clients=1),
    "client gone before first audio": Case(WAITING, audible=False, leaves=True),
    "client gone mid-audio": Case(LIVE, leaves=True),
    "client gone mid-audio at full speed": Case(AT_FULL_SPEED, leaves=True, clients=1),
}


class Interrupted(NamedTuple):
    silent: float
    """ms until the engine was cancelled."""
    told: float | None
    """ms until the client had SynthesisCompleted; `None`: it had left."""


async def measure(lab: Lab) -> AsyncIterator[Row]:
    server = await lab.herald()
    for name, case in CASES.items():
        clients = await asyncio.gather(*(interrupting(lab, server, case, TIMES[lab.size]) for _ in range(case.clients)))
        yield row(name, [sample for samples in clients for sample in samples])


async def interrupting(lab: Lab, server: Server, case: Case, times: int) -> list[Interrupted]:
    return [await interrupted(lab, server, case) for _ in range(times)]


async def interrupted(lab: Lab, server: Server, case: Case) -> Interrupted:
    order = lab.order(**case.order)
    call = await begin(server, order, case.payload)
    if case.audible:
        await call.heard()
    await at_some_moment()
    if case.leaves:
        return Interrupted(await until_gone(lab, order.number, call.leave()), None)
    cancelled = call.cancel()
    try:
        silent = await until_gone(lab, order.number, cancelled)
        await call.finished()
    finally:
        call.leave()
    return Interrupted(silent, milliseconds(cancelled, call.ended))


def row(name: str, interrupts: list[Interrupted]) -> Row:
    samples = [one.silent for one in interrupts]
    told = [one.told for one in interrupts if one.told is not None]
    return Row(
        bench="flowing",
        what=f"{name}: p95 to the engine",
        value=percentile(samples, 95),
        unit="ms",
        target=TARGET,
        detail=f"{spread(samples)}{f'; the client is told after {spread(told)}' if told else ''}",
    )
