"""Many real-time streams at once, all resampled, by a server that has one core: does any listener run dry?

Upstream and clients have the other core; where there is only one, all share it and the rows say so.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ..figures import median, percentile
from ..lab import SIGNAL, SPEECH, CpuMeter, Lab, Size, Spoken
from ..order import Order
from ..processes import Server, Upstream, pin
from ..rows import Row, Target

RATE = 16_000
"""Hz that listeners ask for; the upstream sends 24 kHz."""
WIDTH = 2
"""Bytes of a sample."""
PLAYER_START = 0.2
"""Seconds of audio that a player gathers before it starts, and again after it ran dry."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    streams: int
    seconds: float
    pieces: tuple[float, ...]
    """Seconds of audio that the upstream sends at a time."""


PLANS = {
    Size.FULL: Plan(streams=200, seconds=10, pieces=(0.1, 0.04, 0.02)),
    Size.QUICK: Plan(streams=200, seconds=4, pieces=(0.1, 0.02)),
    Size.TINY: Plan(streams=2, seconds=0.3, pieces=(0.1,)),
}


async def measure(lab: Lab) -> AsyncIterator[Row]:
    plan, server, up = PLANS[lab.size], await lab.herald(), await lab.upstream()
    with one_core(server, up) as where:
        for voice, what in ((SIGNAL, "resampled"), (SPEECH, "evened and resampled")):
            for piece in plan.pieces:
                meter = CpuMeter(server, up)
                streams = await asyncio.gather(*(stream(lab, server, plan, piece, voice) for _ in range(plan.streams)))
                name = f"{plan.streams} streams {what}, {piece * 1000:g} ms pieces"
                yield underruns(name, streams, where)
                yield lateness(name, streams, meter)


@contextmanager
def one_core(server: Server, up: Upstream) -> Iterator[str]:
    """The server alone on one core, all else on another."""
    cores = sorted(os.sched_getaffinity(0))
    ours = set(cores[1:2] or cores)
    pids = {server.pid: {cores[0]}, up.pid: ours, os.getpid(): ours}
    for pid, cpus in pids.items():
        pin(pid, cpus)
    try:
        yield "" if len(cores) > 1 else "; all on one core"
    finally:
        for pid in pids:
            pin(pid, set(cores))


async def stream(lab: Lab, server: Server, plan: Plan, piece: float, voice: str) -> tuple[Order, Spoken]:
    await asyncio.sleep(random.uniform(0, min(1, plan.seconds)))
    order = lab.order(seconds=plan.seconds, pace=1, piece=piece)
    return order, await lab.speak(server, order, voice=voice, rate=RATE)


def underruns(name: str, streams: list[tuple[Order, Spoken]], where: str) -> Row:
    played = [play(spoken.call.chunks) for _, spoken in streams]
    least = [reserve for _, reserve in played]
    return Row(
        bench="realtime",
        what=f"underruns, {name}",
        value=sum(runs for runs, _ in played),
        unit="",
        target=Target("≤", 0),
        detail=f"players start at {PLAYER_START * 1000:g} ms; their least reserve: worst {min(least):.0f} ms, "
        f"median {median(least):.0f} ms{where}",
    )


def play(chunks: Sequence[tuple[int, int]], bytes_per_second: float = WIDTH * RATE) -> tuple[int, float]:
    """How often a player ran dry, and the least that it had in reserve when a chunk came (ms)."""
    runs, least = 0, float("inf")
    gathered = 0.0
    since: int | None = None
    for now, size in chunks:
        if since is not None:
            left = gathered - (now - since) / 1e9
            least = min(least, left * 1000)
            if left < 0:
                runs, gathered, since = runs + 1, 0.0, None
        gathered += size / bytes_per_second
        if since is None and gathered >= PLAYER_START:
            since = now
    return runs, least


def lateness(name: str, streams: list[tuple[Order, Spoken]], meter: CpuMeter) -> Row:
    delays = [delay for order, spoken in streams for delay in chunk_delays(order, spoken)]
    late = max(spoken.report.late for _, spoken in streams) * 1000
    return Row(
        bench="realtime",
        what=f"p99 lateness, {name}",
        value=percentile(delays, 99) - median(delays),
        unit="ms over the median",
        detail=f"{len(delays)} chunks; upstream itself up to {late:.1f} ms late; CPU: {meter.shares()}",
    )


def chunk_delays(order: Order, spoken: Spoken) -> Iterator[float]:
    """ms from when the upstream was to send the piece that ends a chunk until the chunk came; the filter's hold is in it."""
    assert spoken.report.first is not None
    at = 0.0
    for now, size in spoken.call.chunks:
        at += size / (WIDTH * RATE)
        due = int((at - 1e-6) / order.piece) * order.piece / order.pace
        yield (now - spoken.report.first) / 1e6 - due * 1000
