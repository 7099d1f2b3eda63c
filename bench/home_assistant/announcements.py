"""Announcements and their interrupts: `script/bench announcements [--version VERSION] [--turns N] [--json FILE] [--check]`.

One house: a server in this process, whose engine tells when it is asked and when it is cancelled; a whole Home Assistant; a
Wyoming satellite in a process of its own, and media players that fetch over HTTP. All clocks are the machine's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from tests.whole.announcing import HALL, KITCHEN, LEAD, LONG, THINK, House
from tests.whole.announcing import house as opened
from tests.whole.satellite import Played

from ..figures import median, percentile, spread
from ..peer import Unavailable
from ..rows import Row, Target, table
from .house import bring

BENCH = "announcements"
VERSION = "2026.10.4"
IN_A_ROW = 10
ENOUGH = 3.0
"""Seconds of audio after which it is interrupted: the server is as far ahead then as it may be."""
FIRST, CANCELLED = Target("<", 150), Target("<", 50)
"""ms"""
AUDIBLE = Target("≤", LEAD)
NONE = Target("≤", 0)


class Turn(NamedTuple):
    """Of one announcement that was interrupted. ms."""

    first: float
    """From the engine's first audio to the player's."""
    cancelled: float
    """From the call of `herald.interrupt` until the engine was cancelled."""
    returned: float
    """Until the action returned."""
    silent: float
    """Until nothing was heard any more."""
    after: int
    """Requests to the engine behind the interrupt."""


async def turn(there: House, target: str) -> Turn:
    await there.idle()
    since, number = monotonic(), len(there.hall.played()) + 1
    speaking = there.starts(target, message=LONG, mode="interrupt")
    if target == HALL:
        first = (await there.hall.sounds(number)).begins
        await there.until(lambda: sum(chunk.seconds for chunk in there.hall.played()[number - 1].chunks) > ENOUGH)
    else:
        first = await there.plays("Kitchen", since=since)
        await there.until(lambda: sum(line["seconds"] for line in there.noted("Kitchen", "chunk", since)) > ENOUGH)
    interrupted = monotonic()
    await there.interrupt(entity_id=target)
    returned = monotonic()
    await speaking
    asked = len(there.engine_told("started", since))
    await there.until(lambda: len(there.engine_told("cancelled", since)) + len(there.engine_told("finished", since)) >= asked)
    if target == HALL:
        await there.until(lambda: there.hall.played()[number - 1].stop)
        silent = there.hall.played()[number - 1].chunks[-1].ends
    else:
        silent = await there.plays("Kitchen", what="stopped", since=interrupted)  # what it had is gone
    engine = there.engine_told("started", since)[0] + THINK
    cancelled = max(there.engine_told("cancelled", since), default=interrupted)
    after = len(there.engine_told("started", interrupted))
    return Turn(
        first=1000 * (first - engine),
        cancelled=1000 * (cancelled - interrupted),
        returned=1000 * (returned - interrupted),
        silent=1000 * (silent - interrupted),
        after=after,
    )


async def in_a_row(there: House) -> list[Row]:
    """Each interrupts the one before."""
    await there.idle()
    since, before = monotonic(), len(there.hall.played())
    speaking = []
    for number in range(IN_A_ROW):
        voice = ("low", "high")[number % 2]
        speaking.append(there.starts(HALL, message=LONG, voice=voice, mode="interrupt"))
        await there.hall.sounds(before + number + 1, 10)
    interrupted = monotonic()
    await there.interrupt()
    for one in speaking:
        await one
    played = there.hall.played()[before:]
    gaps = [1000 * (other.sounds[0].time - one.stop) for one, other in pairwise(played) if one.stop is not None]
    late = sum(one.stop is None or one.stop > other.start for one, other in pairwise(played))
    after = len(there.engine_told("started", interrupted))
    return [
        row(f"{IN_A_ROW} in a row: chunks of one after the next one's audio-start", late, "", NONE),
        row("the same: still audible, longest", max(map(ahead, played)), "s", AUDIBLE, "of what the satellite was sent ahead"),
        row("the same: requests to the engine after the last interrupt", after, "", NONE),
        row("the same: audio-stop to the next first chunk", median(gaps), "ms", None, spread(gaps)),
        row("the same: sentences asked for", len(there.engine_told("started", since)), "", None),
    ]


def ahead(played: Played) -> float:
    """Seconds that were still to be heard when it was stopped."""
    assert played.stop is not None
    return sum(chunk.seconds for chunk in played.chunks) - (played.stop - played.chunks[0].time)


def row(what: str, value: float, unit: str, target: Target | None, detail: str = "") -> Row:
    return Row(bench=BENCH, what=what, value=value, unit=unit, target=target, detail=detail)


async def measure(there: House, turns: int) -> list[Row]:
    rows = []
    for name, target in (("satellite", HALL), ("media player", KITCHEN)):
        await turn(there, target)  # what is imported late is imported now
        found = [await turn(there, target) for _ in range(turns)]
        first, cancelled = [one.first for one in found], [one.cancelled for one in found]
        silent, returned = [one.silent for one in found], [one.returned for one in found]
        rows += [
            row(f"{name}: engine's first audio to first sample", median(first), "ms", FIRST, spread(first)),
            row(f"{name}: interrupt to engine cancelled, p95", percentile(cancelled, 95), "ms", CANCELLED, spread(cancelled)),
            row(f"{name}: interrupt to silence", max(silent), "ms", None, spread(silent)),
            row(f"{name}: interrupt to the action's end", median(returned), "ms", None, spread(returned)),
            row(f"{name}: requests to the engine after it", sum(one.after for one in found), "", NONE),
        ]
    return rows + await in_a_row(there)


async def run(arguments: argparse.Namespace) -> list[Row]:
    release = await bring(arguments.version) if arguments.version[0] != "/" else Path(arguments.version)
    with tempfile.TemporaryDirectory(prefix="herald-bench-") as name:
        async with opened(release, Path(name)) as there:
            return await measure(there, arguments.turns)


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench announcements", description="Measures announcements and their interrupts.")
    parser.add_argument("--version", default=VERSION, help="release of Home Assistant, newest, or the folder that has one")
    parser.add_argument("--turns", type=int, default=20, metavar="N", help="announcements of each kind (default: 20)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too")
    parser.add_argument("--check", action="store_true", help="fail if a target is missed, or the version cannot be had")
    arguments = parser.parse_args(argv)
    try:
        rows = asyncio.run(run(arguments))
    except Unavailable as why:
        print(f"  not run: {why}", flush=True)
        return int(arguments.check)
    print(table(rows), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps({"rows": [one.as_json() for one in rows]}, indent=1) + "\n")
    missed = [one for one in rows if one.passed is False]
    print(f"{sum(one.passed is True for one in rows)} targets met, {len(missed)} missed")
    return int(bool(missed) and arguments.check)
