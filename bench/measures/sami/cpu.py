"""What the server works for 10 s of audio with the stage and without it, by turns; the engine delivers at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from ...lab import Lab, Size
from ...rows import Row
from ..openspeech.latency import at_some_moment, whole
from ..openspeech.sessions import SECONDS_A_CHARACTER, SENTENCE
from .stage import SPEAKERS, Stage

UNIT_SECONDS = 10.0
"""Of audio: costs are told for this much."""
ENGINE = "atonce"
WAYS = {"not converted": None, "converted": f"prompt/{SPEAKERS[0]}"}


@dataclass(frozen=True, kw_only=True)
class Plan:
    turns: int
    replies: int
    """In a turn."""
    text: str


PLANS = {
    Size.FULL: Plan(turns=5, replies=5, text=SENTENCE * 4),
    Size.QUICK: Plan(turns=3, replies=2, text=SENTENCE * 4),
    Size.TINY: Plan(turns=1, replies=1, text=SENTENCE),
}


async def measure(lab: Lab, stage: Stage) -> AsyncIterator[Row]:
    plan = PLANS[lab.size]
    costs: dict[str, list[float]] = {what: [] for what in WAYS}
    for _ in range(plan.turns):
        for what, converter in WAYS.items():
            costs[what].append(await turn(lab, stage, plan, converter))
    for what, some in costs.items():
        yield Row(
            bench="sami",
            what=f"CPU per {UNIT_SECONDS:g} s of audio, {what}",
            value=min(some),
            unit="ms",
            detail=f"the dearest turn {max(some):.1f} ms; resampled to 22.05 kHz, evened and limited",
        )


async def turn(lab: Lab, stage: Stage, plan: Plan, converter: str | None) -> float:
    """ms for 10 s of audio."""
    await at_some_moment()
    before = stage.server.cpu()
    for _ in range(plan.replies):
        await whole(await stage.ask(ENGINE, lab.number(), plan.text, converter))
    seconds = plan.replies * len(plan.text) * SECONDS_A_CHARACTER
    return (stage.server.cpu() - before) * 1000 * UNIT_SECONDS / seconds
