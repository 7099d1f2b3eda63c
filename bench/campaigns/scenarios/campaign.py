"""Many scenarios, one after the other, on stages that are built afresh every so often; what was wrong, and how many ended how."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic

from . import checks
from .draw import drawn
from .playing import Played, play, warm_up
from .stage import Stage, children, files, settled, stage, tasks
from .voices import NATIVE

AT_ONCE = 50
"""Scenarios of one stage."""
GROUPS = ("wyoming_server", "tests/simulators")


@dataclass(kw_only=True)
class Campaign:
    """What came of all."""

    played: int = 0
    wrong: list[str] = field(default_factory=list)
    """With the seed of each."""
    ends: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Front end and outcome."""
    longest_interrupt: tuple[float, str] = (0.0, "none")
    seconds: float = 0.0

    def add(self, played: Played, since: int) -> None:
        """`since`: the seed of the first one on its stage."""
        self.played += 1
        self.ends.update(played.ends)
        self.longest_interrupt = max(self.longest_interrupt, played.longest_interrupt)
        if played.wrong:
            seed = played.scenario.seed
            again = f"--seed {seed} --count 1, or with those before it --seed {since} --count {seed - since + 1}"
            said = "\n".join(f"  {what}" for what in played.wrong)
            self.wrong.append(f"seed {seed}: {again}\n{said}\n{played.scenario.words()}")


async def campaign(seeds: Sequence[int], *, tell: Callable[[str], None] = lambda _: None) -> Campaign:
    """All of them. `tell` hears of failures, and how far it is."""
    outcome, begin, left = Campaign(), monotonic(), list(seeds)
    while left:
        before, failed = outcome.played, len(outcome.wrong)
        await _one_stage(left[:AT_ONCE], outcome, tell)
        for wrong in outcome.wrong[failed:]:
            tell(wrong)
        del left[: max(1, outcome.played - before)]
    outcome.seconds = monotonic() - begin
    return outcome


async def _one_stage(seeds: Sequence[int], outcome: Campaign, tell: Callable[[str], None]) -> None:
    """Up to the first failure, after which nothing can be said of the others."""
    gc.collect()
    open_before = files()
    async with stage() as made:
        await _ready(made)
        for seed in seeds:
            played = await play(made, drawn(seed))
            outcome.add(played, max(seeds[0], seed - AT_ONCE))
            if outcome.played % 100 == 0:
                tell(f"{outcome.played} scenarios, {len(outcome.wrong)} of them wrong")
            if played.wrong:
                break
    gc.collect()
    wrong = await settled(lambda: _left(open_before))
    wrong += made.log.found
    if wrong:
        outcome.wrong.append(f"seeds {seeds[0]} to {seed}, after the server had ended: {'; '.join(wrong)}")


async def _ready(made: Stage) -> None:
    await warm_up(made, NATIVE)
    await settled(lambda: [] if made.started == len(made.events) else ["running"])
    await asyncio.sleep(0.05)
    await made.calm()
    made.base = checks.base_of(made)


def _left(open_before: int) -> list[str]:
    """Of a server that has ended, and of its services."""
    wrong = [f"{count} tasks of {name}" for name, count in tasks(*GROUPS).items()]
    wrong += [f"{len(left)} processes"] if (left := children()) else []
    return wrong + ([f"{now - open_before} descriptors"] if (now := files()) > open_before else [])


def table(ends: Counter[tuple[str, str]]) -> str:
    """Front ends by outcomes."""
    fronts, outcomes = sorted({front for front, _ in ends}), ("completed", "interrupted", "failed", "left")
    lines = [("", *outcomes), *((front, *(str(ends[front, outcome]) for outcome in outcomes)) for front in fronts)]
    lines.append(("all", *(str(sum(ends[front, outcome] for front in fronts)) for outcome in outcomes)))
    return "\n".join(f"{first:<10}" + "".join(f"{cell:>13}" for cell in rest) for first, *rest in lines)


def run(seeds: Sequence[int], tell: Callable[[str], None]) -> Campaign:
    return asyncio.run(campaign(seeds, tell=tell))
