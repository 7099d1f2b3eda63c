"""A sample of the campaign of random scenarios; all of it is `script/bench scenarios`. And what it takes for wrong."""

from __future__ import annotations

import pytest

from bench.campaigns.scenarios import voices
from bench.campaigns.scenarios.campaign import campaign
from bench.campaigns.scenarios.checks import allowed_codes
from bench.campaigns.scenarios.draw import drawn
from bench.campaigns.scenarios.scenario import Call, FrontEnd, Scenario
from bench.campaigns.scenarios.stage import stage

SAMPLE = (*range(1, 42), 1018)
"""Those which found the bugs that were planted to try the campaign, and one that nobody had planted, and all before them."""


@pytest.mark.timeout(180)
async def test_after_each_scenario_everybody_was_told_and_nothing_is_left() -> None:
    outcome = await campaign(SAMPLE)
    assert outcome.wrong == []
    assert outcome.played == len(SAMPLE)
    assert {ended for _, ended in outcome.ends} == {"completed", "interrupted", "failed", "left"}
    assert {front_end for front_end, _ in outcome.ends} == {"wyoming", "api", "openai", "websocket", "indextts"}


async def test_a_reload_takes_nothing_from_another_one_that_reads() -> None:
    async with stage() as made:
        before = voices.configuration(made.services)
        with (made.folder / "herald.yaml").open() as reading:
            await made.reload()
            assert reading.read() == before
            assert (made.folder / "herald.yaml").read_text() != before


@pytest.mark.parametrize("late", [True, False])
def test_only_a_late_process_excuses_services_that_nobody_troubled(late: bool) -> None:
    call = Call(front_end=FrontEnd.WYOMING, voice="openai hedged", fragments=("Hello.",))
    scenario = Scenario(seed=0, calls=[call], manners={}, troubles=[], meanwhile=[])
    assert allowed_codes(call, scenario, late=late) == ({"engine_timeout", "engine_unavailable"} if late else set())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_seed_is_always_the_same_scenario(seed: int) -> None:
    assert drawn(seed) == drawn(seed)
    assert drawn(seed).words() == drawn(seed).words()
    assert drawn(seed) != drawn(seed + 1)
