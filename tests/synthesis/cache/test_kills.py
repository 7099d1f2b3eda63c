"""A sample of the campaign that kills writers of the cache at random moments; all of it is `python -m bench.kills`."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.kills import campaign


@pytest.mark.timeout(60)
async def test_a_writer_that_is_killed_leaves_nothing_that_is_served_in_part(tmp_path: Path) -> None:
    outcome = await campaign(tmp_path, 4, writers=2)
    assert outcome.wrong == []
    assert outcome.kills == 4
    assert outcome.kept > 0
