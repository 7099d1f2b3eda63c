"""Announcements and their interrupts: `script/bench announcements [--versions VERSION...] [--turns N] [--json FILE] [--check]`.

One house: a server in this process, whose engine tells when it is asked and when it is cancelled; a whole Home Assistant; a
Wyoming satellite in a process of its own, and media players that fetch over HTTP. All clocks are the machine's. The server is
asked directly, too, by a client that knows no Home Assistant: what is above that is what Home Assistant and a player add.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

import aiohttp
import numpy as np

from tests.audio.containers import read_back, sounds
from tests.frontends.flowing_client import url
from tests.whole.announcing import HALL, KITCHEN, LEAD, LONG, SENTENCE, THINK, House
from tests.whole.announcing import house as opened
from tests.whole.satellite import Chunk, Played
from wyoming_server.audio.encode import Container
from wyoming_server.models import AudioFormat

from ..figures import median, percentile, spread
from ..rows import Row, Target
from . import versions

BENCH = "announcements"
IN_A_ROW = 10
ENOUGH = 3.0
"""Seconds of audio after which it is interrupted: the server is as far ahead then as it may be, and the engine speaks."""
LOUD = 500
"""Of 32,768: from there on it is no codec's silence any more."""
NATIVE = AudioFormat(rate=22_050)
"""Of the engine."""
SHORTEST = 0.015
"""Seconds of a chunk whose pitch can be told."""
FIRST, CANCELLED = Target("<", 150), Target("<", 50)
"""ms"""
AUDIBLE, AT_ONCE = Target("≤", LEAD), Target("<", 100)
"""s, and ms."""
NONE, TWO_SENTENCES = Target("≤", 0), Target("≤", 2 * len(SENTENCE.strip()))
"""The one that is heard, and the one that the server asks for ahead."""


class Turn(NamedTuple):
    """Of one announcement that was interrupted. ms."""

    first: float
    """From the engine's first audio to the first sample that the player plays, after what its format begins with."""
    cancelled: float
    """From the call of `herald.interrupt` until the engine was cancelled."""
    returned: float
    """Until the action returned."""
    silent: float
    """Until nothing was heard any more."""
    rest: float
    """Seconds that were still heard of what the player had. None where it forgets that."""
    asked: int
    """Requests to the engine behind the interrupt."""
    in_hand: int
    """Characters that the engine did not speak to their end."""


class Moments(NamedTuple):
    """Of one announcement. The machine's clock."""

    wanted: float
    heard: float
    """The first sample."""
    interrupted: float
    returned: float
    silent: float


async def on_the_satellite(there: House) -> Turn:
    number = len(there.hall.played())
    since, speaking = monotonic(), there.starts(HALL, message=LONG, mode="interrupt")
    await there.until(lambda: len(there.hall.played()) > number and there.hall.played()[number].seconds > ENOUGH)
    played = there.hall.played()[number]
    interrupted, returned = await interrupt(there, HALL, speaking)
    await there.until(lambda: there.hall.played()[number].stop)
    return turn(there, Moments(since, played.sounds[0].sounds_at, interrupted, returned, played.chunks[-1].ends), played.rest)


async def on_the_player(there: House) -> Turn:
    since, speaking = monotonic(), there.starts(KITCHEN, message=LONG, mode="interrupt")
    await there.until(lambda: sum(line["seconds"] for line in there.noted("Kitchen", "chunk", since)) > ENOUGH)
    interrupted, returned = await interrupt(there, KITCHEN, speaking)
    silent = await there.plays("Kitchen", what="stopped", since=interrupted)  # what it had is gone
    return turn(there, Moments(since, heard_first(there, since), interrupted, returned, silent))


async def interrupt(there: House, target: str, speaking: asyncio.Task[dict[str, Any]]) -> tuple[float, float]:
    interrupted = monotonic()
    await there.interrupt(entity_id=target)
    returned = monotonic()
    await speaking
    return interrupted, returned


def turn(there: House, at: Moments, rest: float = 0.0) -> Turn:
    """The engine must have been speaking: otherwise nothing was cancelled, and nothing measured."""
    return Turn(
        first=1000 * (at.heard - there.engine_told("started", at.wanted)[0] - THINK),
        cancelled=1000 * (max(there.engine_told("cancelled", at.wanted)) - at.interrupted),
        returned=1000 * (at.returned - at.interrupted),
        silent=1000 * (at.silent - at.interrupted),
        rest=rest,
        asked=len(there.engine_told("started", at.interrupted)),
        in_hand=there.characters_in_hand(at.wanted, at.interrupted),
    )


def heard_first(there: House, since: float) -> float:
    """When the kitchen played the first sample that is loud: it was there, and what the format begins with was played."""
    chunks = there.noted("Kitchen", "chunk", since)
    sizes = list(accumulate((chunk["bytes"] for chunk in chunks), initial=0))
    audio = there.hass.fetched("Kitchen")[-sizes[-1] :]
    came = next(
        chunk["time"] for chunk, size in zip(chunks, sizes[1:], strict=True) if sounds(audio[:size], Container.MP3, NATIVE)
    )
    read = read_back(audio, Container.MP3, NATIVE)
    quiet = float(np.argmax(np.abs(read.samples) > LOUD)) / read.channels / read.rate
    begins: float = next(chunk["begins"] for chunk in chunks if chunk["seconds"])
    return max(float(came), begins + quiet)


async def directly(there: House) -> tuple[float, float]:
    """The same MP3 of the server alone: ms from the engine's first audio to a sound, and from an interrupt to the engine."""
    since, address, file = monotonic(), url(there.server, ""), b""
    first = interrupted = 0.0
    order = {"text": LONG, "format": "mp3", "sample_rate": 44_100, "pace": LEAD, "session_id": f"alone {since}"}
    headers = {"Authorization": f"Bearer {there.token}"}
    async with aiohttp.ClientSession(headers=headers) as session, session.post(f"{address}/api/tts/stream", json=order) as reply:
        async for piece in reply.content.iter_any():
            file += piece
            if not first and sounds(file, Container.MP3, NATIVE):
                first = monotonic()
            if not interrupted and monotonic() > since + ENOUGH - LEAD:
                interrupted = monotonic()
                async with session.post(f"{address}/api/tts/interrupt", json={"session_id": order["session_id"]}) as told:
                    assert told.status == 200, await told.text()
    asked, cancelled = there.engine_told("started", since)[0], max(there.engine_told("cancelled", since))
    return 1000 * (first - asked - THINK), 1000 * (cancelled - interrupted)


class Found(NamedTuple):
    """Of ten in a row."""

    played: Sequence[Played]
    asked: int
    after: int
    """Requests to the engine behind the last interrupt."""


async def in_a_row(there: House) -> Found:
    """Each interrupts the one before, when the satellite has been sent as much ahead as it may be."""
    await there.idle()
    since, before = monotonic(), len(there.hall.played())
    speaking = []
    for number in range(before, before + IN_A_ROW):
        voice = ("low", "high")[(number - before) % 2]
        speaking.append(there.starts(HALL, message=LONG, voice=voice, mode="interrupt"))
        await there.until(lambda at=number: len(there.hall.played()) > at and there.hall.played()[at].seconds > ENOUGH)  # type: ignore[misc]
    interrupted = monotonic()
    await there.interrupt()
    for one in speaking:
        await one
    asked, after = len(there.engine_told("started", since)), len(there.engine_told("started", interrupted))
    return Found(played=there.hall.played()[before:], asked=asked, after=after)


def of_a_row(found: Found) -> list[Row]:
    played = found.played
    strange = sum(len(one.late) + len(foreign(one, number)) for number, one in enumerate(played))
    gaps = [1000 * (other.sounds[0].time - one.stop) for one, other in pairwise(played) if one.stop is not None]
    rests = [one.rest for one in played]
    return [
        row(f"{IN_A_ROW} in a row: chunks of one behind its audio-stop, or among another's", strange, "", NONE),
        row("the same: still to be heard at an audio-stop, longest", max(rests), "s", AUDIBLE, spread(rests, "s")),
        row("the same: requests to the engine after the last interrupt", found.after, "", NONE),
        row("the same: audio-stop to the next first chunk", median(gaps), "ms", None, spread(gaps)),
        row("the same: sentences asked for", found.asked, "", None),
    ]


def foreign(played: Played, number: int) -> list[Chunk]:
    """Of another voice than the one that speaks."""
    other = (880, 440)[number % 2]
    return [chunk for chunk in played.sounds if chunk.seconds > SHORTEST and 440 * round(chunk.hertz / 440) == other]


def row(what: str, value: float, unit: str, target: Target | None, detail: str = "") -> Row:
    return Row(bench=BENCH, what=what, value=value, unit=unit, target=target, detail=detail)


KINDS: Mapping[str, Callable[[House], Awaitable[Turn]]] = {"satellite": on_the_satellite, "media player": on_the_player}


async def measure(there: House, turns: int) -> list[Row]:
    """All take turns."""
    alone: list[tuple[float, float]] = []
    idle: list[float] = []
    found: dict[str, list[Turn]] = {name: [] for name in KINDS}
    for _ in range(turns + 1):
        alone.append(await directly(there))
        for name, kind in KINDS.items():
            await there.idle()
            idle.append(await nothing(there))
            found[name].append(await kind(there))
    first, cancelled = zip(*alone[1:], strict=True)  # at first, what is imported late is imported
    rows = [
        row("server alone, MP3: engine's first audio to a sound, p95", percentile(first, 95), "ms", None, spread(first)),
        row("server alone: interrupt to engine cancelled, p95", percentile(cancelled, 95), "ms", None, spread(cancelled)),
        row("an interrupt where nobody speaks", median(idle[2:]), "ms", None, spread(idle[2:])),
    ]
    for name, some in found.items():
        rows += of_turns(name, some[1:])
    return rows + of_a_row(await in_a_row(there))


async def nothing(there: House) -> float:
    """ms of an action that has nothing to do."""
    begin = monotonic()
    await there.interrupt(entity_id=KITCHEN)
    return 1000 * (monotonic() - begin)


def of_turns(name: str, some: Sequence[Turn]) -> list[Row]:
    first, cancelled = [one.first for one in some], [one.cancelled for one in some]
    silent, returned, rests = [one.silent for one in some], [one.returned for one in some], [one.rest for one in some]
    keeps = any(rests)
    return [
        row(f"{name}: engine's first audio to first sample, p95", percentile(first, 95), "ms", FIRST, spread(first)),
        row(f"{name}: interrupt to engine cancelled, p95", percentile(cancelled, 95), "ms", CANCELLED, spread(cancelled)),
        row(f"{name}: interrupt to silence, p95", percentile(silent, 95), "ms", None if keeps else AT_ONCE, spread(silent)),
        *(
            [row(f"{name}: still to be heard at audio-stop, longest", max(rests), "s", AUDIBLE, spread(rests, "s"))]
            if keeps
            else []
        ),
        row(f"{name}: interrupt to the action's end", median(returned), "ms", None, spread(returned)),
        row(f"{name}: requests to the engine after it", sum(one.asked for one in some), "", NONE),
        row(f"{name}: characters asked for, and not spoken", max(one.in_hand for one in some), "", TWO_SENTENCES, "the most"),
    ]


async def of_release(release: Path, turns: int) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="herald-bench-") as name:
        async with opened(release, Path(name)) as there:
            return [replace(one, what=f"{there.hass.version}: {one.what}") for one in await measure(there, turns)]


def main(argv: Sequence[str]) -> int:
    description = "Measures announcements and their interrupts."
    return versions.main(argv, of_release, bench=BENCH, description=description, turns=20)
